"""Wallets of groups: filled from members' wallets, used by members up to a cap per person and day.

The wallet is the account of a tenant without a Telegram user, whose plan has no tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage.database.connection import Connection, Row, ms, row, scalar
from storage.ledger import transfers
from storage.tenants import tenants

HOUSE_GROUPS = "house:groups"
"""The account that money passes between two wallets."""
NO_RENEWAL = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of the wallet's period: it never gets a plan's tokens."""


@dataclass(frozen=True, slots=True)
class GroupWallet:
    """A group's wallet. `free` is the money that no answer in progress needs; `day_cap` is per person, zero: none."""

    chat_id: int
    wallet_id: int
    title: str
    day_cap: Money
    free: Money


@dataclass(frozen=True, slots=True)
class GroupShare:
    """One member's use of the wallet in a number of days."""

    name: str
    charge: Money
    answers: int


class WalletShort(Exception):
    """The wallet of the person who fills a group's has less than the amount."""


_WALLET = """
SELECT g.*, a.balance_nanousd - a.held_nanousd AS free_nanousd
FROM groups g JOIN accounts a ON a.tenant_id = g.wallet_id
"""


def find(conn: Connection, chat_id: int) -> GroupWallet | None:
    found = row(conn, f"{_WALLET} WHERE g.chat_id = :chat", chat=chat_id)
    return None if found is None else _wallet(found)


def open_wallet(conn: Connection, chat_id: int, title: str, plan: Plan, now: datetime) -> GroupWallet:
    """Return the wallet of a group; create one if there is none. The title is brought up to date."""
    if find(conn, chat_id) is None:
        wallet_id = tenants.create(conn, title, plan, now=now)
        conn.run(
            "UPDATE accounts SET allowance_tokens = 0, period_end_at = :never WHERE tenant_id = :id",
            id=wallet_id,
            never=ms(NO_RENEWAL),
        )
        conn.run(
            "INSERT INTO groups (chat_id, wallet_id, title, day_cap_nanousd, created_at)"
            " VALUES (:chat, :wallet, :title, 0, :now) ON CONFLICT (chat_id) DO NOTHING",
            chat=chat_id,
            wallet=wallet_id,
            title=title,
            now=ms(now),
        )
    conn.run("UPDATE groups SET title = :title WHERE chat_id = :chat", chat=chat_id, title=title)
    found = find(conn, chat_id)
    assert found is not None
    return found


def set_day_cap(conn: Connection, chat_id: int, cap: Money) -> None:
    conn.run("UPDATE groups SET day_cap_nanousd = :cap WHERE chat_id = :chat", chat=chat_id, cap=cap.nanousd)


def fill(conn: Connection, wallet: GroupWallet, tenant_id: int, amount: Money, ref: str, now: datetime) -> bool:
    """Move money from a person's wallet to the group's; False, with nothing done, if `ref` was done before.

    Raises WalletShort.
    """
    first, second = sorted((tenant_id, wallet.wallet_id))
    accounts = {each: transfers.lock_account(conn, each) for each in (first, second)}
    if scalar(conn, "SELECT 1 FROM transfers WHERE ref = :ref", ref=ref):
        return False
    payer = accounts[tenant_id]
    if payer["balance_nanousd"] - payer["held_nanousd"] < amount.nanousd:
        raise WalletShort
    transfers.post(
        conn,
        kind="group",
        debit=transfers.wallet_of(tenant_id),
        credit=HOUSE_GROUPS,
        amount=amount,
        tenant_id=tenant_id,
        ref=ref,
        reason=f"to the group {wallet.title}",
        now=now,
    )
    conn.run(
        "UPDATE accounts SET balance_nanousd = balance_nanousd - :n WHERE tenant_id = :id",
        n=amount.nanousd,
        id=tenant_id,
    )
    return transfers.credit(
        conn, wallet.wallet_id, amount, ref=f"{ref}:in", reason="from a member", now=now, source=HOUSE_GROUPS
    )


def payer(conn: Connection, chat_id: int, tenant_id: int, today: date) -> GroupWallet | None:
    """Return the wallet that pays for this person's next answer; None if it is empty or the person's cap is reached."""
    wallet = find(conn, chat_id)
    if wallet is None or wallet.free <= ZERO:
        return None
    if wallet.day_cap > ZERO and used_on(conn, wallet.wallet_id, tenant_id, today) >= wallet.day_cap:
        return None
    return wallet


def used_on(conn: Connection, wallet_id: int, tenant_id: int, day: date) -> Money:
    used = scalar(
        conn,
        "SELECT charge_nanousd FROM group_shares WHERE wallet_id = :wallet AND tenant_id = :tenant AND day = :day",
        wallet=wallet_id,
        tenant=tenant_id,
        day=number_of(day),
    )
    return Money(used or 0)


def add_share(conn: Connection, wallet_id: int, tenant_id: int, day: date, charge: Money) -> None:
    """Count one answer that the group's wallet paid for a member."""
    conn.run(
        "INSERT INTO group_shares (wallet_id, tenant_id, day, charge_nanousd, answers)"
        " VALUES (:wallet, :tenant, :day, :charge, 1) ON CONFLICT (wallet_id, tenant_id, day) DO UPDATE"
        " SET charge_nanousd = group_shares.charge_nanousd + excluded.charge_nanousd,"
        " answers = group_shares.answers + 1",
        wallet=wallet_id,
        tenant=tenant_id,
        day=number_of(day),
        charge=charge.nanousd,
    )


def shares(conn: Connection, wallet_id: int, since: date, limit: int) -> Sequence[GroupShare]:
    """Return the members' use since that day, the largest first."""
    rows = conn.rows(
        "SELECT t.name, SUM(s.charge_nanousd) AS charge, SUM(s.answers) AS answers FROM group_shares s"
        " JOIN tenants t ON t.id = s.tenant_id WHERE s.wallet_id = :wallet AND s.day >= :since"
        " GROUP BY s.tenant_id, t.name ORDER BY SUM(s.charge_nanousd) DESC, s.tenant_id LIMIT :n",
        wallet=wallet_id,
        since=number_of(since),
        n=limit,
    )
    return [GroupShare(found["name"], Money(int(found["charge"])), int(found["answers"])) for found in rows]


def everything(conn: Connection, tenant_id: int) -> list[dict[str, object]]:
    """Return a member's use of groups' wallets, for /export."""
    rows = conn.rows(
        "SELECT s.*, g.title FROM group_shares s LEFT JOIN groups g ON g.wallet_id = s.wallet_id"
        " WHERE s.tenant_id = :id ORDER BY s.day, s.wallet_id",
        id=tenant_id,
    )
    return [
        {
            "group": found["title"],
            "day": found["day"],
            "usd": Money(found["charge_nanousd"]),
            "answers": found["answers"],
        }
        for found in rows
    ]


def number_of(day: date) -> int:
    """Return a date as 20261130."""
    return int(f"{day:%Y%m%d}")


def _wallet(found: Row) -> GroupWallet:
    return GroupWallet(
        found["chat_id"],
        found["wallet_id"],
        found["title"],
        Money(found["day_cap_nanousd"]),
        Money(found["free_nanousd"]),
    )
