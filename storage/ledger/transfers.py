"""Posting: a transfer is one row with two sides; its `ref` makes it happen once."""

from datetime import datetime

from engine.money import Money
from storage.database.connection import Connection
from storage.database.dates import ms


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
    """Move `amount` (over zero) from `debit` to `credit`; False, with nothing done, where `ref` stands.

    The wallet's balance is the caller's to change, in the same transaction.
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
