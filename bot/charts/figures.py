"""The charts: usage by model, and an operator's margin. Call them in a thread."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import locales
from bot.charts.colours import COUNTED, EARNED, OTHERS, SPENT, colours_of
from bot.charts.drawing import Drawing, Series
from engine.money import ZERO, Money
from locales.formats import Formats
from storage.reports.usage import UsageRow, UsageTotals

MOST_MODELS = 6
COMPACT_USD = 1000
Words = Mapping[str, str]
Worth = Callable[[UsageRow], Money]


def usage(rows: Sequence[UsageRow], start: date, end: date, words: Words, formats: Formats, worth: Worth) -> bytes:
    """Draw the tokens of each day, stacked by model. `words`: title, subtitle, tokens, others."""
    days = _days(start, end)
    series = _by_model(rows, days, words["others"], formats, worth)
    stacks = [[one.values[number] for one in series] for number in range(len(days))]
    drawing = Drawing(len(series))
    drawing.head(words["title"], words["subtitle"])
    most = max((sum(stack) for stack in stacks), default=0)
    drawing.plot(days, most, words["tokens"], lambda value: _tokens(formats, value), formats.short_day)
    for number, stack in enumerate(stacks):
        drawing.stack(number, stack, [one.colour for one in series])
    drawing.legend(series)
    return drawing.png()


def margin(rows: Sequence[UsageRow], start: date, end: date, words: Words, formats: Formats) -> bytes:
    """Draw income and costs of each day side by side, and the number of answers as a line with its own scale.

    `words`: the result of `margin_words`.
    """
    days = _days(start, end)
    earned, spent = _per_day(rows, days, _income), _per_day(rows, days, _outlay)
    series = (
        Series(words["earned"], words["earned_sum"], EARNED, [float(x.decimal) for x in earned]),
        Series(words["spent"], words["spent_sum"], SPENT, [float(x.decimal) for x in spent]),
    )
    answers = Series(words["answers"], words["answers_sum"], COUNTED, _answers_per_day(rows, days))
    drawing = Drawing(len(series) + 1)
    drawing.head(words["title"], words["subtitle"])
    most = max((max(one.values, default=0) for one in series), default=0)
    drawing.plot(days, most, words["unit"], partial(_usd, formats, most), formats.short_day)
    for number in range(len(days)):
        drawing.pair(number, [one.values[number] for one in series], [one.colour for one in series])
    drawing.line(answers.values, COUNTED, partial(_tokens, formats))
    drawing.legend((*series, answers))
    return drawing.png()


def margin_words(language: str, days: int, totals: UsageTotals) -> dict[str, str]:
    """Return the words of a margin chart in a language."""
    written = partial(locales.written, locales.find(language).formats)
    percent = Decimal(totals.margin_percent) if totals.margin_percent else None
    share = "" if percent is None else locales.text(language, "margin.percent", percent=percent)
    return {
        "title": locales.text(language, "margin.chart", days=days),
        "subtitle": f"{written(totals.margin)}{share}",
        "unit": locales.text(language, "margin.axis"),
        "earned": locales.text(language, "margin.sold"),
        "spent": locales.text(language, "margin.spent"),
        "answers": locales.text(language, "margin.answers"),
        "earned_sum": written(totals.sold),
        "spent_sum": written(totals.cost + totals.waste),
        "answers_sum": written(totals.prompts),
    }


def _by_model(
    rows: Sequence[UsageRow], days: Sequence[date], others: str, formats: Formats, worth: Worth
) -> list[Series]:
    """Return one series for each of the models with the most tokens, and one for all other models."""
    by_model: dict[str, list[UsageRow]] = defaultdict(list)
    for row in rows:
        by_model[row.model].append(row)
    used = {name: sum(row.tokens for row in of) for name, of in by_model.items()}
    names = sorted((name for name in used if used[name]), key=lambda name: (-used[name], name))
    shown = names[:MOST_MODELS]
    groups = [(name, by_model[name], colour) for name, colour in zip(shown, colours_of(shown), strict=True)]
    if rest := [row for name in names[MOST_MODELS:] for row in by_model[name]]:
        groups.append((others, rest, OTHERS))
    return [Series(name, _note(of, formats, worth), colour, _tokens_per_day(of, days)) for name, of, colour in groups]


def _note(rows: Sequence[UsageRow], formats: Formats, worth: Worth) -> str:
    """Return tokens and money in the form of the legend."""
    money = sum((worth(row) for row in rows), ZERO)
    return f"{_tokens(formats, sum(row.tokens for row in rows))} · {formats.money(money)}"


def _days(start: date, end: date) -> list[date]:
    return [start + timedelta(days=number) for number in range((end - start).days + 1)]


def _tokens_per_day(rows: Sequence[UsageRow], days: Sequence[date]) -> list[float]:
    sums: dict[date, int] = defaultdict(int)
    for row in rows:
        sums[row.day] += row.tokens
    return [float(sums[day]) for day in days]


def _answers_per_day(rows: Sequence[UsageRow], days: Sequence[date]) -> list[float]:
    sums: dict[date, int] = defaultdict(int)
    for row in rows:
        sums[row.day] += row.prompts
    return [float(sums[day]) for day in days]


def _per_day(rows: Sequence[UsageRow], days: Sequence[date], of: Callable[[UsageRow], Money]) -> list[Money]:
    sums: dict[date, Money] = defaultdict(lambda: ZERO)
    for row in rows:
        sums[row.day] += of(row)
    return [sums[day] for day in days]


def _income(row: UsageRow) -> Money:
    return row.charge + row.allowance_worth


def _outlay(row: UsageRow) -> Money:
    return row.cost + row.waste


def _tokens(formats: Formats, value: float) -> str:
    """Return the number in three digits with its unit; 999.6 k rounds to 1 M."""
    for limit, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= limit * 0.9995:
            return f"{_plain(formats, value / limit)} {unit}"
    return _plain(formats, value)


def _usd(formats: Formats, most: float, value: float) -> str:
    """Return the label of a grid line: cents if the chart ends below a dollar, thousands above $999."""
    if value < COMPACT_USD:
        money = Money.usd(f"{value:.9f}")
        return formats.money(money) if most < 1 else formats.price(money)
    return formats.in_dollars(_tokens(formats, value))


def _plain(formats: Formats, value: float) -> str:
    number = Decimal(f"{value:.3g}")
    exponent = number.as_tuple().exponent
    return formats.amount(number, max(0, -exponent) if isinstance(exponent, int) else 0)
