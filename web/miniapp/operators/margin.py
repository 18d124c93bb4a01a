"""This month's margin for the operator's page: sums, a chart by day, a table by model."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from pydantic import BaseModel

from engine.money import ZERO, Money
from storage.reports.liability import Liability, StarTotals
from storage.reports.usage import UsageRow, UsageTotals
from web.miniapp.access import MiniAppUser
from web.miniapp.answers import written
from web.miniapp.charts import AxisOut, axis, colours


class MarginDayOut(BaseModel):
    """One day: its sums as text, and as heights in the chart."""

    day: str
    shown: str
    sold: str
    spent: str
    margin: str
    is_loss: bool
    sold_height: int
    spent_height: int


class MarginModelOut(BaseModel):
    model: str
    provider: str
    colour: int | None
    sold: str
    spent: str
    margin: str
    is_loss: bool


class MarginShownOut(BaseModel):
    """The margin. `spent`: cost and waste; `percent`: null without sales."""

    sold: str
    spent: str
    margin: str
    is_loss: bool
    percent: str | None
    waste: str
    stars: str
    payout: str
    liability: str
    axis: AxisOut
    days: list[MarginDayOut]
    models: list[MarginModelOut]


def shown_margin(
    user: MiniAppUser,
    rows: Sequence[UsageRow],
    start: date,
    end: date,
    *,
    stars: StarTotals,
    owed: Liability,
) -> MarginShownOut:
    """Return the margin of the days from `start` to `end`, both included."""
    totals, of_day = UsageTotals.of(rows), _grouped(rows)
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    sums = {day: UsageTotals.of(of_day.get(day, ())) for day in days}
    most = max((max(each.sold, _spent(each)).nanousd for each in sums.values()), default=0)
    percent = totals.margin_percent
    return MarginShownOut(
        sold=written(user, totals.sold),
        spent=written(user, _spent(totals)),
        margin=written(user, totals.margin),
        is_loss=totals.margin < ZERO,
        percent=None if percent is None else written(user, Decimal(percent)),
        waste=written(user, totals.waste),
        stars=written(user, stars.paid - stars.refunded),
        payout=written(user, stars.payout),
        liability=written(user, owed.total),
        axis=axis(most, lambda value: written(user, Money(value), "price")),
        days=[_day(user, day, sums[day]) for day in days],
        models=_models(user, rows),
    )


def _day(user: MiniAppUser, day: date, sums: UsageTotals) -> MarginDayOut:
    return MarginDayOut(
        day=str(day),
        shown=written(user, day),
        sold=written(user, sums.sold),
        spent=written(user, _spent(sums)),
        margin=written(user, sums.margin),
        is_loss=sums.margin < ZERO,
        sold_height=sums.sold.nanousd,
        spent_height=_spent(sums).nanousd,
    )


def _models(user: MiniAppUser, rows: Sequence[UsageRow]) -> list[MarginModelOut]:
    """Return a line for each offer, ordered by sales, largest first."""
    groups: dict[tuple[str, str], list[UsageRow]] = defaultdict(list)
    for row in rows:
        groups[row.model, row.provider].append(row)
    sums = {offer: UsageTotals.of(of) for offer, of in groups.items()}
    order = sorted(sums, key=lambda offer: (-sums[offer].sold.nanousd, offer))
    palette = colours(dict.fromkeys(model for model, _ in order))
    return [
        MarginModelOut(
            model=model,
            provider=provider,
            colour=palette[model],
            sold=written(user, sums[model, provider].sold),
            spent=written(user, _spent(sums[model, provider])),
            margin=written(user, sums[model, provider].margin),
            is_loss=sums[model, provider].margin < ZERO,
        )
        for model, provider in order
    ]


def _grouped(rows: Sequence[UsageRow]) -> Mapping[date, Sequence[UsageRow]]:
    found: dict[date, list[UsageRow]] = defaultdict(list)
    for row in rows:
        found[row.day].append(row)
    return found


def _spent(sums: UsageTotals) -> Money:
    return sums.cost + sums.waste
