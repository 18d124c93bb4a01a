"""Builders of journal rows: attempts, units of work that journal them ("tenant X spent Y at Z"), past moments."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from msgspec.structs import replace

import locales
from engine.attempt_record import ANSWERED, AttemptRecord
from engine.money import ZERO, Money
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.invoices.drafts import SETTLE_TIME
from storage.ledger import journal

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
Unit: TypeAlias = Callable[[Connection], None]

_ANSWERED = AttemptRecord(
    request_id="r1",
    ordinal=0,
    tenant_id=1,
    key_id=None,
    asked="auto",
    provider="deepseek",
    model="deepseek-v4-flash",
    outcome=ANSWERED,
    started_at=NOON,
    duration_ms=900,
    first_token_ms=300,
    kept=True,
)


def attempt(**changes: Any) -> AttemptRecord:
    """Return the attempt of a kept answer at noon with the fields in `changes`; with another `outcome` it is not kept.

    An attempt that is not kept has no time to first token, unless `changes` has one.
    """
    kept = changes.get("kept", changes.get("outcome", ANSWERED) == ANSWERED)
    return replace(_ANSWERED, **{"kept": kept, **({} if kept else {"first_token_ms": None}), **changes})


def journaled(record: AttemptRecord, charge: Charge | None = None, allowance_worth: Money = ZERO) -> Unit:
    """Return a unit of work that journals `record`, with `charge` and the worth of its allowance tokens."""

    def unit(conn: Connection) -> None:
        journal.record(conn, record, charge=charge or Charge(), allowance_worth=allowance_worth)

    return unit


def spent(
    tenant_id: int, wallet: Money, at: datetime, *, allowance_tokens: int = 0, allowance_worth: Money = ZERO, **how: Any
) -> Unit:
    """Return a unit of work that journals a kept answer: tenant `tenant_id` spent `wallet` on it at `at`.

    `how` changes further fields of the attempt.
    """
    record = attempt(tenant_id=tenant_id, started_at=at, **how)
    return journaled(record, Charge(wallet, allowance_tokens), allowance_worth)


def english(value: object) -> str:
    """Return an amount of money, a number or a date in English."""
    return locales.written(locales.find("en").formats, value)


def month_to_invoice() -> datetime:
    """Return a moment of the latest month whose invoices can be issued: that is so an hour after its end."""
    return (datetime.now(UTC) - SETTLE_TIME - timedelta(minutes=5)).replace(day=1, hour=12) - timedelta(days=3)
