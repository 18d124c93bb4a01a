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
from storage.connection import Connection, Row, ms, row, scalar
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
    """Set aside what `bid` needs, or say what is missing. Raises HoldLost when the request was paid before."""
    account = row(conn, f"SELECT * FROM accounts WHERE tenant_id = :id{lock(conn)}", id=bid.tenant_id)
    if account is None:
        raise HoldLost(bid.hold_id)
    if _supersede(conn, bid, now):
        account = row(conn, "SELECT * FROM accounts WHERE tenant_id = :id", id=bid.tenant_id)
        assert account is not None
    month = month_of(now)
    funds = Funds(
        account["allowance_tokens"] - account["allowance_used_tokens"] - account["allowance_held_tokens"],
        Money(account["balance_nanousd"] - account["held_nanousd"]),
        _key_tokens(conn, bid.key_id, month),
    )
    sized = fit(bid, funds)
    if isinstance(sized, Shortfall):
        return sized
    _reserve(conn, bid, sized, month)
    conn.run(
        "INSERT INTO holds (id, request_id, epoch, tenant_id, key_id, key_month, state, wallet_nanousd,"
        " allowance_tokens, tokens, period_no, lease_id, created_at, charge_nanousd, charged_allowance_tokens)"
        " VALUES (:id, :request_id, :epoch, :tenant_id, :key_id, :month, 'open', :wallet, :allowance, :tokens,"
        " :period_no, :lease_id, :now, 0, 0)",
        id=bid.hold_id,
        request_id=bid.request_id,
        epoch=bid.epoch,
        tenant_id=bid.tenant_id,
        key_id=bid.key_id,
        month=month,
        wallet=sized.wallet.nanousd,
        allowance=sized.allowance_tokens,
        tokens=sized.tokens,
        period_no=account["period_no"],
        lease_id=lease_id,
        now=ms(now),
    )
    return sized


def capture(
    conn: Connection, bid: Bid, grant: Grant, bill: Bill, rates: Mapping[str, Fraction], now: datetime
) -> Charge:
    """Charge the kept answer, journal it and keep its receipt. Raises HoldLost when the hold is no longer open.

    `rates` says per plan what an allowance token is worth to the house, in nano-dollars: for margins only.
    """
    account = row(conn, f"SELECT * FROM accounts WHERE tenant_id = :id{lock(conn)}", id=bid.tenant_id)
    held = row(conn, "SELECT * FROM holds WHERE id = :id AND state = 'open'", id=bid.hold_id)
    if account is None or held is None:
        raise HoldLost(bid.hold_id)
    same_period = account["period_no"] == held["period_no"]
    spare = account["allowance_tokens"] - account["allowance_used_tokens"] - account["allowance_held_tokens"]
    charge = settle(bid.tariff, grant, bill.tokens, bill.cost_atto, spare if same_period else 0)
    _resolve(conn, held, "captured", charge, now)
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
    plan = scalar(conn, "SELECT plan FROM tenants WHERE id = :id", id=bid.tenant_id)
    worth = Money(round(charge.allowance_tokens * rates.get(plan, Fraction(0))))
    journal(conn, bill.attempt, hold_id=bid.hold_id, charge=charge, allowance_worth=worth)
    receipts.keep(conn, bid.tenant_id, bill.receipt, charge)
    return charge


def void(conn: Connection, hold_id: str, now: datetime, state: str = "void") -> bool:
    """Give everything back; False when it was resolved already."""
    held = row(conn, "SELECT * FROM holds WHERE id = :id", id=hold_id)
    if held is None:
        return False
    account = row(
        conn, f"SELECT period_no FROM accounts WHERE tenant_id = :id{lock(conn)}", id=held["tenant_id"]
    )
    assert account is not None
    if not _resolve(conn, held, state, Charge(), now):
        return False
    _release(conn, held, Charge(), same_period=account["period_no"] == held["period_no"], spent_tokens=0)
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


_JOURNAL_COLUMNS = (
    "request_id hold_id ordinal tenant_id key_id asked provider model served outcome status kept estimated"
    " input_tokens cached_tokens cache_write_tokens output_tokens reasoning_tokens cost_nanousd waste_nanousd"
    " charge_nanousd allowance_tokens allowance_nanousd first_token_ms duration_ms started_at day"
).split()
_JOURNAL = (
    f"INSERT INTO attempts ({', '.join(_JOURNAL_COLUMNS)})"  # noqa: S608 - the names above
    f" VALUES ({', '.join(':' + name for name in _JOURNAL_COLUMNS)})"
)


def _supersede(conn: Connection, bid: Bid, now: datetime) -> bool:
    """End earlier tries at the same request. True when something was given back."""
    earlier = conn.rows("SELECT id, state FROM holds WHERE request_id = :id", id=bid.request_id)
    if any(hold["state"] == "captured" or hold["id"] == bid.hold_id for hold in earlier):
        raise HoldLost(bid.hold_id)
    still_open = [hold["id"] for hold in earlier if hold["state"] == "open"]
    for hold_id in still_open:
        void(conn, hold_id, now, "expired")
    return bool(still_open)


def _key_tokens(conn: Connection, key_id: int | None, month: int) -> int | None:
    """What a key's own limit leaves this month; None when it has no limit."""
    if key_id is None:
        return None
    conn.run(
        "UPDATE api_keys SET month = :month, used_tokens = 0, held_tokens = 0 WHERE id = :id AND month <> :month",
        id=key_id,
        month=month,
    )
    key = row(conn, f"SELECT * FROM api_keys WHERE id = :id{lock(conn)}", id=key_id)
    if key is None or key["tokens_per_month"] is None:
        return None
    left: int = key["tokens_per_month"] - key["used_tokens"] - key["held_tokens"]
    return left


def _reserve(conn: Connection, bid: Bid, grant: Grant, month: int) -> None:
    """Behind the sum that was just made stand the row's own guard and its CHECKs."""
    taken = conn.run(
        "UPDATE accounts SET held_nanousd = held_nanousd + :wallet,"
        " allowance_held_tokens = allowance_held_tokens + :allowance"
        " WHERE tenant_id = :id AND balance_nanousd - held_nanousd >= :wallet"
        " AND allowance_tokens - allowance_used_tokens - allowance_held_tokens >= :allowance",
        id=bid.tenant_id,
        wallet=grant.wallet.nanousd,
        allowance=grant.allowance_tokens,
    )
    if not taken:
        raise HoldLost(bid.hold_id)
    if bid.key_id is not None:
        conn.run(
            "UPDATE api_keys SET held_tokens = held_tokens + :tokens WHERE id = :id AND month = :month",
            id=bid.key_id,
            tokens=grant.tokens,
            month=month,
        )


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
        "UPDATE accounts SET held_nanousd = held_nanousd - :wallet, balance_nanousd = balance_nanousd - :charge,"
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
