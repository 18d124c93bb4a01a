"""Receipts: what /why tells, kept as JSON."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from engine.attempt import Attempt, DropLine, QuoteLine, Receipt
from engine.chat import Usage
from engine.money import Money
from engine.tenancy import Charge
from storage.connection import Connection, ms, row


@dataclass(frozen=True, slots=True)
class PaidReceipt:
    """A receipt and what the tenant paid."""

    receipt: Receipt
    charge: Charge


def keep(conn: Connection, tenant_id: int, receipt: Receipt, charge: Charge) -> None:
    """One per request; a later try at the same request replaces it."""
    conn.run(
        "INSERT INTO receipts (request_id, tenant_id, answered_at, charge_nanousd, allowance_tokens, receipt)"
        " VALUES (:request_id, :tenant_id, :answered_at, :charge, :allowance, :receipt)"
        " ON CONFLICT (request_id) DO UPDATE SET answered_at = excluded.answered_at, receipt = excluded.receipt,"
        " charge_nanousd = excluded.charge_nanousd, allowance_tokens = excluded.allowance_tokens",
        request_id=receipt.request_id,
        tenant_id=tenant_id,
        answered_at=ms(receipt.answered_at),
        charge=charge.wallet.nanousd,
        allowance=charge.allowance_tokens,
        receipt=to_json(receipt),
    )


def last(conn: Connection, tenant_id: int) -> PaidReceipt | None:
    """The latest answer's, if any."""
    found = row(
        conn,
        "SELECT * FROM receipts WHERE tenant_id = :id ORDER BY answered_at DESC, request_id DESC LIMIT 1",
        id=tenant_id,
    )
    if found is None:
        return None
    return PaidReceipt(from_json(found["receipt"]), Charge(Money(found["charge_nanousd"]), found["allowance_tokens"]))


def to_json(receipt: Receipt) -> str:
    return json.dumps(asdict(receipt), default=_plain, separators=(",", ":"), ensure_ascii=False)


def from_json(text: str) -> Receipt:
    data = json.loads(text)
    return Receipt(
        request_id=data["request_id"],
        asked=data["asked"],
        answered_at=datetime.fromisoformat(data["answered_at"]),
        quotes=tuple(QuoteLine(**{**line, "expected": _money(line["expected"])}) for line in data["quotes"]),
        drops=tuple(DropLine(**line) for line in data["drops"]),
        attempts=tuple(_attempt(line) for line in data["attempts"]),
        list_price=_money(data["list_price"]) if data["list_price"] else None,
    )


def _attempt(data: dict[str, Any]) -> Attempt:
    return Attempt(
        **{
            **data,
            "started_at": datetime.fromisoformat(data["started_at"]),
            "usage": Usage(**data["usage"]) if data["usage"] else None,
            "cost": _money(data["cost"]),
            "waste": _money(data["waste"]),
        }
    )


def _money(data: dict[str, int]) -> Money:
    return Money(data["nanousd"])


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a receipt")
