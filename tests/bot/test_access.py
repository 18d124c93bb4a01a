from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from tests.bot.contexts import bot_texts, text
from tests.journeys.conftest import ANN, CONFIG, GROUP_ID, OLGA, Journey, started


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


@pytest.mark.parametrize("command", ["/terms", "/privacy", "/paysupport", "/TERMS"])
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
    assert await said(inviting, "/usage", "/usage", chat=GROUP_ID) == [text("access.wait_invite")]


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
