"""Transfers between accounts: posting, crediting a wallet, and debiting it with any shortage booked as owed.

A transfer is one row with two sides; its unique `ref` makes it happen once.
"""

from datetime import datetime
from typing import Any

from engine.money import ZERO, Money
from storage.database.connection import Connection, Row, for_update, ms, row

HOUSE_CHARGES, HOUSE_CREDITS, HOUSE_CODES = "house:charges", "house:credits", "house:codes"


def wallet_of(tenant_id: int) -> str:
    """Return the account name of a tenant's wallet."""
    return f"tenant:{tenant_id}"


def debt_of(tenant_id: int) -> str:
    """Return the account name of the debt of a tenant."""
    return f"owed:{tenant_id}"


def lock_account(conn: Connection, tenant_id: int) -> Row:
    """Return the row of a tenant's account, locked until the transaction ends. Raises LookupError."""
    account = row(conn, "SELECT * FROM accounts WHERE tenant_id = :id" + for_update(conn), id=tenant_id)
    if account is None:
        raise LookupError(f"tenant {tenant_id} has no account")
    return account


def post(
    conn: Connection,
    *,
    kind: str,
    debit: str,
    credit: str,
    amount: Money,
    tenant_id: int,
    ref: str,
    now: datetime,
    reason: str = "",
) -> bool:
    """Move `amount` (above zero) from account `debit` to account `credit`; return False if `ref` exists already.

    The caller must change the balance of the wallet in the same transaction.
    """
    return bool(
        conn.run(
            "INSERT INTO transfers (kind, debit, credit, amount_nanousd, tenant_id, ref, reason, created_at)"
            " VALUES (:kind, :debit, :credit, :amount, :tenant_id, :ref, :reason, :now)"
            " ON CONFLICT (ref) DO NOTHING",
            kind=kind,
            debit=debit,
            credit=credit,
            amount=amount.nanousd,
            tenant_id=tenant_id,
            ref=ref,
            reason=reason,
            now=ms(now),
        )
    )


def credit(
    conn: Connection,
    tenant_id: int,
    amount: Money,
    *,
    ref: str,
    reason: str,
    now: datetime,
    source: str = HOUSE_CREDITS,
) -> bool:
    """Add `amount` to the wallet after paying the tenant's debt from it; return False if `ref` was credited before.

    Raises LookupError for a tenant without an account.
    """
    account = lock_account(conn, tenant_id)
    wallet = wallet_of(tenant_id)
    posted = post(
        conn,
        kind="credit",
        debit=source,
        credit=wallet,
        amount=amount,
        tenant_id=tenant_id,
        ref=ref,
        now=now,
        reason=reason,
    )
    if not posted:
        return False
    repaid = min(amount, Money(account["owed_nanousd"]))
    if repaid:
        post(
            conn,
            kind="repayment",
            debit=wallet,
            credit=debt_of(tenant_id),
            amount=repaid,
            tenant_id=tenant_id,
            ref=f"repaid:{ref}",
            now=now,
            reason="owed from before",
        )
    conn.run(
        "UPDATE accounts SET balance_nanousd = balance_nanousd + :added,"
        " owed_nanousd = owed_nanousd - :repaid WHERE tenant_id = :id",
        id=tenant_id,
        added=(amount - repaid).nanousd,
        repaid=repaid.nanousd,
    )
    return True


def debit_or_owe(
    conn: Connection,
    tenant_id: int,
    amount: Money,
    *,
    kind: str,
    to: str,
    ref: str,
    reason: str,
    now: datetime,
) -> Money:
    """Take `amount` from the part of the wallet that no hold needs, and book the shortage as owed.

    Returns the amount taken; a repeat of the same `ref` takes nothing. Raises LookupError for a tenant without an
    account.
    """
    account = lock_account(conn, tenant_id)
    free = Money(account["balance_nanousd"] - account["held_nanousd"])
    taken = min(amount, free)
    owed = amount - taken
    is_new = _post_both(conn, tenant_id, (taken, owed), kind=kind, to=to, ref=ref, reason=reason, now=now)
    if not is_new:
        return ZERO
    conn.run(
        "UPDATE accounts SET balance_nanousd = balance_nanousd - :taken, owed_nanousd = owed_nanousd + :owed"
        " WHERE tenant_id = :id",
        id=tenant_id,
        taken=taken.nanousd,
        owed=owed.nanousd,
    )
    return taken


def adjust(conn: Connection, tenant_id: int, amount: Money, *, ref: str, reason: str, now: datetime) -> bool:
    """Credit the wallet with `amount`, or debit it if `amount` is negative; any shortage is booked as owed.

    If `ref` was booked before, does nothing and returns False. Raises LookupError for a tenant without an account.
    """
    if amount > ZERO:
        return credit(conn, tenant_id, amount, ref=ref, reason=reason, now=now)
    lock_account(conn, tenant_id)
    if adjusted(conn, ref) is not None:
        return False
    debit_or_owe(conn, tenant_id, -amount, kind="debit", to=HOUSE_CREDITS, ref=ref, reason=reason, now=now)
    return True


def adjusted(conn: Connection, ref: str) -> tuple[Money, str] | None:
    """Return the amount (negative for a debit) and the reason that `adjust` booked under `ref`, if any."""
    found = conn.rows(
        "SELECT kind, amount_nanousd, reason FROM transfers WHERE ref IN (:ref, :owed)", ref=ref, owed=f"{ref}:owed"
    )
    if not found:
        return None
    amount = Money(sum(each["amount_nanousd"] for each in found))
    return (-amount if found[0]["kind"] == "debit" else amount), found[0]["reason"]


def _post_both(conn: Connection, tenant_id: int, parts: tuple[Money, Money], **common: Any) -> bool:
    """Post the part paid by the wallet and the part that is owed; return False if either exists already."""
    ref, to = common.pop("ref"), common.pop("to")
    existing = row(conn, "SELECT 1 AS one FROM transfers WHERE ref IN (:ref, :owed)", ref=ref, owed=f"{ref}:owed")
    if existing is not None:
        return False
    sides = ((parts[0], wallet_of(tenant_id), ref), (parts[1], debt_of(tenant_id), f"{ref}:owed"))
    for amount, debit, own_ref in sides:
        if amount:
            post(conn, debit=debit, credit=to, amount=amount, tenant_id=tenant_id, ref=own_ref, **common)
    return True
