"""How teams begin, how members join and leave, and how a team ends."""

import pytest

from engine.money import Money
from storage.database.connection import Connection
from storage.ledger import transfers
from tests.bot.commands.conftest import ANN, BAO, OLGA, Chat
from tests.bot.teams.conftest import Crew, give
from tests.storage.books import hold_request, take


async def test_invited_person_reads_the_terms_joins_and_the_owner_is_told(crew: Crew) -> None:
    seat = await crew.seat()
    assert seat is not None
    assert (seat.limit, seat.is_owner, seat.own_after) == (Money.usd("5"), False, True)
    assert "Bao has joined your team." in crew.chat.told(ANN)
    assert any("Its owner sees how much you use, not what you ask" in text for text in crew.chat.told(BAO))


async def test_link_works_once(crew: Crew) -> None:
    link = await crew.invite("No limit")
    assert "in a team already" in await crew.chat.say(f"/start {link}", BAO)
    await crew.chat.say(f"/start {link}", OLGA)
    await crew.chat.press("Join", OLGA)
    assert "was used" in await crew.chat.say(f"/start {link}", OLGA)
    assert "was used" in await crew.chat.say("/start team_nothing", OLGA)


async def test_press_on_an_old_invitation_says_so(crew: Crew) -> None:
    link = await crew.invite()
    await crew.chat.say(f"/start {link}", OLGA)
    await crew.chat.say("/team")
    await crew.chat.press("Invite")
    await crew.chat.press("No limit")
    assert "2 invitations were cancelled" in await crew.chat.press("Cancel open invitations")
    assert "was cancelled" in await crew.chat.press("Join", OLGA)
    assert await crew.seat(OLGA) is None


@pytest.mark.parametrize("name", ["x" * 61, "   "])
async def test_name_that_can_not_be_one_is_asked_again(name: str, chat: Chat) -> None:
    await chat.say("/team")
    await chat.press("Make a team")
    if name.strip():
        assert "1 to 60 characters" in await chat.say(name)
    assert "Team Tea house, 1 person" in await chat.say("Tea house")


async def test_cancel_ends_the_wait_for_a_name(chat: Chat) -> None:
    await chat.say("/team")
    await chat.press("Make a team")
    assert "You are in no team" in await chat.press("Cancel")
    assert await chat.rows("SELECT * FROM teams") == []


async def test_member_leaves_after_a_question_and_the_owner_is_told(crew: Crew) -> None:
    await crew.chat.say("/team", BAO)
    assert "Leave the team Tea house?" in await crew.chat.press("Leave", BAO)
    assert "You are in no team" in await crew.chat.press("Yes", BAO)
    assert await crew.seat() is None
    assert "Bao has left your team." in crew.chat.told(ANN)


async def test_member_chooses_whether_the_own_wallet_pays_beyond_the_limit(crew: Crew) -> None:
    await crew.chat.say("/team", BAO)
    assert "Only the team pays" in await crew.chat.press("Never pay from my own", BAO)
    seat = await crew.seat()
    assert seat is not None
    assert not seat.own_after
    assert "The team pays first" in await crew.chat.press("Go on with my own wallet", BAO)


async def test_dissolved_team_gives_the_rest_back_and_tells_its_members(crew: Crew) -> None:
    team = await crew.team()
    assert team is not None
    await give(crew.chat, "7", BAO)
    await crew.chat.say("/team")
    await crew.chat.press("Fill the wallet")
    await crew.chat.press("Move $20.00")
    await crew.chat.press("Yes")
    assert (await crew.chat.state()).wallet == Money.usd("80")
    assert "Dissolve the team Tea house?" in await crew.chat.press("Dissolve")
    assert "$20.00 went to your wallet" in await crew.chat.press("Yes")
    assert (await crew.chat.state()).wallet == Money.usd("100")
    assert await crew.team() is None
    assert await crew.queued() == [(BAO, "team.was_ended", {"name": "`Tea house`"})]
    await crew.chat.press_data(f"team:ended:{team.id}:{ANN}")
    await crew.chat.check_books()


async def test_team_is_not_dissolved_while_it_pays_for_an_answer(crew: Crew) -> None:
    team = await crew.team()
    assert team is not None
    seat = await crew.seat()
    assert seat is not None
    asked = hold_request(team.id, member_id=seat.tenant_id)

    def unit(conn: Connection) -> None:
        transfers.credit(conn, team.id, Money.usd("5"), ref="for an answer", reason="test", now=crew.chat.clock.now())
        take(conn, asked)

    await crew.chat.write(unit)
    await crew.chat.say("/team")
    await crew.chat.press("Dissolve")
    assert "still being written" in await crew.chat.press("Yes")
    assert await crew.team() is not None
    await crew.chat.say("/forget")
    assert "still being written" in await crew.chat.press("Yes, delete")


async def test_members_are_told_when_the_team_ends_with_its_forgotten_owner(crew: Crew) -> None:
    assert "Your team Tea house is dissolved as well" in await crew.chat.say("/forget")
    assert "team" not in await crew.chat.say("/forget", BAO)
    await crew.chat.say("/forget")
    await crew.chat.press("Yes, delete")
    assert await crew.queued() == [(BAO, "team.was_ended", {"name": "`Tea house`"})]
    assert await crew.team() is None
    await crew.chat.check_books()
