"""The hot units: hold, capture, void, journal. SQL text on the driver's connection, guarded by the rows themselves.

Accounts are locked first, then keys, then holds, so two units never wait for each other in a ring.
"""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from engine.attempt_record import AttemptRecord
from engine.chat import Usage
from engine.errors import HoldLost
from engine.holds import Fit, Funds, Grant, HoldRequest, Shortfall, fit, settle
from engine.money import ZERO, Money
from engine.ports import Bill
from engine.tenancy import Charge
from storage.database.connection import Connection, Row, for_update, row
from storage.database.dates import day_of, month_of, ms
from storage.ledger import holds_sql as sql
from storage.ledger import receipts

HOUSE_CHARGES = "house:charges"
_NOTHING_PAID = Charge()
_NO_USAGE = Usage(0, 0)


def wallet_of(tenant_id: int) -> str:
    """The name of a tenant's wallet among the accounts."""
    return f"tenant:{tenant_id}"


def account(conn: Connection, tenant_id: int) -> Row | None:
    """A tenant's books, locked until the transaction ends."""
    return row(conn, "SELECT * FROM accounts WHERE tenant_id = :id" + for_update(conn), id=tenant_id)


def hold(conn: Connection, bid: HoldRequest, lease_id: str, now: datetime) -> Fit:
    """Set aside what `bid` needs, or say what is missing.

    Raises HoldLost when the request was paid before, or a try of this epoch or a later one has been made.
    """
    for _ in range(2):  # a twin that came in while we waited for the lock is seen the second time
        funds, period_no = _look(conn, bid, now)
        month, key_tokens = _key_tokens(conn, bid.key_id, month_of(now))
        sized = fit(bid, Funds(*funds, key_tokens))
        if isinstance(sized, Shortfall) or _take(conn, bid, sized, (period_no, month, lease_id, now)):
            return sized
    raise HoldLost(bid.hold_id)


def _look(conn: Connection, bid: HoldRequest, now: datetime) -> tuple[tuple[int, Money], int]:
    """What is free to be held, and the period; an earlier try at the same request is ended first."""
    key = {"tenant": bid.tenant_id, "request": bid.request_id}
    found = conn.first(sql.LOOK, key)
    if found is not None and found[3] == "open" and found[4] < bid.epoch:
        void(conn, f"{bid.request_id}:{found[4]}", now, "expired")
        found = conn.first(sql.LOOK, key)
    if found is None or found[3] in {"open", "captured"} or (found[4] is not None and found[4] >= bid.epoch):
        raise HoldLost(bid.hold_id)
    allowance, wallet, period_no = found[:3]
    return (allowance, Money(wallet)), period_no


def _take(conn: Connection, bid: HoldRequest, grant: Grant, stamp: tuple[int, int, str, datetime]) -> bool:
    """Behind the sum that was just made stand the rows' own guards and their CHECKs."""
    period_no, month, lease_id, now = stamp
    values = {
        "request": bid.request_id,
        "epoch": bid.epoch,
        "tenant": bid.tenant_id,
        "key": bid.key_id,
        "month": month,
        "wallet": grant.wallet.nanousd,
        "allowance": grant.allowance_tokens,
        "tokens": grant.tokens,
        "period": period_no,
        "lease": lease_id,
        "now": ms(now),
    }
    if conn.first(sql.TAKE, values) is None:
        return False
    if bid.key_id is not None and conn.first(sql.TAKE_KEY, values) is None:
        raise HoldLost(bid.hold_id)
    return True


def capture(
    conn: Connection, bid: HoldRequest, grant: Grant, bill: Bill, *, rates: Mapping[str, Fraction], now: datetime
) -> Charge:
    """Charge the kept answer, journal it and keep its receipt.

    Raises HoldLost when the hold is no longer open. `rates` says per plan what an allowance token is worth to
    the house, in nano-dollars: for margins only.
    """
    held = conn.first(sql.HELD, {"request": bid.request_id, "epoch": bid.epoch})
    if held is None:
        raise HoldLost(bid.hold_id)
    same_period, spare, plan = held[6:]
    charge = settle(bid.tariff, grant, bill.tokens, bill.cost_atto, spare if same_period else 0)
    values = _line(bill.attempt, charge, allowance_worth(charge, rates, plan))
    values |= _resolution(bid.hold_id, held, charge, "captured", now)
    values |= {
        "debit": wallet_of(bid.tenant_id),
        "credit": HOUSE_CHARGES,
        "ref": f"hold:{bid.hold_id}",
        "receipt": receipts.to_text(bill.receipt),
        "answered_at": ms(bill.receipt.answered_at),
    }
    if conn.first(sql.CAPTURE, values) is None:
        raise HoldLost(bid.hold_id)
    if held[4] is not None:
        values["spent"] = min(bill.tokens, grant.tokens)
        conn.first(sql.RELEASE_KEY, values)
    return charge


def void(conn: Connection, hold_id: str, now: datetime, state: str = "void") -> bool:
    """Give everything back; False when it was resolved already."""
    request_id, _, epoch = hold_id.rpartition(":")
    held = conn.first(sql.HELD, {"request": request_id, "epoch": int(epoch)})
    if held is None:
        return False
    values = _resolution(hold_id, held, Charge(), state, now)
    if conn.first(sql.RESOLVE, values) is None:
        return False
    conn.first(sql.RELEASE, values)
    if held[4] is not None:
        conn.first(sql.RELEASE_KEY, values)
    return True


def _resolution(hold_id: str, held: tuple[Any, ...], charge: Charge, state: str, now: datetime) -> dict[str, Any]:
    """Undo the hold and take the charge. A past period's allowance is gone: nothing of it comes back."""
    tenant_id, wallet, allowance, tokens, key_id, key_month, same_period = held[:7]
    request_id, _, epoch = hold_id.rpartition(":")
    return {
        "request": request_id,
        "epoch": int(epoch),
        "tenant": tenant_id,
        "state": state,
        "now": ms(now),
        "charge": charge.wallet.nanousd,
        "charged_allowance": charge.allowance_tokens,
        "wallet": wallet,
        "allowance": allowance if same_period else 0,
        "used": charge.allowance_tokens if same_period else 0,
        "key": key_id,
        "month": key_month,
        "tokens": tokens,
        "spent": 0,
    }


def journal(
    conn: Connection, attempt: AttemptRecord, *, charge: Charge = _NOTHING_PAID, allowance_worth: Money = ZERO
) -> None:
    """Write an attempt down; what was paid for a kept one stands in it too."""
    conn.first(sql.JOURNAL, _line(attempt, charge, allowance_worth))


def line(attempt: AttemptRecord, charge: Charge, allowance_worth: Money) -> tuple[Any, ...]:
    """An attempt's row, in the order of its columns."""
    usage = attempt.usage or _NO_USAGE
    return (
        attempt.request_id,
        attempt.ordinal,
        attempt.tenant_id,
        attempt.key_id,
        attempt.asked,
        attempt.provider,
        attempt.model,
        attempt.served,
        attempt.outcome,
        attempt.status,
        attempt.kept,
        usage.estimated,
        usage.input_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        attempt.cost.nanousd,
        attempt.waste.nanousd,
        charge.wallet.nanousd,
        charge.allowance_tokens,
        allowance_worth.nanousd,
        attempt.first_token_ms,
        attempt.duration_ms,
        ms(attempt.started_at),
        day_of(attempt.started_at),
    )


def allowance_worth(charge: Charge, rates: Mapping[str, Fraction], plan: str) -> Money:
    """What the allowance that paid is worth to the house: for margins only."""
    rate = rates.get(plan)
    return Money.from_fraction(charge.allowance_tokens * rate) if rate and charge.allowance_tokens else ZERO


def _line(attempt: AttemptRecord, charge: Charge, allowance_worth: Money) -> dict[str, Any]:
    return dict(zip(sql.ATTEMPT_VALUES, line(attempt, charge, allowance_worth), strict=True))


def _key_tokens(conn: Connection, key_id: int | None, month: int) -> tuple[int, int | None]:
    """The month that a key counts in, and what its own limit leaves; None when it has no limit.

    A month begins once: a replica whose clock is late counts in the new one.
    """
    if key_id is None:
        return month, None
    conn.first(sql.BEGIN_MONTH, {"key": key_id, "month": month})
    found = conn.first(sql.KEY_TOKENS, {"key": key_id})
    return month if found is None else found[0], None if found is None else found[1]
