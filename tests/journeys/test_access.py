"""The door: strangers cost nothing, get one kind answer, and come in by a word or an invitation."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from tests.journeys.conftest import ANN, BAO, CONFIG, OLGA, ROOM, Journey, begun
from tests.journeys.test_clock import told


@pytest.fixture
async def approving(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with begun(tmp_path, sandbox, f'{CONFIG}\n[access]\nmode = "approval"\n') as running:
        yield running


@pytest.fixture
async def inviting(tmp_path: Path, sandbox: Sandbox) -> AsyncIterator[Journey]:
    async with begun(tmp_path, sandbox, f'{CONFIG}\n[access]\nmode = "invite"\n') as running:
        yield running


async def says(journey: Journey, *texts: str, user: int = ANN) -> None:
    for text in texts:
        journey.sandbox.world.say(user, user, text)
    await journey.idle()


def asked(journey: Journey) -> int:
    return sum(found.calls for found in journey.sandbox.stand_ins.providers.values())


async def nothing_was_spent(journey: Journey) -> bool:
    held = await journey.rows("SELECT * FROM holds")
    return not asked(journey) and not held


def from_bot(journey: Journey, user: int) -> list[str]:
    return [m.get("text", "") for m in journey.sandbox.world.messages(user) if m["from"]["is_bot"]]


async def test_a_stranger_costs_nothing_and_gets_one_kind_answer(approving: Journey) -> None:
    await says(approving, "hello", "tell me about tea", "/usage", "/keys", "/ask x", "/topup ABC")
    assert await nothing_was_spent(approving)
    (answer,) = from_bot(approving, ANN)
    assert "has been asked about you" in answer
    (question,) = told(approving, OLGA, "asks to use the bot")
    assert "Ann" in question


async def test_an_accepted_stranger_is_told_and_answered(approving: Journey) -> None:
    await says(approving, "hello")
    await approving.press("Accept", OLGA)
    await approving.idle()
    assert told(approving, ANN, "You're in")
    assert len(await approving.ask("tell me about tea at length")) > 100
    await approving.press("Accept", OLGA)
    await approving.idle()
    assert told(approving, OLGA, "already decided")
    await approving.check_books()


async def test_a_declined_stranger_is_told_once_and_can_be_let_in_later(approving: Journey) -> None:
    await says(approving, "hello")
    await approving.press("Refuse", OLGA)
    await approving.idle()
    await says(approving, "please", "please!")
    assert len(told(approving, ANN, "has declined")) == 1
    assert await nothing_was_spent(approving)
    await approving.ask("/unban 1", OLGA)
    await approving.idle()
    assert len(told(approving, ANN, "You're in")) == 1


async def test_waiting_is_not_being_banned(approving: Journey) -> None:
    await says(approving, "hello")
    assert "waiting for access" in await approving.ask("/tenant 1", OLGA)
    assert "Banned" not in await approving.ask("/tenant 1", OLGA)
    assert "Ann" in await approving.ask("/access", OLGA)


async def test_duties_are_owed_to_strangers_too(approving: Journey) -> None:
    assert "Terms" in await approving.ask("/terms")
    assert "Privacy" in await approving.ask("/privacy")
    assert "payments" in await approving.ask("/paysupport")


async def test_a_group_hears_nothing_until_somebody_asks_us(approving: Journey) -> None:
    world = approving.sandbox.world
    world.say(ROOM, ANN, "good morning")
    world.say(ROOM, ANN, "/ask how tall is Everest?")
    await approving.idle()
    assert await nothing_was_spent(approving)
    assert len([m for m in world.messages(ROOM) if m["from"]["is_bot"]]) == 1


async def test_an_operator_is_never_a_stranger(approving: Journey) -> None:
    assert len(await approving.ask("tell me about tea at length", OLGA)) > 100


async def test_an_invitation_lets_one_person_in(inviting: Journey) -> None:
    await says(inviting, "hello", "hello?")
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


async def test_five_wrong_invitations_an_hour(inviting: Journey) -> None:
    made = await inviting.ask("/invite", OLGA)
    for _ in range(5):
        assert "not valid" in await inviting.ask("/start WRONG")
    assert "five wrong codes" in await inviting.ask(f"/start {made.rpartition('?start=')[2].strip()}")


async def test_a_ban_and_its_end_are_told(journey: Journey) -> None:
    await journey.ask("/start")
    for command in ("/ban 1", "/ban 1", "/unban 1", "/unban 1"):
        await journey.ask(command, OLGA)
    await journey.idle()
    assert len(told(journey, ANN, "has closed your account")) == 1
    assert len(told(journey, ANN, "open again")) == 1


async def test_who_waited_comes_in_when_the_door_is_opened_for_all(tmp_path: Path, sandbox: Sandbox) -> None:
    async with begun(tmp_path, sandbox, f'{CONFIG}\n[access]\nmode = "approval"\n') as approving:
        await says(approving, "hello")
        assert await nothing_was_spent(approving)
    async with begun(tmp_path, sandbox) as opened:
        assert len(await opened.ask("tell me about tea at length")) > 100
