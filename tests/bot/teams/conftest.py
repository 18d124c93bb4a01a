"""A team in the bot: Ann owns it and has 100 USD in her own wallet, Bao is a member."""

from dataclasses import dataclass

import pytest

from engine.money import Money
from storage.alerts.json_values import from_json
from storage.ledger import transfers
from storage.teams import members, teams
from storage.teams.members import TeamMember
from storage.teams.teams import Team
from tests.bot.commands.conftest import ANN, BAO, Chat, chat, database
from tests.storage.conftest import sqlite_template

__all__ = ["chat", "database", "sqlite_template"]


@dataclass(slots=True)
class Crew:
    """The chat, with methods to read and use the team's pages."""

    chat: Chat

    async def team(self) -> Team | None:
        ann = await self.chat.state()
        return await self.chat.read(lambda conn: teams.of_member(conn, ann.id))

    async def seat(self, user: int = BAO) -> TeamMember | None:
        state, now = await self.chat.state(user), self.chat.clock.now()
        team = await self.chat.read(lambda conn: teams.of_member(conn, state.id))
        return None if team is None else await self.chat.read(lambda conn: members.find(conn, team.id, state.id, now))

    async def queued(self) -> list[tuple[int, str, dict[str, object]]]:
        """Return the notices that the clock's process will send."""
        rows = await self.chat.read(lambda conn: conn.rows("SELECT * FROM tenant_notices ORDER BY id"))
        return [(each["user_id"], each["key"], from_json(each["message_values"])) for each in rows]

    async def invite(self, label: str = "Up to $5.00") -> str:
        """Return the words in the link of a new invitation."""
        await self.chat.say("/team")
        await self.chat.press("Invite")
        text = await self.chat.press(label)
        return text.partition("?start=")[2].split()[0]

    async def member(self, label: str) -> str:
        """Press a button of the page about Bao."""
        await self.chat.say("/team")
        await self.chat.press("Members")
        await self.chat.press("👤 Bao")
        return await self.chat.press(label)


async def give(chat: Chat, usd: str, user: int = ANN) -> None:
    state = await chat.state(user)
    now = chat.clock.now()
    await chat.write(
        lambda conn: transfers.credit(conn, state.id, Money.usd(usd), ref=f"gift:{user}", reason="a gift", now=now)
    )


@pytest.fixture
async def crew(chat: Chat) -> Crew:
    made = Crew(chat)
    await chat.say("/start")
    await give(chat, "100")
    await chat.say("/team")
    await chat.press("Make a team")
    await chat.say("Tea house")
    await chat.say(f"/start {await made.invite()}", BAO)
    await chat.press("Join", BAO)
    return made
