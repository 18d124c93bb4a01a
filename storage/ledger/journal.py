"""Attempts in their stored form: the rows of the journal, and the receipt of each tenant's last answer for /why.

A receipt is a few hundred bytes of JSON.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from engine.attempt_record import AttemptRecord, DropLine, QuoteLine, Receipt
from engine.chat import Usage
from engine.money import ZERO, Money
from engine.tenancy import Charge, Plan
from storage.database.connection import Connection, day_of, moment, ms, row
from storage.database.database import Database
from storage.ledger import holds_sql as sql

_NO_CHARGE = Charge()
_NO_USAGE = Usage(0, 0)
_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False, default=str).encode
_PLAIN = tuple(name for name in AttemptRecord.__struct_fields__ if name not in {"started_at", "usage", "cost", "waste"})
_ATTEMPT_FIELDS, _USAGE_FIELDS = attrgetter(*_PLAIN), attrgetter(*Usage.__struct_fields__)


@dataclass(frozen=True, slots=True)
class SqlJournal:
    """The engine's Journal over SQL."""

    db: Database

    async def record(self, attempt: AttemptRecord) -> None:
        await self.db.submit(lambda conn: record(conn, attempt))


def record(
    conn: Connection, attempt: AttemptRecord, *, charge: Charge = _NO_CHARGE, allowance_worth: Money = ZERO
) -> None:
    """Write an attempt to the journal, with its charge and the worth of the allowance tokens that paid for it."""
    values = attempt_row(attempt, charge, allowance_worth)
    conn.first(sql.JOURNAL, dict(zip(sql.ATTEMPT_VALUES, values, strict=True)))


def attempt_row(attempt: AttemptRecord, charge: Charge, allowance_worth: Money) -> tuple[Any, ...]:
    """Return the values of an attempt's row, in the order of holds_sql.ATTEMPT."""
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
        usage.is_disputed,
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


def allowance_rates(plans: Mapping[str, Plan]) -> dict[str, Fraction]:
    """Return the revenue from one allowance token of each plan, in nano-dollars: the plan's price / its tokens."""
    return {
        name: Fraction(plan.usd_per_month.nanousd, plan.tokens_per_month) if plan.tokens_per_month else Fraction(0)
        for name, plan in plans.items()
    }


def allowance_worth(charge: Charge, rates: Mapping[str, Fraction], plan: str) -> Money:
    """Return the revenue from the allowance tokens of a charge, used only to compute margins.

    `rates` as returned by `allowance_rates`; a plan that is not in it counts as free.
    """
    rate = rates.get(plan)
    return Money.from_fraction(charge.allowance_tokens * rate) if rate and charge.allowance_tokens else ZERO


@dataclass(frozen=True, slots=True)
class PaidReceipt:
    """A receipt and the charge. `paid_by`: the name of the team or group that paid; empty: the tenant itself."""

    receipt: Receipt
    charge: Charge
    paid_by: str = ""


def last_receipt(conn: Connection, tenant_id: int) -> PaidReceipt | None:
    """Return the receipt of the latest answer, if any."""
    found = row(conn, "SELECT * FROM receipts WHERE tenant_id = :id", id=tenant_id)
    if found is None:
        return None
    receipt = read_receipt(found["receipt"])
    charge = Charge(Money(found["charge_nanousd"]), found["allowance_tokens"])
    sponsor = row(
        conn,
        "SELECT t.name FROM holds h JOIN tenants t ON t.id = h.tenant_id"
        " WHERE h.request_id = :request AND h.member_id = :id",
        request=receipt.request_id,
        id=tenant_id,
    )
    return PaidReceipt(receipt, charge, sponsor["name"] if sponsor is not None else "")


def receipt_text(receipt: Receipt) -> str:
    """Return a JSON array: the values in the order of the fields, without names; times in milliseconds."""
    return _to_json(
        [
            receipt.request_id,
            receipt.asked,
            ms(receipt.answered_at),
            [[q.provider, q.model, q.expected.nanousd, q.last_resort] for q in receipt.quotes],
            [[d.provider, d.model, d.reason] for d in receipt.drops],
            [_attempt_values(attempt) for attempt in receipt.attempts],
            None if receipt.list_price is None else receipt.list_price.nanousd,
        ]
    )


def read_receipt(text: str) -> Receipt:
    """Parse the JSON that `receipt_text` returned."""
    request_id, asked, answered_at, quotes, drops, attempts, list_price = json.loads(text)
    return Receipt(
        request_id,
        asked,
        moment(answered_at),
        tuple(QuoteLine(provider, model, Money(expected), last) for provider, model, expected, last in quotes),
        tuple(DropLine(*line) for line in drops),
        tuple(_read_attempt(line) for line in attempts),
        None if list_price is None else Money(list_price),
    )


def _attempt_values(attempt: AttemptRecord) -> list[Any]:
    values = _ATTEMPT_FIELDS(attempt)
    usage = attempt.usage
    return [
        *values,
        ms(attempt.started_at),
        None if usage is None else _USAGE_FIELDS(usage),
        attempt.cost.nanousd,
        attempt.waste.nanousd,
    ]


def _read_attempt(line: list[Any]) -> AttemptRecord:
    *values, started_at, usage, cost, waste = line
    return AttemptRecord(
        **dict(zip(_PLAIN, values, strict=True)),
        started_at=moment(started_at),
        usage=None if usage is None else _read_usage(usage),
        cost=Money(cost),
        waste=Money(waste),
    )


def _read_usage(values: list[Any]) -> Usage:
    usage = Usage(*values)  # the provider's bill is stored as text, so that its digits stay exact
    return usage if usage.cost_usd is None else replace(usage, cost_usd=Decimal(usage.cost_usd))
