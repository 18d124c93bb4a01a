"""The owner's pages about the members."""

import pytest

from engine.money import Money
from tests.bot.commands.conftest import ANN, BAO
from tests.bot.teams.conftest import Crew


@pytest.mark.parametrize(("label", "limit"), [("Limit $20.00", Money.usd("20")), ("No limit", None)])
async def test_limit_is_set_by_a_button(label: str, limit: Money | None, crew: Crew) -> None:
    await crew.member(label)
    seat = await crew.seat()
    assert seat is not None
    assert seat.limit == limit


async def test_another_limit_is_typed(crew: Crew) -> None:
    assert "How much may Bao use a month?" in await crew.member("Another limit")
    assert "Send an amount above zero" in await crew.chat.say("a lot")
    assert "Send an amount above zero" in await crew.chat.say("$20000")
    assert "Bao: $0.00, limit: $2.50" in await crew.chat.say("$2.50")
    seat = await crew.seat()
    assert seat is not None
    assert seat.limit == Money.usd("2.50")


async def test_paused_member_is_not_paid_for_until_resumed(crew: Crew) -> None:
    assert "paused" in await crew.member("Pause")
    assert (await crew.chat.state(BAO)).team is None
    page = await crew.chat.say("/team", BAO)
    assert "paused your seat" in page
    assert "The team pays first" not in page
    await crew.member("Resume")
    assert (await crew.chat.state(BAO)).team is not None


async def test_member_is_removed_after_a_question_and_told(crew: Crew) -> None:
    assert "Remove Bao from the team?" in await crew.member("Remove")
    await crew.chat.press("Yes")
    assert await crew.seat() is None
    assert any("You were removed" in text for text in crew.chat.told(BAO))


async def test_another_member_becomes_the_owner(crew: Crew) -> None:
    await crew.member("Make the owner")
    assert "Bao is the owner of the team now." in await crew.chat.press("Yes")
    seat, before = await crew.seat(), await crew.seat(ANN)
    assert seat is not None
    assert before is not None
    assert (seat.is_owner, before.is_owner) == (True, False)
    bao = await crew.chat.state(BAO)
    calls = await crew.chat.press_data(f"team:member:{bao.id}:{ANN}")
    assert "Only the owner" in calls[0].text


async def test_paused_member_does_not_become_the_owner(crew: Crew) -> None:
    await crew.member("Pause")
    await crew.member("Make the owner")
    assert "Nothing was changed" in await crew.chat.press("Yes")


async def test_button_about_a_person_who_left_says_so(crew: Crew) -> None:
    ann = await crew.chat.state()
    for number in (ann.id, 10**6):
        calls = await crew.chat.press_data(f"team:pause:{number}:1:{ANN}")
        assert "This person is not a member" in calls[0].text
