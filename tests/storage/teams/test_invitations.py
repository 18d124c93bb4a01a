"""Invitations to teams: for one person and one week."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from engine.money import Money
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.teams import invitations, members, teams
from storage.teams.teams import TeamBusy
from storage.tenants import shared_wallets, tenants
from tests.storage.books import FREE, NOW, check_books, hold_request, pay, take
from tests.storage.teams.crew import crew


def chi(conn: Connection) -> int:
    return tenants.create(conn, "Chi", FREE, now=NOW, telegram_user_id=1003)


async def test_invitation_is_accepted_once_with_its_limit(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn)
        secret = invitations.make(conn, team, Money.usd("2"), NOW)
        assert len(secret) == 22  # 128 bits
        assert invitations.is_secret(secret)
        assert not invitations.is_secret("Tea house")
        assert scalar(conn, "SELECT COUNT(*) FROM team_invitations WHERE sha256 = :s", s=secret) == 0
        assert invitations.accept(conn, secret, bao, NOW) is None  # he is in a team already
        person = chi(conn)
        joined = invitations.accept(conn, secret, person, NOW)
        assert joined is not None
        assert joined.id == team
        found = members.find(conn, team, person, NOW)
        assert found is not None
        assert found.limit == Money.usd("2")
        members.leave(conn, person, NOW)
        assert invitations.accept(conn, secret, person, NOW) is None

    await db.write(unit)


async def test_invitation_expires_is_revoked_and_ends_with_the_team(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, _ = crew(conn)
        secrets = [invitations.make(conn, team, None, NOW) for _ in range(2)]
        assert invitations.find(conn, secrets[0], NOW) is not None
        assert invitations.find(conn, secrets[0], NOW + timedelta(days=7)) is None
        assert invitations.find(conn, "wrong", NOW) is None
        assert invitations.revoke_all(conn, team) == 2
        assert invitations.find(conn, secrets[0], NOW) is None
        last = invitations.make(conn, team, None, NOW)
        teams.dissolve(conn, team, NOW)
        assert invitations.accept(conn, last, chi(conn), NOW) is None

    await db.write(unit)


async def test_expired_invitations_are_swept(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, _ = crew(conn)
        invitations.make(conn, team, None, NOW - timedelta(days=8))
        used = invitations.make(conn, team, None, NOW - timedelta(days=7, seconds=-1))
        assert invitations.accept(conn, used, chi(conn), NOW) is not None
        assert invitations.sweep(conn, NOW, 10) == 1
        assert invitations.sweep(conn, NOW + timedelta(seconds=2), 10) == 1
        assert scalar(conn, "SELECT COUNT(*) FROM team_invitations") == 0

    await db.write(unit)


async def test_person_who_joins_two_teams_at_once_is_in_one(db: Database) -> None:
    def begin(conn: Connection) -> tuple[int, list[str]]:
        first, _, _ = crew(conn)
        dan = tenants.create(conn, "Dan", FREE, now=NOW, telegram_user_id=1004)
        second = teams.create(conn, dan, "Rice field", FREE, NOW)
        assert second is not None
        return chi(conn), [invitations.make(conn, team, None, NOW) for team in (first, second)]

    person, secrets = await db.write(begin)

    def join(secret: str) -> Callable[[Connection], object]:
        return lambda conn: invitations.accept(conn, secret, person, NOW)

    def create(conn: Connection) -> object:
        return teams.create(conn, person, "My own", FREE, NOW)

    found = await asyncio.gather(*(db.write(unit) for unit in (*map(join, secrets), create)))
    assert sum(each is not None for each in found) == 1


async def test_team_is_busy_while_it_pays_with_tokens_of_a_plan_that_ended(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn)
        conn.run("UPDATE accounts SET allowance_tokens = 1000 WHERE tenant_id = :id", id=team)
        asked = hold_request(team, member_id=bao)
        grant = take(conn, asked)
        shared_wallets.end_period(conn, team)
        with pytest.raises(TeamBusy):
            teams.dissolve(conn, team, NOW)
        pay(conn, asked, grant)
        teams.dissolve(conn, team, NOW)
        check_books(conn)

    await db.write(unit)
