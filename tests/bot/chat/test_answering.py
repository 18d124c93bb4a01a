import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from engine.chat import Role, says
from sandbox.app import Sandbox
from storage.telegram import conversations
from storage.tenants import tenants
from tests.journeys.conftest import ANN, CONFIG, Journey, begun

LONG = "please tell me at length about the sea"
SMALL = CONFIG.replace('output = "0.28"', 'output = "0.28"\ncontext_tokens = 4000').replace(
    '["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite", "anthropic/claude-haiku-4-5", "openai/gpt-4o"]',
    '["deepseek/deepseek-v4-flash"]',
)


@pytest.fixture
async def journey(tmp_path: Path) -> AsyncIterator[Journey]:
    async with Sandbox(word_seconds=0.001) as sandbox, begun(tmp_path, sandbox) as running:
        yield running


async def setting(journey: Journey, key: str, value: object) -> None:
    await journey.ask("/start")
    (row,) = await journey.rows("SELECT id FROM tenants WHERE telegram_user_id = :id", id=ANN)
    await journey.house.db.write(lambda conn: tenants.set_setting(conn, row["id"], key, value))


def hanging(journey: Journey) -> list[str]:
    """What was drafted after the last message, or still stands."""
    calls = [(name, params.get("text", "")) for name, params in journey.sandbox.world.calls]
    last = max((place for place, (name, _) in enumerate(calls) if name == "sendMessage"), default=-1)
    late = [text for name, text in calls[last:] if name == "sendMessageDraft"]
    return late + [draft["text"] for draft in journey.sandbox.world.chats[ANN].drafts.values()]


@pytest.mark.parametrize(
    ("mode", "said"),
    [("down", "Every provider is down"), ("cut", "broke off"), ("blocked", "help")],
)
async def test_whatever_ends_an_answer_is_said_and_no_draft_hangs(journey: Journey, mode: str, said: str) -> None:
    for name in ("deepseek", "gemini", "anthropic", "openai"):
        journey.sandbox.stand_ins.set_mode(name, mode)
    assert said in await journey.ask(LONG)
    await journey.idle()
    assert hanging(journey) == []


async def test_stopped_before_the_first_word_nothing_is_charged_and_no_draft_hangs(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "keepalive_only")
    journey.sandbox.world.say(ANN, ANN, LONG)
    while not journey.sandbox.stand_ins.provider("deepseek").streams:
        await asyncio.sleep(0.01)
    assert "nothing was charged" in await journey.ask("/stop")
    await journey.idle()
    assert hanging(journey) == []
    await journey.check_books()


async def test_a_stopped_answer_says_what_was_charged_for_it(journey: Journey) -> None:
    journey.sandbox.stand_ins._word_seconds = 0.05
    journey.sandbox.world.say(ANN, ANN, LONG)
    while not any(draft["text"] for draft in journey.sandbox.world.chats[ANN].drafts.values()):
        await asyncio.sleep(0.01)
    answer = await journey.ask("/stop")
    await journey.idle()
    (attempt,) = await journey.rows("SELECT allowance_tokens FROM attempts")
    assert f"Stopped. For what was delivered: {attempt['allowance_tokens']} tokens." in answer
    assert hanging(journey) == []


async def test_an_answer_that_began_anew_elsewhere_says_so(journey: Journey) -> None:
    journey.sandbox.stand_ins.set_mode("deepseek", "cut")
    answer = await journey.ask(LONG)
    assert "stand-in for Gemini" in answer
    assert "stand-in for DeepSeek" not in answer
    assert "deepseek broke off; gemini answered anew." in answer


async def test_the_footer_names_price_provider_and_time(journey: Journey) -> None:
    await setting(journey, "footer", True)
    assert re.search(r"\n\n[\d,]+ tokens · deepseek · \d+\.\d s$", await journey.ask(LONG))


async def test_who_chose_edits_gets_no_drafts(journey: Journey) -> None:
    await setting(journey, "stream", "edit")
    answer = await journey.ask(LONG)
    assert "stand-in" in answer
    await journey.idle()
    assert [name for name, _ in journey.sandbox.world.calls if name == "sendMessageDraft"] == []
    assert [message for message in journey.sandbox.world.messages(ANN) if message.get("text") == "…"] == []


async def test_a_long_conversation_goes_on_in_a_short_context_and_says_so_once(tmp_path: Path) -> None:
    async with Sandbox(word_seconds=0.001) as sandbox, begun(tmp_path, sandbox, SMALL) as journey:
        await journey.ask("/start")
        turn = [says(Role.USER, "the sea is wide " * 60), says(Role.ASSISTANT, "and the night is long " * 60)]
        now = journey.house.clock.now()
        for number in range(50):
            unit = partial(conversations.append, chat_id=ANN, thread_id=0, tenant_id=1, said=turn, now=now)
            await journey.house.db.write(partial(unit, request_id=f"old:{number}"))
        answers = [await journey.ask(LONG) for _ in range(2)]
        await journey.idle()
        assert all("stand-in" in answer for answer in answers)
        assert ["longer than the model can read" in answer for answer in answers] == [True, False]
        attempts = await journey.rows("SELECT outcome, input_tokens FROM attempts")
        assert [attempt["outcome"] for attempt in attempts] == ["answered", "answered"]
        assert all(500 < attempt["input_tokens"] < 4000 for attempt in attempts)
