"""Journeys of the buttons that ask again: after a payment, and under an answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from sandbox.telegram import stars
from tests.journeys.conftest import ANN, BAO, CONFIG, GROUP_ID, Journey, started
from tests.journeys.test_questions import MARKUP, ONE, TWO, charged, said, states, word


@pytest.fixture
async def journey(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox, CONFIG + MARKUP) as running:
        yield running


POOR = CONFIG + "tokens_per_month = 0\n" + MARKUP


async def poor_person_asks(journey: Journey, user: int) -> None:
    """Ask a question with a photo that the wallet can't pay for."""
    world = journey.sandbox.world
    file_id = world.keep_file("x.jpg", "image/jpeg", b"\xff\xd8\xff tide")
    size = {"file_id": file_id, "file_unique_id": "u", "width": 90, "height": 60, "file_size": 7}
    world.say(user, user, "", photo=[size], caption=ONE)
    await journey.idle()
    assert await states(journey) == ["refused"]
    assert await charged(journey) == 0


async def pays(journey: Journey, user: int) -> None:
    world = journey.sandbox.world
    await journey.ask("/topup", user)
    await journey.press("5", user)
    await journey.idle()
    await journey.press(word(user, "topup.yes"), user)
    invoice = await world.wait_message(user, lambda m: "invoice" in m)
    paid = await stars.pay(world, user, user, world.links[f"message {user} {invoice['message_id']}"])
    assert paid["ok"], paid
    await journey.idle()


@pytest.mark.parametrize("user", [ANN, BAO])
async def test_refused_question_with_its_photo_is_asked_when_the_payment_arrives(
    tmp_path: Path, sandbox: Sandbox, user: int
) -> None:
    async with started(tmp_path, sandbox, POOR) as journey:
        await poor_person_asks(journey, user)
        await pays(journey, user)
        await journey.press(word(user, "ask.now_named", question=ONE), user)
        await journey.idle()
        assert await states(journey) == ["answered"]
        assert await said(journey) == [ONE]
        assert "[image]" in (await journey.rows("SELECT parts FROM messages WHERE role = 'user'"))[0]["parts"]
        assert await charged(journey) == 1
        await journey.press(word(user, "ask.now"), user)  # the button of the refusal is outdated now
        await journey.idle()
        assert await charged(journey) == 1
        await journey.check_books()


@pytest.mark.parametrize("user", [ANN, BAO])
async def test_shorter_answer_takes_the_place_of_the_first_one(journey: Journey, user: int) -> None:
    await journey.ask(ONE, user)
    await journey.ask(TWO, user)
    await journey.idle()
    answers = [m for m in journey.sandbox.world.messages(user) if m.get("reply_markup")]
    await journey.press(word(user, "variant.shorter"), user)
    await journey.idle()
    assert await said(journey) == [ONE, TWO]
    assert await charged(journey) == 3
    assert "reply_markup" not in answers[1], "the buttons are gone once one was used"
    assert "reply_markup" in answers[0]
    await journey.check_books()


async def test_buttons_of_another_persons_answer_refuse(journey: Journey) -> None:
    await journey.ask(f"/ask {ONE}", ANN, GROUP_ID)
    await journey.idle()
    world = journey.sandbox.world
    answer = next(m for m in world.messages(GROUP_ID) if m.get("reply_markup"))
    labels = [button["text"] for row in answer["reply_markup"]["inline_keyboard"] for button in row]
    assert labels[-1] == word(ANN, "variant.smarter"), "no prices in a group"
    world.press(GROUP_ID, BAO, answer["message_id"], answer["reply_markup"]["inline_keyboard"][0][0]["callback_data"])
    await journey.idle()
    assert await charged(journey) == 1


async def test_smarter_answer_that_the_wallet_does_not_cover_takes_nothing_back(journey: Journey) -> None:
    await journey.ask(ONE)
    await journey.idle()
    before = await journey.rows("SELECT * FROM messages ORDER BY id")
    await journey.press(word(ANN, "variant.smarter"))
    await journey.idle()
    assert await journey.rows("SELECT * FROM messages ORDER BY id") == before
    assert await states(journey) == ["answered"]
    (question,) = await journey.rows("SELECT * FROM questions")
    assert (question["model"], question["error"]) == ("smart", "InsufficientFunds")
    assert await charged(journey) == 1
