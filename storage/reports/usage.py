"""Usage and margin per day x model x provider, from the roll-ups and the attempts journaled since."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.money import ZERO, Money
from storage.database.connection import Connection, Row, day_of, row
from storage.reports import rollups
from storage.reports.rollups import PER_ATTEMPT, SUMS


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The usage of one model of one provider on one day.

    Prompts and tokens are those of kept answers. `waste`: the cost that no tenant's charge covers; `cost`: all other
    cost.
    """

    day: date
    model: str
    provider: str
    prompts: int
    input_tokens: int
    output_tokens: int
    allowance_tokens: int
    charge: Money
    cost: Money
    waste: Money
    allowance_worth: Money

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def margin(self) -> Money:
        """Wallet charges + value of the allowance tokens used - cost - waste."""
        return self.charge + self.allowance_worth - self.cost - self.waste


@dataclass(frozen=True, slots=True)
class UsageSpan:
    """The usage rows of the days from `start` to `end`, both included."""

    start: date
    end: date
    rows: "Sequence[UsageRow]"


@dataclass(frozen=True, slots=True)
class UsageTotals:
    """The sums of usage rows."""

    prompts: int
    tokens: int
    allowance_tokens: int
    charge: Money
    allowance_worth: Money
    cost: Money
    waste: Money

    @classmethod
    def of(cls, rows: Sequence[UsageRow]) -> "UsageTotals":
        return cls(
            sum(row.prompts for row in rows),
            sum(row.tokens for row in rows),
            sum(row.allowance_tokens for row in rows),
            sum((row.charge for row in rows), ZERO),
            sum((row.allowance_worth for row in rows), ZERO),
            sum((row.cost for row in rows), ZERO),
            sum((row.waste for row in rows), ZERO),
        )

    @property
    def sold(self) -> Money:
        """Wallet charges and the value of the allowance tokens used."""
        return self.charge + self.allowance_worth

    @property
    def margin(self) -> Money:
        return self.sold - self.cost - self.waste

    @property
    def margin_percent(self) -> str | None:
        """The margin in percent of `sold`, with one decimal; None if nothing was sold."""
        return f"{self.margin.decimal * 100 / self.sold.decimal:.1f}" if self.sold else None


@dataclass(frozen=True, slots=True)
class OfferTotals:
    """The sums of one provider's model over all time."""

    provider: str
    model: str
    prompts: int
    input_tokens: int
    output_tokens: int
    allowance_tokens: int
    charge: Money
    cost: Money
    waste: Money


@dataclass(frozen=True, slots=True)
class TenantShare:
    """One tenant's usage in a span of days."""

    tenant_id: int
    name: str
    prompts: int
    tokens: int
    charge: Money


_ADDED = ", ".join(f"SUM({name}) AS {name}" for name in SUMS)
_LATE = ", ".join(f"{PER_ATTEMPT[name]} AS {name}" for name in SUMS)


def rows(conn: Connection, start: date, end: date, tenant_id: int | None = None) -> list[UsageRow]:
    """Return the usage per day, model and provider, of one tenant or of all; both days are included.

    Rows without an answer and without cost are left out.
    """
    of_tenant = "" if tenant_id is None else " AND tenant_id = :tenant"
    found = conn.rows(
        f"SELECT day, model, provider, {_ADDED} FROM ("
        f"{_both('day, model, provider', 'house_days' if tenant_id is None else 'tenant_days', of_tenant)}"
        ") x GROUP BY day, model, provider HAVING SUM(prompts) > 0 OR SUM(cost_nanousd) + SUM(waste_nanousd) > 0"
        " ORDER BY day, model, provider",
        **_span(conn, start, end),
        **({"tenant": tenant_id} if of_tenant else {}),
    )
    return [_usage(each) for each in found]


def provider_spend(conn: Connection, start: date, end: date) -> Money:
    """Return the cost of all attempts, including waste, of a span of days; both are included."""
    found = row(
        conn,
        f"SELECT COALESCE(SUM(cost_nanousd + waste_nanousd), 0) AS n FROM ({_both('day', 'house_days')}) x",
        **_span(conn, start, end),
    )
    assert found is not None
    return Money(int(found["n"]))


def top_tenants(conn: Connection, start: date, end: date, most: int = 5) -> list[TenantShare]:
    """Return the `most` tenants with the most tokens in a span of days; both are included."""
    found = conn.rows(
        "SELECT x.tenant_id, t.name, SUM(prompts) AS prompts, SUM(input_tokens + output_tokens) AS tokens,"
        f" SUM(charge_nanousd) AS charge FROM ({_both('tenant_id', 'tenant_days')}) x"
        " JOIN tenants t ON t.id = x.tenant_id GROUP BY x.tenant_id, t.name HAVING SUM(prompts) > 0"
        " ORDER BY tokens DESC, x.tenant_id LIMIT :most",
        **_span(conn, start, end),
        most=most,
    )
    return [
        TenantShare(each["tenant_id"], each["name"], int(each["prompts"]), int(each["tokens"]), _money(each["charge"]))
        for each in found
    ]


def totals_by_offer(conn: Connection) -> list[OfferTotals]:
    """Return the sums per provider and model over the whole journal."""
    found = conn.rows(
        f"SELECT provider, model, {_ADDED} FROM ({_both('provider, model', 'house_days')}) x"
        " GROUP BY provider, model HAVING SUM(prompts) > 0 OR SUM(cost_nanousd) + SUM(waste_nanousd) > 0"
        " ORDER BY provider, model",
        **_span(conn, date.min, date.max),
    )
    return [
        OfferTotals(
            each["provider"],
            each["model"],
            int(each["prompts"]),
            int(each["input_tokens"]),
            int(each["output_tokens"]),
            int(each["allowance_tokens"]),
            _money(each["charge_nanousd"]),
            _money(each["cost_nanousd"]),
            _money(each["waste_nanousd"]),
        )
        for each in found
    ]


def day_from(stored: int) -> date:
    year, rest = divmod(stored, 10_000)
    return date(year, rest // 100, rest % 100)


def _both(keys: str, table: str, condition: str = "") -> str:
    """Return the SQL of the roll-ups in `table` plus the attempts after the watermark.

    The unary plus keeps the planner from using an index on the day or the tenant: the few new attempts are found by id.
    """
    late = "id > :mark AND +day BETWEEN :start AND :end"
    return (
        f"SELECT {keys}, {', '.join(SUMS)} FROM {table} WHERE day BETWEEN :start AND :end{condition}"
        f" UNION ALL SELECT {keys}, {_LATE} FROM attempts WHERE {late}{condition.replace('tenant_id', '+tenant_id', 1)}"
    )


def _span(conn: Connection, start: date, end: date) -> dict[str, Any]:
    return {"start": day_of(start), "end": day_of(end), "mark": rollups.watermark(conn)}


def _money(nanousd: Any) -> Money:
    return Money(int(nanousd))


def _usage(found: Row) -> UsageRow:
    return UsageRow(
        day=day_from(found["day"]),
        model=found["model"],
        provider=found["provider"],
        prompts=int(found["prompts"]),
        input_tokens=int(found["input_tokens"]),
        output_tokens=int(found["output_tokens"]),
        allowance_tokens=int(found["allowance_tokens"]),
        charge=_money(found["charge_nanousd"]),
        cost=_money(found["cost_nanousd"]),
        waste=_money(found["waste_nanousd"]),
        allowance_worth=_money(found["allowance_nanousd"]),
    )
