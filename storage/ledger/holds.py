"""Hold, capture and void for one request, in every case. The guards are conditions of the writing statements.

Rows are locked in one order, accounts, then API keys, then holds, so that two units never deadlock.
"""

from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any

from engine.errors import HoldLost
from engine.holds import Fit, Funds, Grant, HoldRequest, Shortfall, fit, settle
from engine.money import Money
from engine.ports import Bill
from engine.tenancy import Charge
from storage.database.connection import Connection, month_of, ms
from storage.ledger import daily_answers, shares
from storage.ledger import holds_sql as sql
from storage.ledger.journal import allowance_worth, attempt_row, receipt_text
from storage.ledger.transfers import HOUSE_CHARGES, wallet_of


def hold(conn: Connection, hold_request: HoldRequest, lease_id: str, now: datetime) -> Fit:
    """Reserve the funds that `hold_request` needs, or return the shortfall.

    Raises HoldLost if the request was paid before, or was held in this epoch or a later one, and DailyAnswersUsed.
    """
    for _ in range(2):  # a hold of the same request that was committed while we waited for the lock is found on retry
        funds, period_no = _read_funds(conn, hold_request, now)
        daily_answers.check(conn, hold_request.tenant_id, hold_request.answers_per_day, now)
        month, key_tokens = _read_key(conn, hold_request.key_id, month_of(now))
        share = shares.left_of(conn, hold_request, now)
        sized = fit(hold_request, Funds(*funds, key_tokens, share))
        if isinstance(sized, Shortfall):
            return sized
        if _insert(conn, hold_request, sized, (period_no, month, lease_id, now)):
            shares.hold(conn, hold_request, sized, now)
            return sized
    raise HoldLost(hold_request.hold_id)


def capture(
    conn: Connection,
    hold_request: HoldRequest,
    grant: Grant,
    bill: Bill,
    *,
    rates: Mapping[str, Fraction],
    now: datetime,
) -> Charge:
    """Charge the kept answer, journal it, and store its receipt if there is one.

    `rates` as returned by `journal.allowance_rates`. Raises HoldLost if the hold is no longer open.
    """
    held = conn.first(sql.HELD, {"request": hold_request.request_id, "epoch": hold_request.epoch})
    if held is None:
        raise HoldLost(hold_request.hold_id)
    is_same_period, spare_tokens, plan, member_id, *share = held[6:]
    charge = settle(hold_request.tariff, grant, bill.tokens, bill.cost_atto, spare_tokens if is_same_period else 0)
    journaled = attempt_row(bill.attempt, charge, allowance_worth(charge, rates, plan))
    values = dict(zip(sql.ATTEMPT_VALUES, journaled, strict=True))
    values |= _resolution(hold_request.hold_id, held, charge, "captured", now)
    values |= {
        "asker": hold_request.tenant_id if member_id is None else member_id,
        "debit": wallet_of(hold_request.tenant_id),
        "credit": HOUSE_CHARGES,
        "ref": f"hold:{hold_request.hold_id}",
        "receipt": None if bill.receipt is None else receipt_text(bill.receipt),
        "answered_at": ms(now if bill.receipt is None else bill.receipt.answered_at),
    }
    if member_id is not None:
        # after the capture the row of the hold can't be changed any more
        shares.capture(conn, hold_request, share, charge)
    if conn.first(sql.CAPTURE, values) is None:
        raise HoldLost(hold_request.hold_id)
    if held[4] is not None:
        values["spent"] = min(bill.tokens, grant.tokens)
        conn.first(sql.RELEASE_KEY, values)
    return charge


def void(conn: Connection, hold_id: str, now: datetime, state: str = "void") -> bool:
    """Release the held funds; return False if the hold was resolved before. `state`: void or expired."""
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
    tenant_id, (member_id, *share) = held[0], held[9:]
    if member_id is not None:
        shares.release(conn, (tenant_id, member_id), share)
    return True


def _read_funds(conn: Connection, hold_request: HoldRequest, now: datetime) -> tuple[tuple[int, Money], int]:
    """Return ((free allowance tokens, free wallet), period number); expire an open hold of an earlier epoch first."""
    key = {"tenant": hold_request.tenant_id, "request": hold_request.request_id}
    found = conn.first(sql.FUNDS, key)
    if found is not None and found[3] == "open" and found[4] < hold_request.epoch:
        void(conn, f"{hold_request.request_id}:{found[4]}", now, "expired")
        found = conn.first(sql.FUNDS, key)
    if found is None or found[3] in {"open", "captured"} or (found[4] is not None and found[4] >= hold_request.epoch):
        raise HoldLost(hold_request.hold_id)
    allowance, wallet, period_no = found[:3]
    return (allowance, Money(max(0, wallet))), period_no


def _read_key(conn: Connection, key_id: int | None, month: int) -> tuple[int, int | None]:
    """Return the month that an API key counts in, and the tokens left of its limit (None: no limit).

    A replica whose clock is behind uses the key's month, not its own, so that a new month begins only once.
    """
    if key_id is None:
        return month, None
    conn.first(sql.BEGIN_MONTH, {"key": key_id, "month": month})
    found = conn.first(sql.KEY_TOKENS, {"key": key_id})
    return month if found is None else found[0], None if found is None else found[1]


def _insert(conn: Connection, hold_request: HoldRequest, grant: Grant, stamp: tuple[int, int, str, datetime]) -> bool:
    """Take the funds and write the hold; return False if the account changed since it was read.

    Raises HoldLost if the limit of the API key no longer covers it.
    """
    period_no, month, lease_id, now = stamp
    values = {
        "request": hold_request.request_id,
        "epoch": hold_request.epoch,
        "tenant": hold_request.tenant_id,
        "asker": hold_request.member_id or hold_request.tenant_id,
        "key": hold_request.key_id,
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
    if hold_request.key_id is not None and conn.first(sql.TAKE_KEY, values) is None:
        raise HoldLost(hold_request.hold_id)
    return True


def _resolution(hold_id: str, held: tuple[Any, ...], charge: Charge, state: str, now: datetime) -> dict[str, Any]:
    """Return the SQL values that release the hold and book the charge. Allowance of a past period is not returned."""
    tenant_id, wallet, allowance, tokens, key_id, key_month, is_same_period = held[:7]
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
        "allowance": allowance if is_same_period else 0,
        "used": charge.allowance_tokens if is_same_period else 0,
        "key": key_id,
        "month": key_month,
        "tokens": tokens,
        "spent": 0,
    }
