import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import Sandbox
from tests.bot.contexts import bot_texts, text
from tests.journeys.conftest import ANN, BAO, GROUP_ID, Journey, started
from tests.journeys.rewritten import rewrite

FIRST, SECOND, THIRD = "tell me about the sea", "tell me about the moon", "tell me about the sun"


@pytest.fixture
async def journey(tmp_path: Path) -> AsyncIterator[Journey]:
    async with Sandbox(word_seconds=0.0) as sandbox, started(tmp_path, sandbox) as running:
        yield running


def own(journey: Journey, words: str, chat: int = ANN) -> int:
    """Return the id of a person's message that contains these words."""
    found = [m for m in journey.sandbox.world.messages(chat) if words in str(m.get("text") or m.get("caption"))]
    return int(found[0]["message_id"])


async def edit(journey: Journey, before: str, after: str, chat: int = ANN, **more: Any) -> None:
    rewrite(journey.sandbox.world, chat, own(journey, before, chat), after, **more)
    await journey.idle()


async def asked(journey: Journey) -> list[str]:
    rows = await journey.rows("SELECT parts FROM messages WHERE role = 'user' ORDER BY id")
    return [row["parts"] for row in rows]


async def charged(journey: Journey) -> int:
    return len(await journey.rows("SELECT * FROM holds WHERE state = 'captured'"))


async def test_edited_last_question_is_asked_anew_and_its_answer_replaces_the_old_one(journey: Journey) -> None:
    await journey.ask(FIRST)
    await journey.ask(SECOND)
    await journey.idle()
    answers = [m["message_id"] for m in journey.sandbox.world.messages(ANN) if m["from"]["is_bot"]]
    await edit(journey, SECOND, THIRD)
    assert [FIRST in (await asked(journey))[0], THIRD in (await asked(journey))[1]] == [True, True]
    assert len(await asked(journey)) == 2
    left = [m["message_id"] for m in journey.sandbox.world.messages(ANN) if m["from"]["is_bot"]]
    assert left[0] == answers[0]
    assert answers[1] not in left
    assert len(left) == 2
    assert await charged(journey) == 3
    await journey.check_books()


async def test_older_and_unchanged_questions_are_left_alone(journey: Journey) -> None:
    await journey.ask(FIRST)
    await journey.ask(SECOND)
    await edit(journey, FIRST, THIRD)
    await edit(journey, SECOND, SECOND)
    await edit(journey, SECOND, SECOND, entities=[{"type": "bold", "offset": 0, "length": 4}])
    assert await charged(journey) == 2
    assert len(await asked(journey)) == 2
    await journey.ask("/new")
    await edit(journey, SECOND, THIRD)
    assert await charged(journey) == 2


async def test_failed_new_answer_leaves_the_old_one(journey: Journey) -> None:
    await journey.ask(FIRST)
    await journey.idle()
    before = len(bot_texts(journey))
    for name in ("deepseek", "gemini", "anthropic", "openai"):
        journey.sandbox.stand_ins.set_mode(name, "moderated")
    await edit(journey, FIRST, SECOND)
    assert FIRST in (await asked(journey))[0]
    assert len(bot_texts(journey)) == before + 1
    assert await charged(journey) == 1


async def test_edited_command_and_caption_are_asked_anew(journey: Journey) -> None:
    await journey.ask(f"/ask {FIRST}")
    await edit(journey, FIRST, f"/ask {SECOND}")
    assert SECOND in (await asked(journey))[0]
    await edit(journey, f"/ask {SECOND}", "/help me")
    assert await charged(journey) == 2
    world = journey.sandbox.world
    file_id = world.keep_file("x.jpg", "image/jpeg", b"\xff\xd8\xff tide")
    size: dict[str, Any] = {"file_id": file_id, "file_unique_id": "u", "width": 90, "height": 60, "file_size": 7}
    world.say(ANN, ANN, "", photo=[size], caption=FIRST)
    await journey.idle()
    await edit(journey, FIRST, THIRD)
    assert THIRD in (await asked(journey))[1]
    assert "[image]" in (await asked(journey))[1]


async def test_another_persons_edit_in_a_group_asks_nothing(journey: Journey) -> None:
    await journey.ask(f"/ask {FIRST}", ANN, GROUP_ID)
    await journey.ask(f"/ask {SECOND}", BAO, GROUP_ID)
    await edit(journey, FIRST, f"/ask {THIRD}", GROUP_ID)
    assert THIRD in (await asked(journey))[0], "it is Ann's last question, whatever Bao asked since"
    journey.sandbox.world.say(GROUP_ID, ANN, "nice weather")
    await edit(journey, "nice weather", f"@{journey.bot.bot.username} {THIRD}", GROUP_ID)
    assert await charged(journey) == 3


async def test_question_that_waits_is_asked_with_its_new_words_by_its_button(journey: Journey) -> None:
    world = journey.sandbox.world
    message = world.post(ANN, world.users[ANN], {"text": FIRST})
    world.updates.push("message", {**message, "date": message["date"] - 7200})
    await journey.idle()
    await edit(journey, FIRST, SECOND)
    assert await charged(journey) == 0
    await journey.press(text("chat.answer_old"))
    await world.wait_message(ANN, lambda m: "stand-in" in m.get("text", ""))
    await journey.idle()
    assert SECOND in (await asked(journey))[0]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("tea tea", "coffee", "coffeesea at length please"), ("sea at length", "moon", f"{'tea ' * 1024}moon")],
)
async def test_part_of_a_paste_is_replaced_and_the_whole_is_asked_anew(
    before: str, after: str, expected: str, journey: Journey
) -> None:
    for part in ("tea " * 1024, "sea at length please"):
        journey.sandbox.world.say(ANN, ANN, part)
    await journey.sandbox.world.wait_message(ANN, lambda message: "stand-in" in message.get("text", ""))
    await journey.idle()
    await edit(journey, before, after)
    assert await charged(journey) == 2
    (question,) = await asked(journey)
    assert json.loads(question)[0]["text"] == expected
    await journey.check_books()


async def test_live_location_that_moves_is_not_asked_again(journey: Journey) -> None:
    world = journey.sandbox.world
    place = {"latitude": 1.5, "longitude": 2.5, "live_period": 900}
    message = world.say(ANN, ANN, "", location=place)
    await journey.idle()
    for step in range(3):
        moved = {**place, "latitude": 1.6 + step}
        world.updates.push("edited_message", {**message, "location": moved, "edit_date": message["date"] + step + 1})
    await journey.idle()
    assert await charged(journey) == 1
