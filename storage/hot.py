"""The hot units: hold, capture, void, journal. Plain SQL, guarded by the rows themselves.

Accounts are locked first and always through `_funds`, so two units never wait for each other in a ring.
"""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from engine.attempt import Attempt
from engine.chat import Usage
from engine.errors import HoldLost
from engine.holding import Bid, Fit, Funds, Grant, Shortfall, fit, settle
from engine.money import ZERO, Money
from engine.ports import Bill
from engine.tenancy import Charge
from storage import receipts
from storage.connection import Connection, Row, ms, row
from storage.posting import post

HOUSE_CHARGES = "house:charges"


def wallet_of(tenant_id: int) -> str:
    """The name of a tenant's wallet among the accounts."""
    return f"tenant:{tenant_id}"


def month_of(now: datetime) -> int:
    """As 202611: what a key's tokens are counted by."""
    return now.year * 100 + now.month


def lock(conn: Connection) -> str:
    """PostgreSQL locks what is read to be written; SQLite's writer is alone."""
    return " FOR UPDATE" if conn.dialect == "postgresql" else ""


def hold(conn: Connection, bid: Bid, lease_id: str, now: datetime) -> Fit:
    """Set aside what `bid` needs, or say what is missing.

    Raises HoldLost when the request was paid before, or a try of this epoch or a later one has been made.
    """
    found = account(conn, bid.tenant_id)
    if found is None:
        raise HoldLost(bid.hold_id)
    if _supersede(conn, bid, now):
        found = account(conn, bid.tenant_id)
        assert found is not None
    month, key_tokens = _key_tokens(conn, bid.key_id, month_of(now))
    funds = Funds(_spare(found), Money(found["balance_nanousd"] - found["held_nanousd"]), key_tokens)
    sized = fit(bid, funds)
    if isinstance(sized, Shortfall):
        return sized
    _reserve(conn, bid, sized, month)
    conn.run(
        "INSERT INTO holds (id, request_id, epoch, tenant_id, key_id, key_month, state, wallet_nanousd,"
        " allowance_tokens, tokens, period_no, lease_id, created_at, charge_nanousd,"
        " charged_allowance_tokens) VALUES (:id, :request_id, :epoch, :tenant_id, :key_id, :month, 'open',"
        " :wallet, :allowance, :tokens, :period_no, :lease_id, :now, 0, 0)",
        id=bid.hold_id,
        request_id=bid.request_id,
        epoch=bid.epoch,
        tenant_id=bid.tenant_id,
        key_id=bid.key_id,
        month=month,
        wallet=sized.wallet.nanousd,
        allowance=sized.allowance_tokens,
        tokens=sized.tokens,
        period_no=found["period_no"],
        lease_id=lease_id,
        now=ms(now),
    )
    return sized


def capture(
    conn: Connection, bid: Bid, grant: Grant, bill: Bill, *, rates: Mapping[str, Fraction], now: datetime
) -> Charge:
    """Charge the kept answer, journal it and keep its receipt.

    Raises HoldLost when the hold is no longer open. `rates` says per plan what an allowance token is worth to
    the house, in nano-dollars: for margins only.
    """
    lock_it = " FOR UPDATE OF a" if conn.dialect == "postgresql" else ""
    held = row(conn, _HELD + lock_it, id=bid.hold_id, tenant=bid.tenant_id)
    if held is None:
        raise HoldLost(bid.hold_id)
    same_period = held["current_period_no"] == held["period_no"]
    spare = _spare(held, "current_allowance_tokens") if same_period else 0
    charge = settle(bid.tariff, grant, bill.tokens, bill.cost_atto, spare)
    if not _resolve(conn, held, "captured", charge, now):
        raise HoldLost(bid.hold_id)
    _release(conn, held, charge, same_period=same_period, spent_tokens=bill.tokens)
    if charge.wallet:
        post(
            conn,
            kind="charge",
            debit=wallet_of(bid.tenant_id),
            credit=HOUSE_CHARGES,
            amount=charge.wallet,
            tenant_id=bid.tenant_id,
            ref=f"hold:{bid.hold_id}",
            now=now,
        )
    worth = Money(round(charge.allowance_tokens * rates.get(held["plan"], Fraction(0))))
    journal(conn, bill.attempt, hold_id=bid.hold_id, charge=charge, allowance_worth=worth)
    receipts.keep(conn, bid.tenant_id, bill.receipt, charge)
    return charge


# On PostgreSQL the account's row is read anew once its lock is had, the hold's is not: `_resolve` asks again.
_HELD = """
SELECT h.*, a.period_no AS current_period_no, a.allowance_tokens AS current_allowance_tokens,
       a.allowance_used_tokens, a.allowance_held_tokens, t.plan
FROM accounts a JOIN holds h ON h.tenant_id = a.tenant_id JOIN tenants t ON t.id = a.tenant_id
WHERE a.tenant_id = :tenant AND h.id = :id AND h.state = 'open'
"""


def void(conn: Connection, hold_id: str, now: datetime, state: str = "void") -> bool:
    """Give everything back; False when it was resolved already."""
    held = row(conn, "SELECT * FROM holds WHERE id = :id", id=hold_id)
    if held is None:
        return False
    books = account(conn, held["tenant_id"])
    assert books is not None
    if not _resolve(conn, held, state, Charge(), now):
        return False
    _release(conn, held, Charge(), same_period=books["period_no"] == held["period_no"], spent_tokens=0)
    return True


def journal(
    conn: Connection,
    attempt: Attempt,
    *,
    hold_id: str | None = None,
    charge: Charge | None = None,
    allowance_worth: Money = ZERO,
) -> None:
    """Write an attempt down."""
    usage = attempt.usage or Usage(0, 0)
    charge = charge or Charge()
    values: dict[str, Any] = {
        "request_id": attempt.request_id,
        "hold_id": hold_id,
        "ordinal": attempt.ordinal,
        "tenant_id": attempt.tenant_id,
        "key_id": attempt.key_id,
        "asked": attempt.asked,
        "provider": attempt.provider,
        "model": attempt.model,
        "served": attempt.served,
        "outcome": attempt.outcome,
        "status": attempt.status,
        "kept": attempt.kept,
        "estimated": usage.estimated,
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cost_nanousd": attempt.cost.nanousd,
        "waste_nanousd": attempt.waste.nanousd,
        "charge_nanousd": charge.wallet.nanousd,
        "allowance_tokens": charge.allowance_tokens,
        "allowance_nanousd": allowance_worth.nanousd,
        "first_token_ms": attempt.first_token_ms,
        "duration_ms": attempt.duration_ms,
        "started_at": ms(attempt.started_at),
        "day": day_of(attempt.started_at),
    }
    conn.run(_JOURNAL, **values)


def day_of(moment: datetime) -> int:
    """As 20261124: UTC days sort and compare as numbers."""
    return moment.year * 10_000 + moment.month * 100 + moment.day


_JOURNAL = """
INSERT INTO attempts (request_id, hold_id, ordinal, tenant_id, key_id, asked, provider, model, served,
  outcome, status, kept, estimated, input_tokens, cached_tokens, cache_write_tokens, output_tokens,
  reasoning_tokens, cost_nanousd, waste_nanousd, charge_nanousd, allowance_tokens, allowance_nanousd,
  first_token_ms, duration_ms, started_at, day)
VALUES (:request_id, :hold_id, :ordinal, :tenant_id, :key_id, :asked, :provider, :model, :served,
  :outcome, :status, :kept, :estimated, :input_tokens, :cached_tokens, :cache_write_tokens, :output_tokens,
  :reasoning_tokens, :cost_nanousd, :waste_nanousd, :charge_nanousd, :allowance_tokens, :allowance_nanousd,
  :first_token_ms, :duration_ms, :started_at, :day)
"""


def account(conn: Connection, tenant_id: int) -> Row | None:
    """A tenant's books, locked until the transaction ends."""
    sql = "SELECT * FROM accounts WHERE tenant_id = :id"
    return row(conn, sql + lock(conn), id=tenant_id)


def _spare(account: Row, allowance: str = "allowance_tokens") -> int:
    """Allowance that is neither used nor held."""
    left: int = account[allowance] - account["allowance_used_tokens"] - account["allowance_held_tokens"]
    return left


def _supersede(conn: Connection, bid: Bid, now: datetime) -> bool:
    """End earlier tries at the same request. True when something was given back."""
    tries = conn.rows("SELECT id, epoch, state FROM holds WHERE request_id = :id", id=bid.request_id)
    if any(hold["state"] == "captured" or hold["epoch"] >= bid.epoch for hold in tries):
        raise HoldLost(bid.hold_id)
    still_open = [hold["id"] for hold in tries if hold["state"] == "open"]
    for hold_id in still_open:
        void(conn, hold_id, now, "expired")
    return bool(still_open)


def _key_tokens(conn: Connection, key_id: int | None, month: int) -> tuple[int, int | None]:
    """The month that a key counts in, and what its own limit leaves; None when it has no limit.

    A month begins once: a replica whose clock is late counts in the new one.
    """
    if key_id is None:
        return month, None
    conn.run(
        "UPDATE api_keys SET month = :month, used_tokens = 0, held_tokens = 0 WHERE id = :id AND month < :month",
        id=key_id,
        month=month,
    )
    sql = "SELECT * FROM api_keys WHERE id = :id"
    key = row(conn, sql + lock(conn), id=key_id)
    if key is None:
        return month, None
    if key["tokens_per_month"] is None:
        return key["month"], None
    return key["month"], key["tokens_per_month"] - key["used_tokens"] - key["held_tokens"]


def _reserve(conn: Connection, bid: Bid, grant: Grant, month: int) -> None:
    """Behind the sum that was just made stand the rows' own guards and their CHECKs."""
    taken = conn.run(
        "UPDATE accounts SET held_nanousd = held_nanousd + :wallet,"
        " allowance_held_tokens = allowance_held_tokens + :allowance"
        " WHERE tenant_id = :id AND balance_nanousd - held_nanousd >= :wallet"
        " AND allowance_tokens - allowance_used_tokens - allowance_held_tokens >= :allowance",
        id=bid.tenant_id,
        wallet=grant.wallet.nanousd,
        allowance=grant.allowance_tokens,
    )
    if bid.key_id is not None:
        taken &= conn.run(
            "UPDATE api_keys SET held_tokens = held_tokens + :tokens WHERE id = :id AND month = :month"
            " AND (tokens_per_month IS NULL OR used_tokens + held_tokens + :tokens <= tokens_per_month)",
            id=bid.key_id,
            tokens=grant.tokens,
            month=month,
        )
    if not taken:
        raise HoldLost(bid.hold_id)


def _resolve(conn: Connection, held: Row, state: str, charge: Charge, now: datetime) -> bool:
    return bool(
        conn.run(
            "UPDATE holds SET state = :state, resolved_at = :now, charge_nanousd = :charge,"
            " charged_allowance_tokens = :allowance WHERE id = :id AND state = 'open'",
            id=held["id"],
            state=state,
            now=ms(now),
            charge=charge.wallet.nanousd,
            allowance=charge.allowance_tokens,
        )
    )


def _release(conn: Connection, held: Row, charge: Charge, *, same_period: bool, spent_tokens: int) -> None:
    """Undo the hold and take the charge. A past period's allowance is gone: nothing of it comes back."""
    conn.run(
        "UPDATE accounts SET held_nanousd = held_nanousd - :wallet,"
        " balance_nanousd = balance_nanousd - :charge,"
        " allowance_held_tokens = allowance_held_tokens - :allowance,"
        " allowance_used_tokens = allowance_used_tokens + :used WHERE tenant_id = :id",
        id=held["tenant_id"],
        wallet=held["wallet_nanousd"],
        charge=charge.wallet.nanousd,
        allowance=held["allowance_tokens"] if same_period else 0,
        used=charge.allowance_tokens if same_period else 0,
    )
    if held["key_id"] is not None:
        conn.run(
            "UPDATE api_keys SET held_tokens = held_tokens - :held, used_tokens = used_tokens + :spent"
            " WHERE id = :id AND month = :month",
            id=held["key_id"],
            held=held["tokens"],
            spent=min(spent_tokens, held["tokens"]),
            month=held["key_month"],
        )
