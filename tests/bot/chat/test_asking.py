import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.chat.asking import _state_after
from bot.groups.addressing import ANONYMOUS
from engine.errors import AnswerCut, EngineError, NoProvider, TooManyRequests
from sandbox.app import Sandbox
from storage.database.connection import Connection, ms
from storage.telegram.questions import QuestionState
from tests.bot.contexts import bot_texts, text
from tests.journeys.conftest import ANN, GROUP_ID, Journey, started


async def test_anonymous_senders_are_told_that_they_can_not_ask(journey: Journey) -> None:
    world, name = journey.sandbox.world, journey.bot.bot.username
    world.say(GROUP_ID, ANN, f"@{name} hello", sender_chat={"id": GROUP_ID, "type": "supergroup", "title": "Tea room"})
    world.users[ANONYMOUS] = {"id": ANONYMOUS, "is_bot": False, "first_name": "Group", "username": "GroupAnonymousBot"}
    world.say(GROUP_ID, ANONYMOUS, f"@{name} hello")
    await journey.idle()
    assert bot_texts(journey, GROUP_ID) == [text("chat.anonymous")] * 2
    assert await journey.rows("SELECT * FROM holds") == []


async def test_mention_without_text_is_told_how_to_ask(journey: Journey) -> None:
    journey.sandbox.world.say(GROUP_ID, ANN, f"@{journey.bot.bot.username}")
    await journey.idle()
    assert bot_texts(journey, GROUP_ID) == [text("chat.only_name")]


@pytest.mark.parametrize("words", ["tell me about the sea"])
async def test_old_question_is_answered_only_after_its_button(journey: Journey, words: str) -> None:
    world = journey.sandbox.world
    message = world.post(ANN, world.users[ANN], {"text": words})
    world.updates.push("message", {**message, "date": message["date"] - 7200})
    await journey.idle()
    assert bot_texts(journey) == [text("chat.old_named", question=words)]
    assert await journey.rows("SELECT * FROM holds") == []
    await journey.press(text("chat.answer_old"))
    await world.wait_message(ANN, lambda m: "stand-in" in m.get("text", ""))
    await journey.idle()
    await journey.check_books()


async def test_quoted_text_of_a_reply_goes_with_the_question(journey: Journey) -> None:
    world = journey.sandbox.world
    first = world.post(ANN, world.users[ANN], {"text": "the tide tables"})
    world.say(ANN, ANN, "explain this", reply_to=first["message_id"])
    await journey.idle()
    (question, _) = await journey.rows("SELECT parts FROM messages ORDER BY id")
    assert "Message of Ann, which is replied to:]\\n> the tide tables" in question["parts"]
    assert "explain this" in question["parts"]


async def test_inline_result_of_this_bot_is_not_asked_again_where_it_is_posted(journey: Journey) -> None:
    world = journey.sandbox.world
    world.say(ANN, ANN, "❓ how deep is the sea?", via_bot=dict(world.bot))
    world.say(ANN, ANN, "how tall is Everest?", via_bot={**world.bot, "id": 5, "username": "other_bot"})
    await journey.idle()
    (found,) = await journey.rows("SELECT content FROM questions")
    assert "Everest" in found["content"]


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("words", ["how deep is the sea?", "tell me of the sea. " * 200])
async def test_message_that_comes_in_two_updates_is_answered_and_charged_once(
    journey: Journey, words: str, apart: bool
) -> None:
    world = journey.sandbox.world
    message = world.post(ANN, world.users[ANN], {"text": words.strip()})
    world.updates.push("message", message)
    if apart:
        await journey.idle()
    world.updates.push("message", message)
    await journey.idle()
    (question,) = await journey.rows("SELECT content, state FROM questions")
    assert question["state"] == "answered"
    assert question["content"].count(words[:12]) == words.count(words[:12])
    assert len(await journey.rows("SELECT 1 FROM holds WHERE state = 'captured'")) == 1
    await journey.check_books()


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (AnswerCut("deepseek", "cut"), QuestionState.CUT),
        (TooManyRequests(1, 2.0), QuestionState.REFUSED),
        (NoProvider(1.0), QuestionState.FAILED),
    ],
)
def test_state_of_a_question_tells_why_it_has_no_answer(error: EngineError, state: QuestionState) -> None:
    assert _state_after(error) is state


@pytest.mark.parametrize("others", [False, True])
async def test_note_about_a_restart_comes_only_where_no_other_replica_answers(
    tmp_path: Path, sandbox: Sandbox, others: bool
) -> None:
    sandbox.stand_ins._word_seconds = 1.0
    async with started(tmp_path, sandbox) as journey:
        if others:
            await journey.container.db.write(_lease_elsewhere)
        sandbox.world.say(ANN, ANN, "tell me about the sea")
        while not sandbox.stand_ins.provider("deepseek").streams:
            await asyncio.sleep(0.01)
        await journey.bot.quiet()
        await journey.container.gateway.close(0)
    said = [message.get("text") for message in sandbox.world.messages(ANN)]
    assert (text("error.Closing") in said) is not others


def _lease_elsewhere(conn: Connection) -> None:
    at = ms(datetime.now(UTC) + timedelta(minutes=1))
    sql = "INSERT INTO leases (id, host, pid, process, expires_at) VALUES ('x', 'elsewhere', 1, 'p', :at)"
    conn.run(sql, at=at)
