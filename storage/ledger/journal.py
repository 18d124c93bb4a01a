"""The journal of attempts as it is written: their rows, and the engine's Journal port over SQL."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from engine.attempt_record import AttemptRecord
from engine.chat import Usage
from engine.money import ZERO, Money
from engine.tenancy import Charge, Plan
from storage.database.connection import Connection
from storage.database.database import Database
from storage.database.dates import day_of, ms
from storage.ledger import holds_sql as sql

_NO_CHARGE = Charge()
_NO_USAGE = Usage(0, 0)


@dataclass(frozen=True, slots=True)
class SqlJournal:
    """The engine's Journal over SQL."""

    db: Database

    async def record(self, attempt: AttemptRecord) -> None:
        await self.db.submit(lambda conn: record(conn, attempt))


def record(
    conn: Connection, attempt: AttemptRecord, *, charge: Charge = _NO_CHARGE, allowance_worth: Money = ZERO
) -> None:
    """Write an attempt, with the charge and the worth of the allowance that paid for it, to the journal."""
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
