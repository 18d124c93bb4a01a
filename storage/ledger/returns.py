"""Charges given back because nothing of the answer could be shown; the operator bears the cost."""

from datetime import datetime

from engine.attempt_record import UNDELIVERED
from engine.money import Money
from engine.tenancy import Charge
from storage.database.connection import Connection, Row, day_of, ms, row
from storage.ledger import shares
from storage.ledger.transfers import HOUSE_CHARGES, credit, lock_account

_REVERSAL = f"""
INSERT INTO attempts (request_id, ordinal, tenant_id, key_id, asked, provider, model, served, outcome, kept, estimated,
  disputed, input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_nanousd,
  waste_nanousd, charge_nanousd, allowance_tokens, allowance_nanousd, duration_ms, started_at, day)
SELECT request_id, (SELECT MAX(o.ordinal) + 1 FROM attempts o WHERE o.request_id = :request), tenant_id, key_id, asked,
  provider, model, served, '{UNDELIVERED}', :false, :false, :false, 0, 0, 0, 0, 0, 0, cost_nanousd - waste_nanousd,
  -charge_nanousd, -CAST(:tokens AS BIGINT), CASE WHEN :tokens = 0 THEN 0 ELSE -allowance_nanousd END, 0, :now, :day
FROM attempts WHERE request_id = :request AND kept
"""


def give_back(conn: Connection, request_id: str, now: datetime) -> Charge | None:
    """Give the charge of an answer back; return None if there is none or it was given back before.

    The captured hold and the journaled answer are not changed: a transfer and a new line of the journal reverse them,
    and the cost of the answer becomes waste. Allowance tokens of a past period are not given back.
    """
    held = row(conn, "SELECT * FROM holds WHERE request_id = :id AND state = 'captured'", id=request_id)
    if held is None:
        return None
    tenant_id, charge = held["tenant_id"], Money(held["charge_nanousd"])
    account = lock_account(conn, tenant_id)
    tokens = held["charged_allowance_tokens"] if account["period_no"] == held["period_no"] else 0
    is_new = conn.run(
        "INSERT INTO returned_charges (request_id, tenant_id, period_no, charge_nanousd, allowance_tokens, returned_at)"
        " VALUES (:id, :tenant, :period, :charge, :tokens, :now) ON CONFLICT (request_id) DO NOTHING",
        id=request_id,
        tenant=tenant_id,
        period=held["period_no"],
        charge=charge.nanousd,
        tokens=tokens,
        now=ms(now),
    )
    if not is_new:
        return None
    if charge:
        reason = "answer that could not be delivered"
        credit(conn, tenant_id, charge, ref=f"undelivered:{request_id}", reason=reason, now=now, source=HOUSE_CHARGES)
    member_id = held["member_id"]
    if member_id is not None:
        share = held["share_day"], held["share_nanousd"]
        shares.give_back(conn, (tenant_id, member_id), share, Charge(charge, held["charged_allowance_tokens"]))
    _reverse(conn, held, tokens, now)
    return Charge(charge, tokens)


def _reverse(conn: Connection, held: Row, tokens: int, now: datetime) -> None:
    request_id, tenant_id = held["request_id"], held["tenant_id"]
    conn.run(
        "UPDATE accounts SET allowance_used_tokens = allowance_used_tokens - :tokens WHERE tenant_id = :id",
        tokens=tokens,
        id=tenant_id,
    )
    conn.run(_REVERSAL, request=request_id, tokens=tokens, now=ms(now), day=day_of(now), false=False)
    conn.run(
        "UPDATE receipts SET charge_nanousd = 0, allowance_tokens = 0"
        " WHERE tenant_id = :tenant AND receipt LIKE :start",
        tenant=held["member_id"] or tenant_id,
        start=f'["{request_id}",%',
    )
