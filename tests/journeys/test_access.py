"""Journeys of access: new users cost nothing, get one answer, and are accepted by an operator or an invitation."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from tests.journeys.conftest import ANN, BAO, CONFIG, GROUP_ID, OLGA, Journey, started
from tests.journeys.test_clock import told


@pytest.fixture
async def approving(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox, f'{CONFIG}\n[access]\nmode = "approval"\n') as running:
        yield running


@pytest.fixture
async def inviting(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with started(tmp_path, sandbox, f'{CONFIG}\n[access]\nmode = "invite"\n') as running:
        yield running


async def send(journey: Journey, *texts: str, user: int = ANN) -> None:
    for text in texts:
        journey.sandbox.world.say(user, user, text)
    await journey.idle()


def provider_calls(journey: Journey) -> int:
    return sum(found.calls for found in journey.sandbox.stand_ins.providers.values())


async def nothing_was_spent(journey: Journey) -> bool:
    held = await journey.rows("SELECT * FROM holds")
    return not provider_calls(journey) and not held


def from_bot(journey: Journey, user: int) -> list[str]:
    return [m.get("text", "") for m in journey.sandbox.world.messages(user) if m["from"]["is_bot"]]


async def test_stranger_costs_nothing_and_gets_one_answer(approving: Journey) -> None:
    await send(approving, "hello", "tell me about tea", "/usage", "/keys", "/ask x", "/topup ABC")
    assert await nothing_was_spent(approving)
    (answer,) = from_bot(approving, ANN)
    assert "has been asked about you" in answer
    (question,) = told(approving, OLGA, "asks to use the bot")
    assert "Ann" in question


async def test_accepted_stranger_is_notified_and_answered(approving: Journey) -> None:
    await send(approving, "hello")
    await approving.press("Accept", OLGA)
    await approving.idle()
    assert told(approving, ANN, "You're in")
    assert len(await approving.ask("tell me about tea at length")) > 100
    await approving.press("Accept", OLGA)
    await approving.idle()
    assert told(approving, OLGA, "already decided")
    await approving.check_books()


async def test_declined_stranger_is_notified_once_and_can_be_accepted_later(approving: Journey) -> None:
    await send(approving, "hello")
    await approving.press("Refuse", OLGA)
    await approving.idle()
    await send(approving, "please", "please!")
    assert len(told(approving, ANN, "has declined")) == 1
    assert await nothing_was_spent(approving)
    await approving.ask("/unban 1", OLGA)
    await approving.idle()
    assert len(told(approving, ANN, "You're in")) == 1


async def test_waiting_stranger_is_not_banned(approving: Journey) -> None:
    await send(approving, "hello")
    assert "waiting for access" in await approving.ask("/tenant 1", OLGA)
    assert "Banned" not in await approving.ask("/tenant 1", OLGA)
    assert "Ann" in await approving.ask("/access", OLGA)


async def test_strangers_can_use_the_required_commands(approving: Journey) -> None:
    assert "Terms" in await approving.ask("/terms")
    assert "Privacy" in await approving.ask("/privacy")
    assert "payments" in await approving.ask("/paysupport")


async def test_bot_is_silent_in_a_group_until_it_is_asked(approving: Journey) -> None:
    world = approving.sandbox.world
    world.say(GROUP_ID, ANN, "good morning")
    world.say(GROUP_ID, ANN, "/ask how tall is Everest?")
    await approving.idle()
    assert await nothing_was_spent(approving)
    assert len([m for m in world.messages(GROUP_ID) if m["from"]["is_bot"]]) == 1


async def test_operator_is_never_a_stranger(approving: Journey) -> None:
    assert len(await approving.ask("tell me about tea at length", OLGA)) > 100


async def test_invitation_admits_one_person(inviting: Journey) -> None:
    await send(inviting, "hello", "hello?")
    assert "by invitation" in from_bot(inviting, ANN)[0]
    assert len(from_bot(inviting, ANN)) == 1
    made = await inviting.ask("/invite", OLGA)
    code = made.rpartition("?start=")[2].strip()
    assert "not valid" in await inviting.ask("/start AAAAAAAAAAAAAAAAAAAAAAAAAA")
    assert await nothing_was_spent(inviting)
    assert "You're in" in await inviting.ask(f"/start {code}")
    assert "không hợp lệ" in await inviting.ask(f"/start {code}", BAO)
    assert len(await inviting.ask("tell me about tea at length")) > 100
    assert not told(inviting, OLGA, "asks to use the bot")


async def test_five_wrong_invitations_an_hour_are_the_limit(inviting: Journey) -> None:
    made = await inviting.ask("/invite", OLGA)
    for _ in range(5):
        assert "not valid" in await inviting.ask("/start WRONG")
    assert "five wrong codes" in await inviting.ask(f"/start {made.rpartition('?start=')[2].strip()}")


async def test_ban_and_its_end_are_notified(journey: Journey) -> None:
    await journey.ask("/start")
    await journey.confirm("/ban 1", OLGA)
    assert "already" in await journey.ask("/ban 1", OLGA)
    for _ in range(2):
        await journey.ask("/unban 1", OLGA)
    await journey.idle()
    assert len(told(journey, ANN, "has closed your account")) == 1
    assert len(told(journey, ANN, "open again")) == 1


async def test_waiting_stranger_is_admitted_when_access_becomes_open(tmp_path: Path, sandbox: Sandbox) -> None:
    async with started(tmp_path, sandbox, f'{CONFIG}\n[access]\nmode = "approval"\n') as approving:
        await send(approving, "hello")
        assert await nothing_was_spent(approving)
    async with started(tmp_path, sandbox) as opened:
        assert len(await opened.ask("tell me about tea at length")) > 100
