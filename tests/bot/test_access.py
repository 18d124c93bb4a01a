from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from storage.tenants import tenant_settings
from tests.bot.contexts import bot_texts, text
from tests.journeys.conftest import ANN, BAO, CONFIG, GROUP_ID, OLGA, Journey, started


@pytest.fixture
async def inviting(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox, f'{CONFIG}\n[access]\nmode = "invite"\n') as running:
        yield running


@pytest.fixture
async def approving(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox, f'{CONFIG}\n[access]\nmode = "approval"\n') as running:
        yield running


async def said(journey: Journey, *texts: str, chat: int = ANN) -> list[str]:
    for each in texts:
        journey.sandbox.world.say(chat, ANN, each)
        await journey.idle()
    return bot_texts(journey, chat)


async def test_new_user_gets_one_answer_a_day(inviting: Journey) -> None:
    assert await said(inviting, "hello", "hello", "/usage", "/start") == [text("access.wait_invite")]


@pytest.mark.parametrize("command", ["/terms", "/privacy", "/paysupport", "/TERMS", "/forget"])
async def test_public_commands_are_answered_without_access(inviting: Journey, command: str) -> None:
    (answer,) = await said(inviting, command)
    assert answer != text("access.wait_invite")


async def test_wrong_invitation_is_refused_and_a_right_one_lets_in_once(inviting: Journey) -> None:
    assert await said(inviting, "/start WRONG") == [text("access.bad_code")]
    made = await inviting.ask("/invite", OLGA)
    code = next(word for word in made.split() if "start=" in word).partition("start=")[2]
    assert (await said(inviting, f"/start {code}"))[-1] == text("access.welcome")
    assert "Ann" in (await said(inviting, "/start"))[-1]


async def test_button_without_access_is_answered_and_does_nothing(inviting: Journey) -> None:
    await said(inviting, "/terms")
    world = inviting.sandbox.world
    world.press(ANN, ANN, world.messages(ANN)[-1]["message_id"], f"topup:open:{ANN}")
    await inviting.idle()
    assert bot_texts(inviting)[-1] == text("access.wait_invite")
    assert [name for name, _ in world.calls if name == "answerCallbackQuery"] == ["answerCallbackQuery"]


async def test_talk_in_a_group_is_ignored_and_a_command_to_the_bot_is_answered_once(inviting: Journey) -> None:
    assert await said(inviting, "hello all", "/usage@other_bot", chat=GROUP_ID) == []
    (answer,) = await said(inviting, "/usage", "/usage", "/ask x", chat=GROUP_ID)
    assert "I answer only people" in answer
    inviting.sandbox.world.say(GROUP_ID, BAO, "/ask hello")  # another stranger
    await inviting.idle()
    assert bot_texts(inviting, GROUP_ID) == [answer]


async def test_operators_are_asked_once_for_each_user(approving: Journey) -> None:
    await said(approving, "hello", "hello again")
    asked = [message for message in approving.sandbox.world.messages(OLGA) if message.get("reply_markup")]
    assert len(asked) == 1
    assert "@ann" in asked[0]["text"]


async def test_declined_user_is_told_so(approving: Journey) -> None:
    await said(approving, "hello")
    await approving.press(text("access.refuse"), OLGA)
    await approving.idle()
    assert bot_texts(approving)[-1] == text("access.declined")


async def test_admin_needs_no_access(inviting: Journey) -> None:
    assert "stand-in" in await inviting.ask("tell me about the sea", OLGA)


async def ban(journey: Journey) -> None:
    await said(journey, "/start")
    await journey.container.db.write(lambda conn: tenant_settings.set_banned(conn, 1, banned=True))


async def test_banned_person_gets_one_sentence_a_day_and_nothing_is_asked(journey: Journey) -> None:
    await ban(journey)
    before = len(bot_texts(journey))
    texts = await said(journey, "hello", "hello?", "/usage", "/ask x", "/new")
    assert texts[before:] == [text("access.banned")]
    assert await journey.rows("SELECT * FROM attempts") == []


async def test_banned_person_is_met_with_silence_in_a_group(journey: Journey) -> None:
    await ban(journey)
    assert await said(journey, "/ask hello", "/usage", chat=GROUP_ID) == []


async def test_banned_person_still_has_the_data_and_help_with_payments(journey: Journey) -> None:
    await ban(journey)
    assert "payments" in (await said(journey, "/paysupport"))[-1]
    assert "can't be undone" in (await said(journey, "/forget"))[-1]
    await journey.press("Yes")
    await journey.idle()
    assert "Done. Deleted:" in bot_texts(journey)[-1]


async def test_button_of_a_banned_person_does_nothing(journey: Journey) -> None:
    await ban(journey)
    await journey.press("Choose a model")
    await journey.idle()
    assert bot_texts(journey)[-1] == text("access.banned")
