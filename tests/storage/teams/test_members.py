"""Members of teams."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import pytest

from engine.money import Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import transfers
from storage.teams import invitations, members, teams
from storage.tenants import tenants
from tests.storage.books import DOUBLE, FREE, NOW, PRO, hold_request, take, used
from tests.storage.conflicts import run_conflicting
from tests.storage.teams.crew import crew


class CountedRows:
    """A connection that counts its queries."""

    def __init__(self, conn: Connection) -> None:
        self._conn, self.queries = conn, 0

    def rows(self, sql: str, **values: Any) -> list[Mapping[str, Any]]:
        self.queries += 1
        return self._conn.rows(sql, **values)


async def test_person_is_in_one_team_at_a_time_and_may_come_back(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, limit="1")
        assert not members.join(conn, team, bao, None, NOW)
        members.set_paused(conn, team, bao, True)
        assert members.leave(conn, bao, NOW)
        assert not members.leave(conn, bao, NOW)
        assert members.find(conn, team, bao, NOW) is None
        assert members.join(conn, team, bao, Money.usd("2"), NOW)
        found = members.find(conn, team, bao, NOW)
        assert found is not None
        assert (found.limit, found.paused, found.own_after) == (Money.usd("2"), False, True)

    await db.write(unit)


async def test_owner_changes_a_members_limit_and_removes_only_members(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn)
        members.set_limit(conn, team, bao, Money.usd("3"))
        found = members.find(conn, team, bao, NOW)
        assert found is not None
        assert found.limit == Money.usd("3")
        assert not members.remove(conn, team, ann, NOW)
        assert not members.remove(conn, team + 1, bao, NOW)
        assert members.remove(conn, team, bao, NOW)

    await db.write(unit)


async def test_member_may_refuse_to_pay_and_then_only_the_team_pays(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn)
        members.set_own_after(conn, team, bao, False)
        state = tenants.state(conn, bao)
        assert state is not None
        tenant = state.tenant({"free": FREE, "pro": PRO})
        assert (tenant.pays, [each.id for each in tenant.sponsors]) == (False, [team])

    await db.write(unit)


async def test_team_is_given_to_a_member_who_then_has_no_limit(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn, limit="1")
        members.set_paused(conn, team, bao, True)
        assert not members.give_to(conn, team, ann, bao, NOW)
        members.set_paused(conn, team, bao, False)
        assert not members.give_to(conn, team, bao, ann, NOW)
        assert members.give_to(conn, team, ann, bao, NOW)
        assert members.leave(conn, ann, NOW)
        assert not members.leave(conn, bao, NOW)
        (owner,) = members.of_team(conn, team, NOW)
        assert (owner.tenant_id, owner.is_owner, owner.limit) == (bao, True, None)

    await db.write(unit)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_member_who_leaves_does_not_become_the_owner(db: Database) -> None:
    team, ann, bao = await db.write(crew)
    left, given = await run_conflicting(
        db,
        lambda conn: members.leave(conn, bao, NOW),
        lambda conn: members.give_to(conn, team, ann, bao, NOW),
    )
    assert (left, given) == (True, False)
    assert [each.is_owner for each in await db.read(lambda conn: members.of_team(conn, team, NOW))] == [True]


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_new_owner_does_not_leave(db: Database) -> None:
    team, ann, bao = await db.write(crew)
    given, left = await run_conflicting(
        db,
        lambda conn: members.give_to(conn, team, ann, bao, NOW),
        lambda conn: members.leave(conn, bao, NOW),
    )
    assert (given, left) == (True, False)


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_dissolved_team_is_not_joined_or_filled_at_that_moment(db: Database) -> None:
    def unit(conn: Connection) -> tuple[int, int, str, teams.Team]:
        team, ann, _ = crew(conn)
        tenants.create(conn, "Chi", FREE, now=NOW, telegram_user_id=1003)
        transfers.credit(conn, ann, Money.usd("5"), ref="gift", reason="test", now=NOW)
        seen = teams.find(conn, team)
        assert seen is not None
        return team, ann, invitations.make(conn, team, None, NOW), seen

    team, ann, secret, seen = await db.write(unit)

    def late(conn: Connection) -> tuple[object, bool]:
        chi = tenants.by_telegram(conn, 1003)
        assert chi is not None
        return invitations.accept(conn, secret, chi.id, NOW), teams.fill(conn, seen, ann, Money.usd("2"), "fill", NOW)

    assert (await run_conflicting(db, lambda conn: teams.dissolve(conn, team, NOW), late))[1] == (None, False)


async def test_members_are_read_by_one_query_with_their_use_of_the_month(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn, "1")
        before = NOW.date().replace(day=1) - timedelta(days=1)
        used(conn, team, bao, before, "0.2")
        used(conn, team, bao, NOW.date(), "0.1")
        asked = hold_request(team, tariff=DOUBLE, member_id=bao)
        grant = take(conn, asked)
        counted = CountedRows(conn)
        found = {each.tenant_id: each.used for each in members.of_team(cast(Connection, counted), team, NOW)}
        assert (found, counted.queries) == ({ann: Money(0), bao: Money.usd("0.1") + grant.wallet}, 1)

    await db.write(unit)
