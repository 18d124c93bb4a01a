import asyncio
import itertools

import pytest

from bot.delivery.edits import EDIT_SECONDS, EditSchedule
from tests.bot.previews import ANN, ROOM, edits, now, play, show_words
from tests.bot.recorder import Telegram


def test_edits_of_a_group_are_three_seconds_apart_over_all_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        turns = EditSchedule()

        async def answer(name: str) -> None:
            async with edits(recorded, turns) as preview:
                await show_words(preview, 55.0, f"{name}: ")

        await asyncio.gather(answer("one"), answer("two"), answer("three"))
        shown = recorded.of("editMessageText")
        assert recorded.floods == []
        assert all(late.at - early.at >= EDIT_SECONDS - 0.1 for early, late in itertools.pairwise(shown))
        assert {call.params["text"].partition(":")[0] for call in shown} == {"one", "two", "three"}

    play(monkeypatch, scenario)


def test_edits_leave_a_slot_for_the_final_message(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with edits(recorded, EditSchedule()) as preview:
            await show_words(preview, 120.0)
            began = now()
            await recorded.bot.send_message(ROOM, "the final")
            assert now() - began < 2.0
        assert recorded.floods == []

    play(monkeypatch, scenario)


def test_placeholder_is_deleted_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with edits(recorded, EditSchedule()):
            await asyncio.sleep(1)
            assert [message["text"] for message in recorded.world.messages(ROOM)] == ["…"]
        assert recorded.world.messages(ROOM) == []

    play(monkeypatch, scenario)


def test_placeholder_replaced_by_the_final_message_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with edits(recorded, EditSchedule()) as preview:
            await asyncio.sleep(1)
            (message,) = recorded.world.messages(ROOM)
            assert preview.take_over() == message["message_id"]
            await preview.end("The end")
        assert len(recorded.world.messages(ROOM)) == 1

    play(monkeypatch, scenario)


def test_late_placeholder_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        recorded.lag = 1.0
        async with edits(recorded, EditSchedule()) as preview:
            await asyncio.sleep(0.5)
            assert preview.take_over() is None
            await preview.end("The end")
        assert recorded.world.messages(ROOM) == []

    play(monkeypatch, scenario)


def test_edits_work_in_private_chats(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with edits(recorded, EditSchedule(), ANN) as preview:
            text = await show_words(preview, 30.0)
            await asyncio.sleep(4)
        assert recorded.texts("editMessageText")[-1].strip() == text.strip()
        assert recorded.of("sendMessageDraft") == []
        assert recorded.floods == []

    play(monkeypatch, scenario)


def test_answer_that_begins_during_another_call_gets_its_placeholder_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        recorded.lag = 2.0
        sending = asyncio.create_task(recorded.bot.send_message(ROOM, "The answer to another question"))
        await asyncio.sleep(0.1)
        recorded.lag = 0.0
        async with edits(recorded, EditSchedule()) as preview:
            await asyncio.sleep(1)
            assert preview.take_over() is None
            preview.show("The sea is wide. " * 5)
            await asyncio.sleep(3)
            assert preview.has_shown
            await preview.end("The sea is wide.")
        await sending
        assert [text[:7] for text in recorded.texts("sendMessage")] == ["The ans", "The sea"]

    play(monkeypatch, scenario)


def test_answer_ends_at_once_while_it_waits_for_a_placeholder(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        recorded.lag = 6.0
        sending = asyncio.create_task(recorded.bot.send_message(ROOM, "The answer to another question"))
        await asyncio.sleep(0.1)
        began = now()
        async with edits(recorded, EditSchedule()) as preview:
            await asyncio.sleep(1)
            await preview.end("The sea is wide.")
            assert preview.take_over() is None
        assert now() - began < 2
        await sending

    play(monkeypatch, scenario)
