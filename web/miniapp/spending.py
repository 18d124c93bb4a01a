"""A tenant's spending in the period: by day and model, in tokens and in money, as text in the user's language."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pydantic import BaseModel, Field

from engine.catalog.catalog import Catalog
from engine.catalog.tariffs import tariff_of, tokens_worth
from engine.money import Money
from storage.reports.usage import UsageRow
from web.miniapp.access import MiniAppUser
from web.miniapp.answers import written
from web.miniapp.charts import AxisOut, axis, colours

AUTO = "auto"
"""Its price values plan tokens: the rows name offers, not the models asked for."""


class SpentModelOut(BaseModel):
    """One model: its sums, and its heights in the chart. `colour` null: the colour shared by all other models."""

    name: str
    providers: list[str]
    colour: int | None
    tokens: str
    money: str
    by_plan: bool = Field(description="The plan paid all of it")
    token_height: int
    money_height: int


class SpentDayOut(BaseModel):
    day: str
    shown: str
    prompts: int
    covered: str
    tokens: str
    money: str
    models: list[SpentModelOut]


class SpendingOut(BaseModel):
    """The spending of a period. `whole`: its sums; `days`: each of its days.

    Plan tokens have today's price of `auto`.
    """

    whole: SpentDayOut
    days: list[SpentDayOut]
    tokens: AxisOut
    money: AxisOut


@dataclass(slots=True)
class _Sums:
    prompts: int = 0
    tokens: int = 0
    covered: int = 0
    money: Money = Money(0)
    charged: Money = Money(0)

    def add(self, row: UsageRow, worth: Money) -> None:
        self.prompts += row.prompts
        self.tokens += row.tokens
        self.covered += row.allowance_tokens
        self.money += row.charge + worth
        self.charged += row.charge


class Spending:
    """Formats the usage of one user."""

    def __init__(self, user: MiniAppUser, catalog: Catalog, rows: Sequence[UsageRow]) -> None:
        self._user, self._rows = user, rows
        self._tariff = tariff_of(catalog, AUTO)
        by_model = self._by_model(rows)
        self._order = sorted(by_model, key=lambda name: (-by_model[name].tokens, name))
        self._colours = colours(self._order)

    def written(self, start: date, end: date) -> SpendingOut:
        days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
        of_day: dict[date, list[UsageRow]] = defaultdict(list)
        for row in self._rows:
            of_day[row.day].append(row)
        sums = [self._sum(of_day[day]) for day in days]
        return SpendingOut(
            whole=self._shown(start, self._rows),
            days=[self._shown(day, of_day[day]) for day in days],
            tokens=axis(max((each.tokens for each in sums), default=0), lambda value: written(self._user, value)),
            money=axis(
                max((each.money.nanousd for each in sums), default=0),
                lambda value: written(self._user, Money(value), "price"),
            ),
        )

    def _shown(self, day: date, rows: Sequence[UsageRow]) -> SpentDayOut:
        total, by_model = self._sum(rows), self._by_model(rows)
        return SpentDayOut(
            day=str(day),
            shown=written(self._user, day),
            prompts=total.prompts,
            covered=written(self._user, total.covered),
            tokens=written(self._user, total.tokens),
            money=written(self._user, total.money),
            models=[self._model(name, by_model[name], rows) for name in self._order if name in by_model],
        )

    def _model(self, name: str, sums: _Sums, rows: Iterable[UsageRow]) -> SpentModelOut:
        return SpentModelOut(
            name=name,
            providers=sorted({row.provider for row in rows if row.model == name}),
            colour=self._colours[name],
            tokens=written(self._user, sums.tokens),
            money=written(self._user, sums.money),
            by_plan=not sums.charged,
            token_height=sums.tokens,
            money_height=sums.money.nanousd,
        )

    def _by_model(self, rows: Iterable[UsageRow]) -> dict[str, _Sums]:
        found: dict[str, _Sums] = defaultdict(_Sums)
        for row in rows:
            found[row.model].add(row, self._worth(row))
        return found

    def _sum(self, rows: Iterable[UsageRow]) -> _Sums:
        total = _Sums()
        for row in rows:
            total.add(row, self._worth(row))
        return total

    def _worth(self, row: UsageRow) -> Money:
        return tokens_worth(self._tariff, row.allowance_tokens)
