from datetime import timedelta

import pytest

from bot.chat import pending_input
from bot.chat.pending_input import SETTING, took_text, wait_for_text
from bot.context import Context
from storage.telegram.question_content import QuestionContent
from storage.tenants import tenant_settings
from tests.bot.contexts import GROUP, bot_texts, context_of, private_message, text
from tests.journeys.conftest import ANN, Journey


async def took(context: Context) -> bool:
    assert context.incoming is not None
    assert context.incoming.message is not None
    message = context.incoming.message
    return await took_text(message, context, QuestionContent(message.text or ""))


async def waiting(journey: Journey, command: str = "topup", seconds: float = 60) -> None:
    await wait_for_text(context_of(journey, private_message()), command, timedelta(seconds=seconds))


async def is_waiting(journey: Journey) -> bool:
    return SETTING in (await context_of(journey, private_message()).state()).settings


async def test_text_goes_to_the_command_once(journey: Journey) -> None:
    await waiting(journey)
    assert await took(context_of(journey, private_message(" 5000 ")))
    limits = {"least": "$1.00", "most": "$130.00"}
    assert bot_texts(journey) == [text("topup.out_of_range", **limits)]
    assert not await is_waiting(journey)
    assert not await took(context_of(journey, private_message("5000")))


@pytest.mark.parametrize("words", ["abc", "how much is that in euros?", "tell me about the sea " * 10])
async def test_text_that_the_command_can_not_use_is_not_asked_and_it_waits_on(journey: Journey, words: str) -> None:
    await waiting(journey)
    assert await took(context_of(journey, private_message(words)))
    assert await is_waiting(journey)
    assert await journey.rows("SELECT * FROM holds") == []
    (question,) = await journey.rows("SELECT * FROM questions")
    assert question["state"] == "waiting"
    await journey.press(text("pending.ask"))
    await journey.sandbox.world.wait_message(ANN, lambda m: "stand-in" in m.get("text", ""))
    assert not await is_waiting(journey)


@pytest.mark.parametrize("command", ["start", "no_such_command"])
async def test_command_that_takes_no_text_waits_for_none(journey: Journey, command: str) -> None:
    await waiting(journey, command)
    assert not await took(context_of(journey, private_message("tell me about the sea?")))
    assert not await is_waiting(journey)


async def test_late_text_is_a_prompt(journey: Journey) -> None:
    await waiting(journey, seconds=-1)
    assert not await took(context_of(journey, private_message("5")))
    assert not await is_waiting(journey)


async def test_message_in_a_group_is_not_taken(journey: Journey) -> None:
    await waiting(journey)
    assert not await took(context_of(journey, private_message("5", chat=GROUP)))
    assert await is_waiting(journey)


async def test_photo_is_no_text_for_the_command(journey: Journey) -> None:
    await waiting(journey)
    assert not await took(context_of(journey, private_message(None)))
    assert await is_waiting(journey)


async def test_setting_is_a_pair_of_command_and_time(journey: Journey) -> None:
    state = await context_of(journey, private_message()).state()
    until = 2**52
    await journey.container.db.write(
        lambda conn: tenant_settings.set_setting(conn, state.id, pending_input.SETTING, ["topup", until])
    )
    assert await took(context_of(journey, private_message("5000")))
