"""Teams: creation, reading and dissolution, which returns the remaining money to the owner's wallet.

A team is the account of a tenant without a Telegram user. Its free plan has no tokens; a bought plan is paid, and
renewed, from the team's wallet.
"""

from dataclasses import dataclass
from datetime import datetime

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage.billing import plans
from storage.database.connection import Connection, Row, moment, ms, row
from storage.ledger import transfers
from storage.tenants import shared_wallets, tenants

VIA = "house:teams"
"""The account in between when money moves between a person's and a team's wallet."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team.

    `free` and `allowance_left_tokens`: the money and the plan's tokens that no running answer has reserved.
    """

    id: int
    name: str
    owner_id: int
    plan: str
    free: Money
    allowance_left_tokens: int
    renews_at: datetime


class TeamBusy(Exception):
    """The team is paying for a running answer."""


_TEAM = """
SELECT g.wallet_id, g.owner_id, t.name, t.plan, a.balance_nanousd - a.held_nanousd - a.owed_nanousd AS free,
  a.period_end_at, a.allowance_tokens - a.allowance_used_tokens - a.allowance_held_tokens AS tokens
FROM teams g JOIN tenants t ON t.id = g.wallet_id JOIN accounts a ON a.tenant_id = g.wallet_id
WHERE g.dissolved_at IS NULL
"""


def create(conn: Connection, owner_id: int, name: str, plan: Plan, now: datetime) -> int | None:
    """Create a team with its owner as a member without a limit; return its id. None: the owner is in a team already."""
    transfers.lock_account(conn, owner_id)  # the person may join another team at this moment
    if of_member(conn, owner_id) is not None:
        return None
    team_id = shared_wallets.open_account(conn, name, plan, now)
    conn.run(
        "INSERT INTO teams (wallet_id, owner_id, created_at) VALUES (:id, :owner, :now)",
        id=team_id,
        owner=owner_id,
        now=ms(now),
    )
    conn.run(
        "INSERT INTO team_members (wallet_id, tenant_id, paused, own_after, joined_at)"
        " VALUES (:id, :owner, :no, :yes, :now)",
        id=team_id,
        owner=owner_id,
        no=False,
        yes=True,
        now=ms(now),
    )
    return team_id


def find(conn: Connection, team_id: int) -> Team | None:
    """Return the team with this id unless it was dissolved."""
    return _one(row(conn, f"{_TEAM} AND g.wallet_id = :id", id=team_id))


def of_member(conn: Connection, tenant_id: int) -> Team | None:
    """Return the team that a person is in."""
    mine = "SELECT wallet_id FROM team_members WHERE tenant_id = :id AND left_at IS NULL"
    return _one(row(conn, f"{_TEAM} AND g.wallet_id IN ({mine})", id=tenant_id))


def owned(conn: Connection, team_id: int, tenant_id: int) -> Team | None:
    """Return the team if this person is its owner."""
    team = find(conn, team_id)
    return team if team is not None and team.owner_id == tenant_id else None


def rename(conn: Connection, team_id: int, name: str) -> None:
    conn.run("UPDATE tenants SET name = :name WHERE id = :id", name=name, id=team_id)


def fill(conn: Connection, team: Team, tenant_id: int, amount: Money, ref: str, now: datetime) -> bool:
    """Move money from a person's wallet to the team's. Return False if `ref` was used before or the team is dissolved.

    Raises WalletShort.
    """
    shared_wallets.lock(conn, (tenant_id, team.id))
    if find(conn, team.id) is None:
        return False
    reasons = "to the team", "from a member"  # without names, because money records are kept longer
    return shared_wallets.move(
        conn, (tenant_id, team.id), amount, via=VIA, kind="team", ref=ref, reasons=reasons, now=now
    )


def dissolve(conn: Connection, team_id: int, now: datetime) -> Money:
    """Dissolve a team. Its money, with the unused part of its plan, goes to its owner's wallet.

    Its members leave, and its debt becomes its owner's. Return the amount of the money. Raises TeamBusy, and
    LookupError for a team that was dissolved before.
    """
    found = find(conn, team_id)
    if found is None:
        raise LookupError(f"there is no team {team_id}")
    shared_wallets.lock(conn, (team_id, found.owner_id))
    team = find(conn, team_id)
    if team is None:
        raise LookupError(f"there is no team {team_id}")
    if _is_paying(conn, team_id):
        raise TeamBusy
    plans.credit_unused(conn, plans.lock_tenant(conn, team_id), now, now)
    shared_wallets.end_period(conn, team_id)
    conn.run("UPDATE teams SET dissolved_at = :now WHERE wallet_id = :id", id=team_id, now=ms(now))
    conn.run(
        "UPDATE team_members SET left_at = :now WHERE wallet_id = :id AND left_at IS NULL", id=team_id, now=ms(now)
    )
    _hand_over_debt(conn, team_id, team.owner_id, now)  # first, because money that is owed can't be moved
    return _pay_out(conn, team_id, team.owner_id, f"team:{team_id}:end", now)


def _is_paying(conn: Connection, team_id: int) -> bool:
    """Return whether an answer for the team is running: the account shows no held tokens of an ended plan."""
    return bool(conn.rows("SELECT 1 AS one FROM holds WHERE tenant_id = :id AND state = 'open' LIMIT 1", id=team_id))


def _pay_out(conn: Connection, team_id: int, owner_id: int, ref: str, now: datetime) -> Money:
    state = tenants.state(conn, team_id)
    assert state is not None
    rest = max(ZERO, state.wallet - state.held - state.owed)
    if rest > ZERO:
        reasons = "to the owner of the dissolved team", "from the dissolved team"
        shared_wallets.move(conn, (team_id, owner_id), rest, via=VIA, kind="team", ref=ref, reasons=reasons, now=now)
    return rest


def _hand_over_debt(conn: Connection, team_id: int, owner_id: int, now: datetime) -> None:
    """Take a team's debt, which a refund has caused, from its owner's wallet; any shortage is booked as owed."""
    state = tenants.state(conn, team_id)
    assert state is not None
    if not state.owed:
        return
    ref, reason = f"team:{team_id}:debt", "owed by the dissolved team"
    transfers.debit_or_owe(conn, owner_id, state.owed, kind="debit", to=VIA, ref=ref, reason=reason, now=now)
    transfers.post(
        conn,
        kind="repayment",
        debit=VIA,
        credit=transfers.debt_of(team_id),
        amount=state.owed,
        tenant_id=team_id,
        ref=f"{ref}:in",
        reason="by the owner of the dissolved team",
        now=now,
    )
    conn.run("UPDATE accounts SET owed_nanousd = 0 WHERE tenant_id = :id", id=team_id)


def sweep(conn: Connection, owner_id: int, now: datetime) -> Money:
    """Pay out money that a person's dissolved teams received afterwards, such as a charge that was given back."""
    late = conn.rows(
        "SELECT g.wallet_id, a.balance_nanousd FROM teams g JOIN accounts a ON a.tenant_id = g.wallet_id"
        " WHERE g.owner_id = :id AND g.dissolved_at IS NOT NULL"
        " AND a.balance_nanousd > a.held_nanousd + a.owed_nanousd ORDER BY g.wallet_id",
        id=owner_id,
    )
    paid = ZERO
    for each in late:
        ref = f"team:{each['wallet_id']}:late:{ms(now)}"
        paid += _pay_out(conn, each["wallet_id"], owner_id, ref, now)
    return paid


def forget_names(conn: Connection, owner_id: int) -> None:
    """Erase the names of a person's dissolved teams."""
    conn.run(
        "UPDATE tenants SET name = '' WHERE id IN"
        " (SELECT wallet_id FROM teams WHERE owner_id = :id AND dissolved_at IS NOT NULL)",
        id=owner_id,
    )


def everything(conn: Connection, tenant_id: int) -> list[dict[str, object]]:
    """Return the teams that a person owns or has been in, for /export."""
    rows = conn.rows(
        "SELECT t.name, g.owner_id, g.created_at, g.dissolved_at, m.* FROM team_members m"
        " JOIN teams g ON g.wallet_id = m.wallet_id JOIN tenants t ON t.id = m.wallet_id"
        " WHERE m.tenant_id = :id ORDER BY m.joined_at, m.wallet_id",
        id=tenant_id,
    )
    return [
        {
            "team": found["wallet_id"],
            "name": found["name"],
            "is_owner": found["owner_id"] == tenant_id,
            "joined_at": moment(found["joined_at"]),
            "left_at": None if found["left_at"] is None else moment(found["left_at"]),
            "limit_usd": None if found["limit_nanousd"] is None else Money(found["limit_nanousd"]),
        }
        for found in rows
    ]


def shares_of(conn: Connection, tenant_id: int) -> list[dict[str, object]]:
    """Return the amounts that teams paid for a person, by day, for /export."""
    rows = conn.rows(
        "SELECT s.* FROM member_shares s JOIN teams g ON g.wallet_id = s.wallet_id WHERE s.tenant_id = :id"
        " ORDER BY s.day, s.wallet_id",
        id=tenant_id,
    )
    return [
        {
            "team": found["wallet_id"],
            "day": found["day"],
            "usd": Money(found["charge_nanousd"]),
            "allowance_tokens": found["allowance_tokens"],
            "answers": found["answers"],
        }
        for found in rows
    ]


def _one(found: Row | None) -> Team | None:
    if found is None:
        return None
    return Team(
        found["wallet_id"],
        found["name"],
        found["owner_id"],
        found["plan"],
        Money(max(0, found["free"])),
        found["tokens"],
        moment(found["period_end_at"]),
    )
