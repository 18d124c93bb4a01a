"""Wallets of groups: filled from members' wallets, used by members up to a cap per person and day.

The wallet is the account of a tenant without a Telegram user, whose plan has no tokens.
"""

from dataclasses import dataclass
from datetime import datetime

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage.database.connection import Connection, Row, ms, row
from storage.ledger import shares
from storage.tenants import shared_wallets

HOUSE_GROUPS = "house:groups"
"""The account in between when money moves from a person's wallet to a group's."""


@dataclass(frozen=True, slots=True)
class GroupWallet:
    """A group's wallet. `free`: money that no running answer needs; `day_cap`: limit per person and day, zero: none."""

    chat_id: int
    wallet_id: int
    title: str
    day_cap: Money
    free: Money


_WALLET = """
SELECT g.*, a.balance_nanousd - a.held_nanousd - a.owed_nanousd AS free_nanousd
FROM groups g JOIN accounts a ON a.tenant_id = g.wallet_id
"""


def find(conn: Connection, chat_id: int) -> GroupWallet | None:
    found = row(conn, f"{_WALLET} WHERE g.chat_id = :chat", chat=chat_id)
    return None if found is None else _wallet(found)


def open_wallet(conn: Connection, chat_id: int, title: str, plan: Plan, now: datetime) -> GroupWallet:
    """Return the wallet of a group; create one if there is none. The stored title is updated."""
    if find(conn, chat_id) is None:
        wallet_id = shared_wallets.open_account(conn, title, plan, now)
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
    """Move money from a person's wallet to the group's. If `ref` was used before, do nothing and return False.

    Raises WalletShort.
    """
    reasons = "to a group", "from a member"  # no title: money records outlive it
    return shared_wallets.move(
        conn, (tenant_id, wallet.wallet_id), amount, via=HOUSE_GROUPS, kind="group", ref=ref, reasons=reasons, now=now
    )


def payer(conn: Connection, chat_id: int, tenant_id: int, now: datetime) -> GroupWallet | None:
    """Return the wallet that pays for this person's next answer; None if it is empty or the person's cap is reached.

    The hold itself enforces the cap.
    """
    wallet = find(conn, chat_id)
    if wallet is None or wallet.free <= ZERO:
        return None
    left = shares.left(conn, wallet.wallet_id, tenant_id, now)
    return wallet if left is None or left > ZERO else None


def everything(conn: Connection, tenant_id: int) -> list[dict[str, object]]:
    """Return a member's use of groups' wallets, for /export."""
    rows = conn.rows(
        "SELECT s.*, g.title FROM member_shares s JOIN groups g ON g.wallet_id = s.wallet_id"
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


def _wallet(found: Row) -> GroupWallet:
    return GroupWallet(
        found["chat_id"],
        found["wallet_id"],
        found["title"],
        Money(found["day_cap_nanousd"]),
        Money(max(0, found["free_nanousd"])),
    )
