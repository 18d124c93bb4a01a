import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from engine.chat import Role, says
from engine.money import Money
from sandbox.app import Sandbox
from storage.telegram import conversations
from storage.tenants import tenant_settings
from tests.builders import english
from tests.journeys.conftest import ANN, CONFIG, Journey, started

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

LONG = "please tell me at length about the sea"
SMALL = CONFIG.replace('output = "0.28"', 'output = "0.28"\ncontext_tokens = 4000').replace(
    '["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite", "anthropic/claude-haiku-4-5", "openai/gpt-4o"]',
    '["deepseek/deepseek-v4-flash"]',
)


@pytest.fixture
async def journey(tmp_path: Path) -> AsyncIterator[Journey]:
    async with Sandbox(word_seconds=0.001) as sandbox, started(tmp_path, sandbox) as running:
        yield running


async def setting(journey: Journey, key: str, value: object) -> None:
    await journey.ask("/start")
    (row,) = await journey.rows("SELECT id FROM tenants WHERE telegram_user_id = :id", id=ANN)
    await journey.container.db.write(lambda conn: tenant_settings.set_setting(conn, row["id"], key, value))


def open_drafts(journey: Journey) -> list[str]:
    """Return the drafts sent after the last message, and those still open."""
    calls = [(name, params.get("text", "")) for name, params in journey.sandbox.world.calls]
    last = max((place for place, (name, _) in enumerate(calls) if name == "sendMessage"), default=-1)
    late = [text for name, text in calls[last:] if name == "sendMessageDraft"]
    return late + [draft["text"] for draft in journey.sandbox.world.chats[ANN].drafts.values()]


@pytest.mark.parametrize(
    ("mode", "said"),
    [("down", "No provider can answer"), ("cut", "broke off"), ("blocked", "help")],
)
async def test_failure_is_explained_and_no_draft_stays_open(journey: Journey, mode: str, said: str) -> None:
    for name in ("deepseek", "gemini", "anthropic", "openai"):
        journey.sandbox.stand_ins.set_mode(name, mode)
    assert said in await journey.ask(LONG)
    await journey.idle()
    assert open_drafts(journey) == []


async def test_answer_stopped_before_content_is_charged_for_its_question_and_leaves_no_draft(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "keepalive_only")
    journey.sandbox.world.say(ANN, ANN, LONG)
    while not journey.sandbox.stand_ins.provider("deepseek").streams:
        await asyncio.sleep(0.01)
    answer = await journey.ask("/stop")
    assert "Stopped before the answer began." in answer
    await journey.idle()
    (attempt,) = await journey.rows("SELECT allowance_tokens, output_tokens FROM attempts")
    assert attempt["output_tokens"] == 0 < attempt["allowance_tokens"]
    paid = english(Money(5000 * attempt["allowance_tokens"]))  # 5.00 USD per 1M tokens
    assert f"Charged for the question, which the model had begun to read: {paid}." in answer
    assert open_drafts(journey) == []
    await journey.check_books()


async def test_stopped_answer_names_its_charge(journey: Journey) -> None:
    journey.sandbox.stand_ins._word_seconds = 0.05
    journey.sandbox.world.say(ANN, ANN, LONG)
    while not any(draft["text"] for draft in journey.sandbox.world.chats[ANN].drafts.values()):
        await asyncio.sleep(0.01)
    answer = await journey.ask("/stop")
    await journey.idle()
    (attempt,) = await journey.rows("SELECT allowance_tokens FROM attempts WHERE kept")
    paid = english(Money(5000 * attempt["allowance_tokens"]))  # 5.00 USD per 1M tokens
    assert f"Stopped. Charged for the part delivered: {paid}." in answer
    assert open_drafts(journey) == []


async def test_answer_replaced_by_another_provider_says_so(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "cut")
    answer = await journey.ask(LONG)
    assert "stand-in for Gemini" in answer
    assert "stand-in for DeepSeek" not in answer
    assert "DeepSeek broke off; Gemini started the answer again." in answer


async def test_footer_names_charge_provider_and_duration(journey: Journey) -> None:
    await setting(journey, "footer", True)
    assert re.search(r"\n\n[\d.]+ ¢ · DeepSeek · \d+\.\d s$", await journey.ask(LONG))


async def test_user_who_chose_edits_gets_no_drafts(journey: Journey) -> None:
    await setting(journey, "stream", "edit")
    answer = await journey.ask(LONG)
    assert "stand-in" in answer
    await journey.idle()
    assert [name for name, _ in journey.sandbox.world.calls if name == "sendMessageDraft"] == []
    assert [message for message in journey.sandbox.world.messages(ANN) if message.get("text") == "…"] == []


async def test_long_conversation_is_summarised_for_a_short_context(tmp_path: Path) -> None:
    async with Sandbox(word_seconds=0.001) as sandbox, started(tmp_path, sandbox, SMALL) as journey:
        await journey.ask("/start")
        turn = [says(Role.USER, "the sea is wide " * 60), says(Role.ASSISTANT, "and the night is long " * 60)]
        now = journey.container.clock.now()
        for number in range(50):
            unit = partial(conversations.append, chat_id=ANN, thread_id=0, tenant_id=1, said=turn, now=now)
            await journey.container.db.write(partial(unit, request_id=f"old:{number}"))
        answers = [await journey.ask(LONG) for _ in range(2)]
        await journey.idle()
        assert all("stand-in" in answer for answer in answers)
        assert ["📝" in answer for answer in answers] == [True, False]
        attempts = await journey.rows("SELECT outcome, input_tokens FROM attempts")
        assert [attempt["outcome"] for attempt in attempts] == ["answered"] * 3
        assert all(500 < attempt["input_tokens"] < 4000 for attempt in attempts)
