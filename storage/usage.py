"""Usage and margin per day x model x provider, from the journal."""

from dataclasses import dataclass
from datetime import date

from engine.money import Money
from storage.connection import Connection, Row, scalar


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Prompts and tokens of kept answers; `cost` without `waste`, which is what nobody paid for."""

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
    def margin(self) -> Money:
        """Wallet charges + what the allowance tokens were sold for - costs - waste."""
        return self.charge + self.allowance_worth - self.cost - self.waste


_SUMS = """
SELECT day, model, provider,
  SUM(CASE WHEN kept THEN 1 ELSE 0 END) AS prompts,
  SUM(CASE WHEN kept THEN input_tokens ELSE 0 END) AS input_tokens,
  SUM(CASE WHEN kept THEN output_tokens ELSE 0 END) AS output_tokens,
  SUM(allowance_tokens) AS allowance_tokens,
  SUM(charge_nanousd) AS charge, SUM(cost_nanousd - waste_nanousd) AS cost, SUM(waste_nanousd) AS waste,
  SUM(allowance_nanousd) AS worth
FROM attempts WHERE day BETWEEN :start AND :end
"""


def rows(conn: Connection, start: date, end: date, tenant_id: int | None = None) -> list[UsageRow]:
    """Both days included. Attempts that cost and sold nothing make no row."""
    mine = " AND tenant_id = :tenant" if tenant_id is not None else ""
    found = conn.rows(
        f"{_SUMS}{mine} GROUP BY day, model, provider"
        " HAVING SUM(CASE WHEN kept THEN 1 ELSE 0 END) > 0 OR SUM(cost_nanousd) > 0 ORDER BY day, model, provider",
        start=number(start),
        end=number(end),
        **({"tenant": tenant_id} if mine else {}),
    )
    return [_usage(each) for each in found]


def house_spend(conn: Connection, start: date, end: date) -> Money:
    """What providers were paid, waste included."""
    return Money(
        int(
            scalar(
                conn,
                "SELECT COALESCE(SUM(cost_nanousd), 0) AS n FROM attempts WHERE day BETWEEN :start AND :end",
                start=number(start),
                end=number(end),
            )
        )
    )


def number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _usage(found: Row) -> UsageRow:
    year, rest = divmod(found["day"], 10_000)
    return UsageRow(
        day=date(year, rest // 100, rest % 100),
        model=found["model"],
        provider=found["provider"],
        prompts=int(found["prompts"]),
        input_tokens=int(found["input_tokens"]),
        output_tokens=int(found["output_tokens"]),
        allowance_tokens=int(found["allowance_tokens"]),
        charge=Money(int(found["charge"])),
        cost=Money(int(found["cost"])),
        waste=Money(int(found["waste"])),
        allowance_worth=Money(int(found["worth"])),
    )
