import asyncio
import itertools
from typing import Any

import pytest

from bot.chat.answering import PACE
from bot.delivery.drafts import FRAMES_PER_SECOND
from sandbox.telegram.text import units
from sandbox.telegram.world import Chat
from tests.bot.previews import ANN, draft, in_any, now, play, show_words
from tests.bot.recorder import Telegram


def test_empty_draft_with_a_stop_button_is_sent_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        began = now()
        async with draft(recorded):
            await asyncio.sleep(0.1)
            (first,) = recorded.of("sendMessageDraft")
            assert first.params["text"] == ""
            assert first.params["can_stop"] == "true"
            assert first.at - began < 0.05

    play(monkeypatch, scenario)


def test_first_text_is_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with draft(recorded) as preview:
            await asyncio.sleep(0.2)
            preview.show("Hello")
            came = now()
            await asyncio.sleep(0.3)
            assert recorded.texts("sendMessageDraft") == ["", "Hello"]
            assert recorded.calls[-1].at - came < 0.1

    play(monkeypatch, scenario)


def test_first_text_is_shown_soon_after_all_chats_had_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        recorded.limiter.streams = 40  # so that frames are seconds apart
        async with draft(recorded) as preview:
            await asyncio.sleep(0.2)
            recorded.limiter._gate.shut(now() + 20)
            assert recorded.limiter._gate.takes_probe(), "another chat's draft"
            preview.show("Hello")
            await asyncio.sleep(0.4)
            assert recorded.texts("sendMessageDraft") == [""]
            recorded.limiter._gate.open()
            await asyncio.sleep(0.25)
            assert recorded.texts("sendMessageDraft") == ["", "Hello"]
            preview.show("Hello, sea")
            await asyncio.sleep(0.5)
            assert recorded.texts("sendMessageDraft") == ["", "Hello"]

    play(monkeypatch, scenario)


def test_each_frame_is_the_latest_text_and_continues_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with draft(recorded) as preview:
            text = await show_words(preview, 2.0)
            await asyncio.sleep(1.5)
        frames = recorded.texts("sendMessageDraft")
        assert 4 <= len(frames) <= 7
        assert all(after.startswith(before) and after != before for before, after in itertools.pairwise(frames))
        assert frames[-1] == text.rstrip()

    play(monkeypatch, scenario)


def test_text_of_each_read_is_shown_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with draft(recorded) as preview:
            await asyncio.sleep(0.2)
            preview.show("Hello")
            await asyncio.sleep(PACE.pause_seconds)
            preview.show("Hello, sea")
            came = now()
            await asyncio.sleep(0.3)
        assert recorded.texts("sendMessageDraft") == ["", "Hello", "Hello, sea"]
        assert recorded.calls[-1].at - came < 0.001

    play(monkeypatch, scenario)


def test_long_answer_stays_within_the_draft_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with draft(recorded) as preview:
            await show_words(preview, 90.0, every=0.15)
        times = [call.at for call in recorded.of("sendMessageDraft")]
        assert recorded.floods == []
        assert in_any(times, 5.0) <= 20
        assert in_any(times, 30.0) <= 40
        assert all(after - before < 2.0 for before, after in itertools.pairwise(times))

    play(monkeypatch, scenario)


@pytest.mark.parametrize("said", ["", "So far"])
def test_heartbeat_changes_while_no_text_comes(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with draft(recorded) as preview:
            preview.show(said)
            for _ in range(75):
                await asyncio.sleep(1.0)
                recorded.world.expire_drafts()
                assert recorded.world.chats[ANN].drafts, "the draft has died"
        calls = recorded.of("sendMessageDraft")
        frames = [call.params["text"] for call in calls]
        assert all(frame.startswith(said) for frame in frames[1:])
        assert len(set(frames)) == len(frames) > 4
        assert all(after.at - before.at <= 20 for before, after in itertools.pairwise(calls))

    play(monkeypatch, scenario)


def test_stalled_answer_shows_that_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with draft(recorded) as preview:
            preview.show("So far")
            await asyncio.sleep(8)
            assert recorded.texts("sendMessageDraft")[-1].startswith("So far\n\n… ")
            preview.show("Anew by another provider")
            await asyncio.sleep(2)
            assert recorded.texts("sendMessageDraft")[-1] == "Anew by another provider"

    play(monkeypatch, scenario)


def test_head_of_a_text_longer_than_a_draft_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with draft(recorded) as preview:
            text = "😀" * 2040
            preview.show(text)
            await show_words(preview, 70.0, text)
            recorded.world.expire_drafts()
            assert recorded.world.chats[ANN].drafts
        calls = recorded.of("sendMessageDraft")
        assert {call.status for call in calls} == {200}
        assert all(units(call.params["text"]) <= 4096 for call in calls)
        assert all(call.params["text"].startswith("😀" * 2000) for call in calls[1:])
        assert len(calls) < 30

    play(monkeypatch, scenario)


@pytest.mark.parametrize(("shown", "head"), [("## Title", "Title"), ("", "Short"), ("**Bold** word", "Bold word")])
def test_last_frame_equals_the_start_of_the_final_message(
    monkeypatch: pytest.MonkeyPatch, shown: str, head: str
) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with draft(recorded) as preview:
            preview.show(shown)
            await asyncio.sleep(0.5)
            await preview.end(head)
            assert recorded.texts("sendMessageDraft")[-1] == head

    play(monkeypatch, scenario)


def test_heartbeat_is_replaced_before_the_final_message(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async with draft(recorded) as preview:
            preview.show("Well")
            await asyncio.sleep(25)
            assert recorded.texts("sendMessageDraft")[-1].startswith("Well\n\n…")
            await preview.end("Well then")
            assert recorded.texts("sendMessageDraft")[-1] == "Well then"

    play(monkeypatch, scenario)


def test_no_frame_follows_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        recorded.lag = 0.7
        async with draft(recorded) as preview:
            await asyncio.sleep(1.0)
            preview.show("One")
            await asyncio.sleep(0.2)
            preview.show("One two")
            await preview.end("One two three")
            over = len(recorded.calls)
            preview.show("One two three four")
            await asyncio.sleep(60)
            assert len(recorded.calls) == over
        assert len(recorded.calls) == over

    play(monkeypatch, scenario)


def test_cancelled_answer_sends_no_further_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        async def answer() -> None:
            async with draft(recorded) as preview:
                await show_words(preview, 100.0)

        task = asyncio.create_task(answer())
        await asyncio.sleep(3.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        over = len(recorded.calls)
        await asyncio.sleep(60)
        assert len(recorded.calls) == over
        assert recorded.limiter.streams == 0

    play(monkeypatch, scenario)


def test_429_slows_drafts_and_causes_no_edits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        refused: list[float] = []

        def once(_: str) -> tuple[int, dict[str, Any]] | None:
            if refused or len(recorded.calls) < 3:
                return None
            refused.append(now())
            return 429, {"retry_after": 4}

        recorded.fault = once
        async with draft(recorded) as preview:
            await show_words(preview, 40.0)
        assert {call.method for call in recorded.calls} == {"sendMessageDraft"}
        after = [call.at for call in recorded.calls if call.at > refused[0]]
        assert after[0] - refused[0] >= 4.0
        assert all(late - early >= 4.9 for early, late in itertools.pairwise(after))

    play(monkeypatch, scenario)


def test_refused_drafts_are_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        recorded.fault = lambda method: (400, {}) if method == "sendMessageDraft" else None
        async with draft(recorded) as preview:
            await show_words(preview, 10.0)
            await preview.end("The end")
        assert len(recorded.calls) == 1

    play(monkeypatch, scenario)


def test_interval_grows_with_the_number_of_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(recorded: Telegram) -> None:
        chats = range(5000, 5036)
        for chat in chats:
            recorded.world.users[chat] = {"id": chat, "is_bot": False, "first_name": "U"}
            recorded.world.chats[chat] = Chat(chat, "private", "U", (chat,))

        async def answer(chat: int) -> None:
            async with draft(recorded, chat) as preview:
                await show_words(preview, 20.0, every=0.25)

        began = now()
        await asyncio.gather(*map(answer, chats))
        later = [call for call in recorded.calls if began + 5 < call.at < began + 20]
        assert len(later) / 15 <= FRAMES_PER_SECOND * 1.1
        assert all(len(recorded.of("sendMessageDraft", chat)) >= 5 for chat in chats)

    play(monkeypatch, scenario)
