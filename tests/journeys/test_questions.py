"""Journeys of questions that are asked again: no question is lost, and each is answered and charged once."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import locales
from sandbox.app import Sandbox
from tests.journeys.conftest import ANN, BAO, CONFIG, GROUP_ID, OLGA, Journey, started

MARKUP = '\n[models.smart]\noffers = ["openai/gpt-4o"]\nmarkup = "1.40"\n'
ONE, TWO = "tell me about the first sea", "tell me about the second sea"


@pytest.fixture
async def journey(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox, CONFIG + MARKUP) as running:
        yield running


def switch(journey: Journey, mode: str) -> None:
    for name in ("deepseek", "gemini", "anthropic", "openai"):
        journey.sandbox.stand_ins.set_mode(name, mode)


def word(user: int, key: str, **values: object) -> str:
    return locales.text("vi" if user == BAO else "en", key, **values)


async def said(journey: Journey) -> list[str]:
    """Return the questions that the model gets, in order."""
    rows = await journey.rows("SELECT parts FROM messages WHERE role = 'user' ORDER BY id")
    return [next((text for text in (ONE, TWO) if text in row["parts"]), row["parts"]) for row in rows]


async def charged(journey: Journey) -> int:
    return len(await journey.rows("SELECT * FROM holds WHERE state = 'captured'"))


async def states(journey: Journey) -> list[str]:
    return [row["state"] for row in await journey.rows("SELECT state FROM questions ORDER BY id")]


@pytest.mark.parametrize("user", [ANN, BAO])
async def test_retry_asks_the_question_that_failed_and_keeps_the_one_before(journey: Journey, user: int) -> None:
    await journey.ask(ONE, user)
    switch(journey, "moderated")
    await journey.ask(TWO, user)
    assert await states(journey) == ["answered", "failed"]
    switch(journey, "up")
    assert "stand-in" in await journey.ask("/retry", user)
    await journey.idle()
    assert await said(journey) == [ONE, TWO]
    assert await charged(journey) == 2
    await journey.check_books()


@pytest.mark.parametrize("user", [ANN, BAO])
async def test_failed_question_is_asked_again_by_its_button_once(journey: Journey, user: int) -> None:
    switch(journey, "moderated")
    await journey.ask(ONE, user)
    await journey.ask(TWO, user)
    switch(journey, "up")
    world = journey.sandbox.world
    failed = [m for m in world.messages(user) if m.get("reply_markup")]
    data = failed[0]["reply_markup"]["inline_keyboard"][0][0]
    assert data["text"] == word(user, "ask.again")
    for _ in range(3):
        world.press(user, user, failed[0]["message_id"], data["callback_data"])
    await journey.idle()
    assert await said(journey) == [ONE]
    assert await charged(journey) == 1
    assert not any(button for button in [failed[0].get("reply_markup")])
    await journey.press(word(user, "ask.again"), user)
    await journey.idle()
    assert await said(journey) == [ONE, TWO]
    await journey.check_books()


@pytest.mark.parametrize("model", ["smart", "nonsense", "openai/gpt-4o"])
async def test_refused_retry_leaves_the_last_exchange(journey: Journey, model: str) -> None:
    await journey.ask(ONE)
    before = await journey.rows("SELECT * FROM messages ORDER BY id")
    await journey.ask(f"/retry {model}")
    await journey.idle()
    assert await journey.rows("SELECT * FROM messages ORDER BY id") == before
    assert await states(journey) == ["answered"]
    assert await charged(journey) == 1


async def test_failed_retry_leaves_the_last_exchange(journey: Journey) -> None:
    await journey.ask(ONE)
    before = await journey.rows("SELECT * FROM messages ORDER BY id")
    switch(journey, "moderated")
    await journey.ask("/retry")
    await journey.idle()
    assert await journey.rows("SELECT * FROM messages ORDER BY id") == before
    assert await states(journey) == ["answered"]


async def test_new_answer_of_a_retry_replaces_the_old_one(journey: Journey) -> None:
    for text in (ONE, TWO, "/retry"):
        await journey.ask(text)
    await journey.idle()
    assert await said(journey) == [ONE, TWO]
    assert len(await journey.rows("SELECT * FROM messages")) == 4
    inputs = await journey.rows("SELECT input_tokens AS n FROM attempts ORDER BY id")
    assert inputs[1] == inputs[2], "the retry is told of the same conversation"
    assert await charged(journey) == 3


@pytest.mark.parametrize("user", [ANN, BAO])
async def test_two_old_questions_have_a_button_each(journey: Journey, user: int) -> None:
    world = journey.sandbox.world
    for text in (ONE, TWO):
        message = world.post(user, world.users[user], {"text": text})
        world.updates.push("message", {**message, "date": message["date"] - 7200})
    await journey.idle()
    offers = [m for m in world.messages(user) if m.get("reply_markup")]
    assert [m["text"] for m in offers] == [word(user, "chat.old_named", question=text) for text in (ONE, TWO)]
    assert [m["reply_to_message"]["text"] for m in offers] == [ONE, TWO]
    for offer in (offers[1], offers[0], offers[1]):
        data = offer.get("reply_markup") or {"inline_keyboard": [[{"callback_data": f"retry:again:1:0:{user}"}]]}
        world.press(user, user, offer["message_id"], data["inline_keyboard"][0][0]["callback_data"])
        await journey.idle()
    assert await said(journey) == [TWO, ONE]
    assert await charged(journey) == 2
    await journey.check_books()


async def test_photo_is_sent_again_on_a_retry(journey: Journey) -> None:
    world = journey.sandbox.world
    file_id = world.keep_file("x.jpg", "image/jpeg", b"\xff\xd8\xff tide")
    size = {"file_id": file_id, "file_unique_id": "u", "width": 90, "height": 60, "file_size": 7}
    world.say(ANN, ANN, "", photo=[size], caption="which sea is this?")
    await journey.idle()
    await journey.ask("/retry")
    await journey.idle()
    first, second = await journey.rows("SELECT input_tokens AS n FROM attempts WHERE kept ORDER BY id")
    assert first == second
    del world.files[file_id]
    assert "did not give me that file" in await journey.ask("/retry")
    assert await charged(journey) == 2
    await journey.check_books()


async def test_questions_after_a_picture_are_about_it(journey: Journey) -> None:
    world = journey.sandbox.world
    file_id = world.keep_file("x.jpg", "image/jpeg", b"\xff\xd8\xff tide")
    size = {"file_id": file_id, "file_unique_id": "u", "width": 90, "height": 60, "file_size": 7}
    world.say(ANN, ANN, "", photo=[size], caption="which sea is this?")
    await journey.idle()
    answers = [await journey.ask(f"and what does its sign number {number} say?") for number in range(4)]
    assert ["I see 1 picture." in answer for answer in answers] == [True, True, True, False]
    (held,) = await journey.rows("SELECT COUNT(*) AS n FROM messages WHERE parts LIKE '%[image]%'")
    assert held["n"] == 1
    await journey.check_books()


async def test_picture_that_is_gone_or_of_another_asker_is_not_sent_again(journey: Journey) -> None:
    world = journey.sandbox.world
    file_id = world.keep_file("x.jpg", "image/jpeg", b"\xff\xd8\xff tide")
    size = {"file_id": file_id, "file_unique_id": "u", "width": 90, "height": 60, "file_size": 7}
    world.say(GROUP_ID, ANN, "", photo=[size], caption="/ask which sea is this?")
    await journey.idle()
    assert "I see" not in await journey.ask("/ask what does the sign of it say?", BAO, GROUP_ID)
    assert "I see 1 picture." in await journey.ask("/ask what does the sign of it say?", ANN, GROUP_ID)
    del world.files[file_id]
    blind = await journey.ask("/ask and the other sign of it?", ANN, GROUP_ID)
    assert "I see" not in blind
    assert "I could not get the picture from before again, so I answered without it." in blind
    await journey.check_books()


async def test_retry_in_a_group_is_of_the_askers_own_question(journey: Journey) -> None:
    await journey.ask(f"/ask {ONE}", ANN, GROUP_ID)
    await journey.ask(f"/ask {TWO}", BAO, GROUP_ID)
    assert await journey.ask("/retry", OLGA, GROUP_ID) == word(OLGA, "retry.nothing")
    await journey.ask("/retry", ANN, GROUP_ID)
    await journey.idle()
    owners = await journey.rows("SELECT q.answers FROM questions q ORDER BY q.id")
    assert [row["answers"] for row in owners] == [2, 1]
    shown = [m for m in journey.sandbox.world.messages(GROUP_ID) if "stand-in" in m.get("text", "")]
    assert ONE in shown[-1]["reply_to_message"]["text"]


async def test_question_that_a_crash_left_is_asked_once(tmp_path: Path, sandbox: Sandbox) -> None:
    """The process dies after the press of the button, before the answer."""
    async with started(tmp_path, sandbox) as first:
        switch(first, "moderated")
        await first.ask(ONE)
        switch(first, "mute")
        await first.press("Ask again")
        while not any(name == "sendMessageDraft" for name, _ in sandbox.world.calls[-5:]):
            await asyncio.sleep(0.01)
        await first.bot.quiet()
        await first.container.gateway.close(0)
    switch(first, "up")
    async with started(tmp_path, sandbox) as second:
        await sandbox.world.wait_message(ANN, lambda message: "stand-in" in message.get("text", ""))
        await second.idle()
        assert await said(second) == [ONE]
        assert await charged(second) == 1
        await second.check_books()


async def test_topics_are_conversations_of_their_own(journey: Journey) -> None:
    world = journey.sandbox.world
    world.chats[ANN].threads |= {11, 12}
    for thread, text in ((11, ONE), (12, TWO), (11, "and how deep is it?")):
        world.say(ANN, ANN, text, message_thread_id=thread, is_topic_message=True)
        await journey.idle()
    rows = await journey.rows(
        "SELECT c.thread_id AS thread, count(*) AS n FROM messages m JOIN conversations c ON c.id = m.conversation_id"
        " WHERE m.role = 'user' GROUP BY c.thread_id ORDER BY c.thread_id"
    )
    assert [(row["thread"], row["n"]) for row in rows] == [(11, 2), (12, 1)]
    sent = [params for name, params in world.calls if name in {"sendMessage", "sendMessageDraft"}]
    assert {params.get("message_thread_id") for params in sent} == {"11", "12"}
    world.say(ANN, ANN, "/retry", message_thread_id=12, is_topic_message=True)
    await journey.idle()
    owners = await journey.rows("SELECT thread_id, answers FROM questions ORDER BY id")
    assert [(row["thread_id"], row["answers"]) for row in owners] == [(11, 1), (12, 2), (11, 1)]


async def test_answer_that_a_crash_left_unsent_is_sent_and_not_asked_again(tmp_path: Path, sandbox: Sandbox) -> None:
    """The process dies after the charge of a retry, before the answer is sent."""
    async with started(tmp_path, sandbox) as first:
        await first.ask(ONE)
        await first.idle()
        courier = first.bot._application.bot_data["courier"]
        send, courier.send = courier.send, nothing
        sandbox.world.say(ANN, ANN, "/retry")
        while await charged(first) < 2:
            await asyncio.sleep(0.01)
        await first.bot.quiet()
        courier.send = send
    async with started(tmp_path, sandbox) as second:
        await second.bot.take_up()
        await second.idle()
        assert await charged(second) == 2
        assert await said(second) == [ONE]
        answers = [m for m in sandbox.world.messages(ANN) if "stand-in" in m.get("text", "")]
        assert len(answers) == 2
        await second.check_books()


async def nothing(_: str) -> None:
    """Send nothing."""
