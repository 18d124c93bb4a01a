"""Wallets shared by several people, of teams and groups: accounts without free tokens, filled from other wallets."""

from datetime import UTC, datetime

from engine.money import Money
from engine.tenancy import Plan
from storage.database.connection import Connection, Row, ms, scalar
from storage.ledger import transfers
from storage.tenants import tenants

NO_RENEWAL = datetime(9999, 1, 1, tzinfo=UTC)
"""The end of a shared wallet's free period: it never gets the free plan's tokens."""
IS_SHARED = "(SELECT wallet_id FROM teams UNION ALL SELECT wallet_id FROM groups)"
"""The ids of the tenants that are shared wallets, in SQL."""


class WalletShort(Exception):
    """The source wallet has less money than the amount."""


def open_account(conn: Connection, name: str, plan: Plan, now: datetime) -> int:
    """Create the tenant of a shared wallet, without tokens."""
    tenant_id = tenants.create(conn, name, plan, now=now)
    end_period(conn, tenant_id)
    return tenant_id


def end_period(conn: Connection, tenant_id: int) -> None:
    """Start a period without tokens and without an end for a shared wallet."""
    conn.run(
        "UPDATE accounts SET allowance_tokens = 0, allowance_used_tokens = 0, allowance_held_tokens = 0,"
        " period_no = period_no + 1, period_ref = '', period_end_at = :never WHERE tenant_id = :id",
        id=tenant_id,
        never=ms(NO_RENEWAL),
    )


def is_shared(conn: Connection, tenant_id: int) -> bool:
    return bool(scalar(conn, f"SELECT COUNT(*) AS n FROM {IS_SHARED} s WHERE s.wallet_id = :id", id=tenant_id))


def heir(conn: Connection, tenant_id: int) -> int | None:
    """Return the owner of a dissolved team, who receives its remaining money; None for any other wallet."""
    found = scalar(conn, "SELECT owner_id FROM teams WHERE wallet_id = :id AND dissolved_at IS NOT NULL", id=tenant_id)
    return None if found is None else int(found)


def may_fill(conn: Connection, wallet_id: int, tenant_id: int) -> bool:
    """Return False for a team that was dissolved or that the person does not belong to; True for any other wallet."""
    sql = (
        "SELECT g.dissolved_at IS NULL AND m.tenant_id IS NOT NULL FROM teams g LEFT JOIN team_members m"
        " ON m.wallet_id = g.wallet_id AND m.tenant_id = :id AND m.left_at IS NULL WHERE g.wallet_id = :wallet"
    )
    found = scalar(conn, sql, id=tenant_id, wallet=wallet_id)
    return found is None or bool(found)


def lock(conn: Connection, tenant_ids: tuple[int, int]) -> dict[int, Row]:
    """Lock two accounts in the order of their ids, so that two transfers never deadlock."""
    return {each: transfers.lock_account(conn, each) for each in sorted(tenant_ids)}


def move(
    conn: Connection,
    tenant_ids: tuple[int, int],
    amount: Money,
    *,
    via: str,
    kind: str,
    ref: str,
    reasons: tuple[str, str],
    now: datetime,
) -> bool:
    """Move money between two wallets, through the account `via`. If `ref` exists, do nothing and return False.

    The two reasons are for the entries of the two wallets. Raises WalletShort.
    """
    giver, taker = tenant_ids
    account = lock(conn, tenant_ids)[giver]
    if scalar(conn, "SELECT 1 FROM transfers WHERE ref = :ref", ref=ref):
        return False
    if account["balance_nanousd"] - account["held_nanousd"] - account["owed_nanousd"] < amount.nanousd:
        raise WalletShort
    transfers.post(
        conn,
        kind=kind,
        debit=transfers.wallet_of(giver),
        credit=via,
        amount=amount,
        tenant_id=giver,
        ref=ref,
        reason=reasons[0],
        now=now,
    )
    conn.run(
        "UPDATE accounts SET balance_nanousd = balance_nanousd - :n WHERE tenant_id = :id", n=amount.nanousd, id=giver
    )
    return transfers.credit(conn, taker, amount, ref=f"{ref}:in", reason=reasons[1], now=now, source=via)
