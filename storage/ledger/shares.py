"""Members' shares of the wallet of a team or a group: counted by UTC day, and limited by each hold.

A share is wallet money plus plan tokens at their price. A team's limit is per calendar month, a group's per day. Each
hold of a wallet locks its account first, so that two holds never use the same rest of a limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from engine.holds import Funds, Grant, HoldRequest, worth_of
from engine.money import ZERO, Money
from engine.tenancy import Charge
from storage.database.connection import Connection, Row, day_of, row, scalar

_LIMIT = """
SELECT m.limit_nanousd AS most, m.paused AS is_closed, 1 AS is_monthly FROM team_members m
  WHERE m.wallet_id = :wallet AND m.tenant_id = :member AND m.left_at IS NULL
UNION ALL SELECT CASE WHEN day_cap_nanousd > 0 THEN day_cap_nanousd END, (1 = 0), 0 FROM groups
  WHERE wallet_id = :wallet
"""
_CHANGE = """
UPDATE member_shares SET charge_nanousd = charge_nanousd + :charge, allowance_tokens = allowance_tokens + :tokens,
  worth_nanousd = worth_nanousd + :worth, held_nanousd = held_nanousd + :held, answers = answers + :answers,
  api_worth_nanousd = api_worth_nanousd + :api_worth
WHERE wallet_id = :wallet AND tenant_id = :member AND day = :day
"""
_BEGIN = """
INSERT INTO member_shares (wallet_id, tenant_id, day) VALUES (:wallet, :member, :day) ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class MemberShare:
    """One member's use of a wallet over some days: wallet money, plan tokens, and both together as money (`worth`)."""

    tenant_id: int
    name: str
    charge: Money
    allowance_tokens: int
    worth: Money
    answers: int


@dataclass(frozen=True, slots=True)
class DayShare:
    """One member's use of a wallet on one UTC day; the day is a number such as 20261130."""

    day: int
    share: MemberShare


def left_of(conn: Connection, hold_request: HoldRequest, now: datetime) -> Money | None:
    """Return the part of the member's limit that is left for this hold; None: no limit."""
    member_id = hold_request.member_id
    return None if member_id is None else left(conn, hold_request.tenant_id, member_id, now)


def left(conn: Connection, wallet_id: int, member_id: int, now: datetime) -> Money | None:
    """Return the money that the member may still use, less running answers; None: no limit; zero: not a member."""
    limit = row(conn, _LIMIT, wallet=wallet_id, member=member_id)
    if limit is None or limit["is_closed"]:
        return ZERO
    if limit["most"] is None:
        return None
    today = now.date()
    since = today.replace(day=1) if limit["is_monthly"] else today
    return Money(limit["most"]) - used(conn, wallet_id, member_id, since)


def used(conn: Connection, wallet_id: int, member_id: int, since: date) -> Money:
    """Return the money that the member has used since a day, including the running answers."""
    found = scalar(
        conn,
        "SELECT COALESCE(SUM(worth_nanousd + held_nanousd), 0) AS n FROM member_shares"
        " WHERE wallet_id = :wallet AND tenant_id = :member AND day >= :since",
        wallet=wallet_id,
        member=member_id,
        since=day_of(since),
    )
    return Money(int(found))


def used_everywhere(conn: Connection, member_id: int, since: date, until: date) -> Money:
    """Return the worth of the answers that teams and groups paid for this member on these days, both included."""
    found = scalar(
        conn,
        "SELECT COALESCE(SUM(worth_nanousd), 0) AS n FROM member_shares"
        " WHERE tenant_id = :member AND day BETWEEN :since AND :until",
        member=member_id,
        since=day_of(since),
        until=day_of(until),
    )
    return Money(int(found))


def used_in_chats(conn: Connection, member_id: int, day: date) -> Money:
    """Return the price of the answers in Telegram that teams and groups paid for this member on a UTC day."""
    found = scalar(
        conn,
        "SELECT COALESCE(SUM(worth_nanousd - api_worth_nanousd), 0) AS n FROM member_shares"
        " WHERE tenant_id = :member AND day = :day",
        member=member_id,
        day=day_of(day),
    )
    return Money(int(found))


def funds(conn: Connection, wallet_id: int, member_id: int, now: datetime) -> Funds:
    """Return the funds that the wallet has for this member's next answer."""
    account = row(
        conn,
        "SELECT allowance_tokens - allowance_used_tokens - allowance_held_tokens AS tokens,"
        " balance_nanousd - held_nanousd - owed_nanousd AS free FROM accounts WHERE tenant_id = :id",
        id=wallet_id,
    )
    if account is None:
        return Funds(0, ZERO, share=ZERO)
    return Funds(account["tokens"], Money(max(0, account["free"])), share=left(conn, wallet_id, member_id, now))


def hold(conn: Connection, hold_request: HoldRequest, grant: Grant, now: datetime) -> None:
    """Add a hold to the member's share of today."""
    if hold_request.member_id is None:
        return
    worth = worth_of(hold_request.tariff, Charge(grant.wallet, grant.allowance_tokens)).nanousd
    day = day_of(now.date())
    conn.run(
        "UPDATE holds SET member_id = :member, share_day = :day, share_nanousd = :worth WHERE request_id = :request",
        member=hold_request.member_id,
        day=day,
        worth=worth,
        request=hold_request.request_id,
    )
    member = hold_request.tenant_id, hold_request.member_id
    conn.run(_BEGIN, wallet=member[0], member=member[1], day=day)
    _add(conn, member, day, held=worth)


def capture(conn: Connection, hold_request: HoldRequest, share: Sequence[int], charge: Charge) -> None:
    """Replace a held share, (day, nano-dollars), by the charge."""
    assert hold_request.member_id is not None
    worth = worth_of(hold_request.tariff, charge).nanousd
    conn.run(
        "UPDATE holds SET share_nanousd = :worth WHERE request_id = :request",
        worth=worth,
        request=hold_request.request_id,
    )
    day, held = share
    member = hold_request.tenant_id, hold_request.member_id
    api_worth = 0 if hold_request.key_id is None else worth
    _add(conn, member, day, charge=charge, worth=worth, held=-held, answers=1, api_worth=api_worth)


def release(conn: Connection, member: tuple[int, int], share: Sequence[int]) -> None:
    """Return a held share, (day, nano-dollars), to a member, (wallet, tenant)."""
    day, held = share
    _add(conn, member, day, held=-held)


def give_back(conn: Connection, member: tuple[int, int], share: Sequence[int], charge: Charge) -> None:
    """Remove a share, (day, nano-dollars), whose charge was returned to the wallet."""
    day, worth = share
    _add(conn, member, day, charge=Charge(-charge.wallet, -charge.allowance_tokens), worth=-worth, answers=-1)


def _add(
    conn: Connection,
    member: tuple[int, int],
    day: int,
    *,
    charge: Charge = Charge(),  # noqa: B008 - frozen
    worth: int = 0,
    held: int = 0,
    answers: int = 0,
    api_worth: int = 0,
) -> None:
    conn.run(
        _CHANGE,
        wallet=member[0],
        member=member[1],
        day=day,
        charge=charge.wallet.nanousd,
        tokens=charge.allowance_tokens,
        worth=worth,
        held=held,
        answers=answers,
        api_worth=api_worth,
    )


def by_member(conn: Connection, wallet_id: int, since: date, until: date, limit: int = 1000) -> list[MemberShare]:
    """Return the members' use from one day to another, both included, the largest first."""
    rows = conn.rows(
        "SELECT s.tenant_id, t.name, SUM(s.charge_nanousd) AS charge, SUM(s.allowance_tokens) AS tokens,"
        " SUM(s.worth_nanousd) AS worth, SUM(s.answers) AS answers FROM member_shares s"
        " JOIN tenants t ON t.id = s.tenant_id WHERE s.wallet_id = :wallet AND s.day BETWEEN :since AND :until"
        " GROUP BY s.tenant_id, t.name HAVING SUM(s.answers) > 0"
        " ORDER BY SUM(s.worth_nanousd) DESC, s.tenant_id LIMIT :n",
        wallet=wallet_id,
        since=day_of(since),
        until=day_of(until),
        n=limit,
    )
    return [_share(found) for found in rows]


def by_day(conn: Connection, wallet_id: int, since: date, until: date) -> list[DayShare]:
    """Return each member's use on each day, in order."""
    rows = conn.rows(
        "SELECT s.day, s.tenant_id, t.name, s.charge_nanousd AS charge, s.allowance_tokens AS tokens,"
        " s.worth_nanousd AS worth, s.answers FROM member_shares s JOIN tenants t ON t.id = s.tenant_id"
        " WHERE s.wallet_id = :wallet AND s.day BETWEEN :since AND :until AND s.answers > 0"
        " ORDER BY s.day, s.tenant_id",
        wallet=wallet_id,
        since=day_of(since),
        until=day_of(until),
    )
    return [DayShare(found["day"], _share(found)) for found in rows]


def _share(found: Row) -> MemberShare:
    return MemberShare(
        found["tenant_id"],
        found["name"],
        Money(int(found["charge"])),
        int(found["tokens"]),
        Money(int(found["worth"])),
        int(found["answers"]),
    )
