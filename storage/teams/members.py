"""Members of teams: their limits, and how they join, leave and become owner.

Each change of members locks the team's account first, so that it sees simultaneous changes.
"""

from dataclasses import dataclass
from datetime import datetime

from engine.money import Money
from storage.database.connection import Connection, Row, day_of, ms, row, scalar
from storage.ledger import transfers
from storage.tenants import shared_wallets


@dataclass(frozen=True, slots=True)
class TeamMember:
    """A member of a team. `limit` is per calendar month (UTC); None: no limit. `used`: this month's share."""

    team_id: int
    tenant_id: int
    name: str
    telegram_user_id: int | None
    limit: Money | None
    used: Money
    paused: bool
    own_after: bool
    is_owner: bool


_MEMBERS = """
SELECT m.*, t.name, t.telegram_user_id, g.owner_id,
  (SELECT COALESCE(SUM(s.worth_nanousd + s.held_nanousd), 0) FROM member_shares s
   WHERE s.wallet_id = m.wallet_id AND s.tenant_id = m.tenant_id AND s.day >= :since) AS used
FROM team_members m JOIN teams g ON g.wallet_id = m.wallet_id
JOIN tenants t ON t.id = m.tenant_id WHERE m.left_at IS NULL
"""


def of_team(conn: Connection, team_id: int, now: datetime) -> list[TeamMember]:
    """Return the members of a team, the owner first."""
    found = conn.rows(
        f"{_MEMBERS} AND m.wallet_id = :team ORDER BY CASE WHEN m.tenant_id = g.owner_id THEN 0 ELSE 1 END,"
        " m.joined_at, m.tenant_id",
        team=team_id,
        since=_month(now),
    )
    return [_member(each) for each in found]


def find(conn: Connection, team_id: int, tenant_id: int, now: datetime) -> TeamMember | None:
    sql = f"{_MEMBERS} AND m.wallet_id = :team AND m.tenant_id = :id"
    found = row(conn, sql, team=team_id, id=tenant_id, since=_month(now))
    return None if found is None else _member(found)


def lock_join(conn: Connection, team_id: int, tenant_id: int) -> None:
    """Lock the accounts of the team and of the person, who may join another team at this moment."""
    shared_wallets.lock(conn, (team_id, tenant_id))


def join(conn: Connection, team_id: int, tenant_id: int, limit: Money | None, now: datetime) -> bool:
    """Make a person a member, also a former member. Return False if the person is in a team already."""
    lock_join(conn, team_id, tenant_id)
    if conn.rows("SELECT 1 AS one FROM team_members WHERE tenant_id = :id AND left_at IS NULL", id=tenant_id):
        return False
    return bool(
        conn.run(
            "INSERT INTO team_members (wallet_id, tenant_id, limit_nanousd, paused, own_after, joined_at)"
            " VALUES (:team, :id, :most, :no, :yes, :now) ON CONFLICT (wallet_id, tenant_id) DO UPDATE SET"
            " limit_nanousd = excluded.limit_nanousd, paused = excluded.paused, own_after = excluded.own_after,"
            " joined_at = excluded.joined_at, left_at = NULL",
            team=team_id,
            id=tenant_id,
            most=None if limit is None else limit.nanousd,
            no=False,
            yes=True,
            now=ms(now),
        )
    )


def leave(conn: Connection, tenant_id: int, now: datetime) -> bool:
    """End a person's membership. Return False for a person without a team, and for an owner.

    An owner must first give the team to another member, or dissolve it.
    """
    sql = "SELECT wallet_id FROM team_members WHERE tenant_id = :id AND left_at IS NULL"
    team_id = scalar(conn, sql, id=tenant_id)
    if team_id is None:
        return False
    transfers.lock_account(conn, team_id)
    return bool(
        conn.run(
            "UPDATE team_members SET left_at = :now WHERE tenant_id = :id AND left_at IS NULL"
            " AND NOT EXISTS (SELECT 1 FROM teams g WHERE g.wallet_id = team_members.wallet_id AND g.owner_id = :id)",
            id=tenant_id,
            now=ms(now),
        )
    )


def remove(conn: Connection, team_id: int, tenant_id: int, now: datetime) -> bool:
    """End the membership of a member of this team. Return False for the owner, and for a person who is not a member."""
    return find(conn, team_id, tenant_id, now) is not None and leave(conn, tenant_id, now)


def set_limit(conn: Connection, team_id: int, tenant_id: int, limit: Money | None) -> None:
    _set(conn, team_id, tenant_id, "limit_nanousd", None if limit is None else limit.nanousd)


def set_paused(conn: Connection, team_id: int, tenant_id: int, paused: bool) -> None:
    """Stop the team from paying for a member's answers, or let it pay again."""
    _set(conn, team_id, tenant_id, "paused", paused)


def set_own_after(conn: Connection, team_id: int, tenant_id: int, own_after: bool) -> None:
    """Set whether the member's own wallet pays for answers that the team does not pay for."""
    _set(conn, team_id, tenant_id, "own_after", own_after)


def give_to(conn: Connection, team_id: int, owner_id: int, tenant_id: int, now: datetime) -> bool:
    """Make another member the owner, without a limit. Return False if either person's role is not as assumed."""
    transfers.lock_account(conn, team_id)
    member = find(conn, team_id, tenant_id, now)
    if member is None or member.paused:
        return False
    changed = conn.run(
        "UPDATE teams SET owner_id = :new WHERE wallet_id = :team AND owner_id = :old AND dissolved_at IS NULL",
        new=tenant_id,
        old=owner_id,
        team=team_id,
    )
    if changed:
        set_limit(conn, team_id, tenant_id, None)
    return bool(changed)


def _set(conn: Connection, team_id: int, tenant_id: int, column: str, value: object) -> None:
    conn.run(
        f"UPDATE team_members SET {column} = :value WHERE wallet_id = :team AND tenant_id = :id AND left_at IS NULL",
        value=value,
        team=team_id,
        id=tenant_id,
    )


def _month(now: datetime) -> int:
    return day_of(now.date().replace(day=1))


def _member(found: Row) -> TeamMember:
    limit = found["limit_nanousd"]
    return TeamMember(
        found["wallet_id"],
        found["tenant_id"],
        found["name"],
        found["telegram_user_id"],
        None if limit is None else Money(limit),
        Money(int(found["used"])),
        bool(found["paused"]),
        bool(found["own_after"]),
        found["owner_id"] == found["tenant_id"],
    )
