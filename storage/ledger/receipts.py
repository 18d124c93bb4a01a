"""Receipts of the last answer of each tenant, stored as a few hundred bytes of JSON for /why."""

import json
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from engine.attempt_record import AttemptRecord, DropLine, QuoteLine, Receipt
from engine.chat import Usage
from engine.money import Money
from engine.tenancy import Charge
from storage.database.connection import Connection, row
from storage.database.dates import moment, ms

_write = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
_PLAIN = tuple(name for name in AttemptRecord.__slots__ if name not in {"started_at", "usage", "cost", "waste"})
_ATTEMPT_FIELDS, _USAGE_FIELDS = attrgetter(*_PLAIN), attrgetter(*Usage.__slots__)


@dataclass(frozen=True, slots=True)
class PaidReceipt:
    """A receipt and the charge that the tenant paid."""

    receipt: Receipt
    charge: Charge


def last(conn: Connection, tenant_id: int) -> PaidReceipt | None:
    """Return the receipt of the latest answer, if any."""
    found = row(conn, "SELECT * FROM receipts WHERE tenant_id = :id", id=tenant_id)
    if found is None:
        return None
    return PaidReceipt(from_text(found["receipt"]), Charge(Money(found["charge_nanousd"]), found["allowance_tokens"]))


def to_text(receipt: Receipt) -> str:
    """Return a JSON array: the values in the order of the fields, without names; times in milliseconds."""
    return _write(
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


def from_text(text: str) -> Receipt:
    """Parse the JSON that `to_text` returned."""
    request_id, asked, answered_at, quotes, drops, attempts, list_price = json.loads(text)
    return Receipt(
        request_id,
        asked,
        moment(answered_at),
        tuple(QuoteLine(provider, model, Money(expected), last) for provider, model, expected, last in quotes),
        tuple(DropLine(*line) for line in drops),
        tuple(_attempt(line) for line in attempts),
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


def _attempt(line: list[Any]) -> AttemptRecord:
    *values, started_at, usage, cost, waste = line
    return AttemptRecord(
        **dict(zip(_PLAIN, values, strict=True)),
        started_at=moment(started_at),
        usage=None if usage is None else Usage(*usage),
        cost=Money(cost),
        waste=Money(waste),
    )
