"""Charts as PNG at a phone's width, drawn with Pillow: usage by model, and margin. Call them in a thread."""

import io
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from math import floor, log10
from typing import Any

import locales
from documents.fonts import typeface
from engine.money import ZERO, Money
from storage.reports.usage import UsageRow, UsageTotals

WIDTH, SCALE, EDGE = 560, 2, 28
PLOT, AXIS = 230, 46
BACKGROUND, INK, SOFT, FAINT = "#ffffff", "#1c2733", "#66727f", "#e4e9ee"
COLOURS = ("#2a7de1", "#f2a541", "#2f9e6e", "#b455a0", "#7b6cf6", "#e05d5d")
OTHERS, EARNED, SPENT, COUNTED = "#9aa5b1", "#2f9e6e", "#e05d5d", "#2a7de1"
LINES, MOST_LABELS = 4, 7

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: a value for each day, and its name and note in the legend."""

    name: str
    note: str
    colour: str
    values: Sequence[float]


def usage(rows: Sequence[UsageRow], start: date, end: date, words: Words) -> bytes:
    """Draw the tokens of each day, stacked by model. `words`: title, subtitle, others."""
    days = _days(start, end)
    series = _by_model(rows, days, words["others"])
    stacks = [[one.values[number] for one in series] for number in range(len(days))]
    drawing = _Drawing(len(series))
    drawing.head(words["title"], words["subtitle"])
    drawing.plot(days, max((sum(stack) for stack in stacks), default=0), _tokens)
    for number, stack in enumerate(stacks):
        drawing.stack(number, stack, [one.colour for one in series])
    drawing.legend(series)
    return drawing.png()


def margin(rows: Sequence[UsageRow], start: date, end: date, words: Words) -> bytes:
    """Draw income and costs of each day side by side, and a line of the answers, at a scale of its own.

    `words`: title, subtitle, earned, spent, answers, and their sums.
    """
    days = _days(start, end)
    earned, spent = _per_day(rows, days, _income), _per_day(rows, days, _outlay)
    series = (
        Series(words["earned"], words["earned_sum"], EARNED, [float(x.decimal) for x in earned]),
        Series(words["spent"], words["spent_sum"], SPENT, [float(x.decimal) for x in spent]),
    )
    answers = Series(words["answers"], words["answers_sum"], COUNTED, _answers_per_day(rows, days))
    drawing = _Drawing(len(series) + 1)
    drawing.head(words["title"], words["subtitle"])
    drawing.plot(days, max((max(one.values, default=0) for one in series), default=0), _usd)
    for number in range(len(days)):
        drawing.pair(number, [one.values[number] for one in series], [one.colour for one in series])
    drawing.line(answers.values, COUNTED)
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
        "earned": locales.text(language, "margin.sold"),
        "spent": locales.text(language, "margin.spent"),
        "answers": locales.text(language, "margin.answers"),
        "earned_sum": written(totals.sold),
        "spent_sum": written(totals.cost + totals.waste),
        "answers_sum": written(totals.prompts),
    }


def _by_model(rows: Sequence[UsageRow], days: Sequence[date], others: str) -> list[Series]:
    """Return one series for each of the models with the most tokens, and one for all others."""
    totals: dict[str, int] = defaultdict(int)
    for row in rows:
        totals[row.model] += row.tokens
    names = sorted((name for name in totals if totals[name]), key=lambda name: (-totals[name], name))
    shown = names[: len(COLOURS)]
    series = [
        Series(name, _tokens(totals[name]), colour, _tokens_per_day([r for r in rows if r.model == name], days))
        for name, colour in zip(shown, COLOURS, strict=False)
    ]
    if rest := set(names[len(COLOURS) :]):
        left = [row for row in rows if row.model in rest]
        series.append(Series(others, _tokens(sum(row.tokens for row in left)), OTHERS, _tokens_per_day(left, days)))
    return series


class _Drawing:
    """A picture of a head, a plot and a legend with one line for each series."""

    def __init__(self, legends: int) -> None:
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - with the first chart, not at the start

        self._height = 112 + PLOT + 36 + 30 * legends + 16
        self._picture = Image.new("RGB", (WIDTH * SCALE, self._height * SCALE), BACKGROUND)
        self._draw: ImageDraw.ImageDraw = ImageDraw.Draw(self._picture)
        self._fonts: dict[tuple[int, str], Any] = {}
        self._load = ImageFont.truetype
        self._top, self._most, self._step = 112, 1.0, 1.0

    def head(self, title: str, subtitle: str) -> None:
        self._text(EDGE, 24, title, 25, weight="Semibold")
        self._text(EDGE, 62, self._fit(subtitle, 17, WIDTH - 2 * EDGE), 17, SOFT)

    def plot(self, days: Sequence[date], most: float, label: Callable[[float], str]) -> None:
        """Draw the grid: lines with their values, and the days below."""
        self._most = _round_up(most)
        self._step = (WIDTH - 2 * EDGE - AXIS) / max(1, len(days))
        for line in range(LINES + 1):
            value = self._most * line / LINES
            y = self._y(value)
            self._draw.line([_at(EDGE + AXIS, y), _at(WIDTH - EDGE, y)], FAINT, SCALE)
            self._text(EDGE + AXIS - 8, y, label(value), 15, SOFT, anchor="rm")
        every = -(-len(days) // MOST_LABELS)
        for number, day in enumerate(days):
            if (len(days) - 1 - number) % every == 0:
                x = self._x(number) + self._step / 2
                self._text(x, self._top + PLOT + 8, f"{day:%m-%d}", 15, SOFT, anchor="mt")

    def stack(self, number: int, values: Sequence[float], colours: Sequence[str]) -> None:
        base = 0.0
        width = min(34.0, self._step * 0.7)
        left = self._x(number) + (self._step - width) / 2
        for value, colour in zip(values, colours, strict=True):
            self._bar(left, width, base, base + value, colour)
            base += value

    def pair(self, number: int, values: Sequence[float], colours: Sequence[str]) -> None:
        width = min(18.0, self._step * 0.36)
        left = self._x(number) + (self._step - width * len(values)) / 2
        for place, (value, colour) in enumerate(zip(values, colours, strict=True)):
            self._bar(left + place * width, width, 0, value, colour)

    def line(self, values: Sequence[float], colour: str) -> None:
        """Draw one value a day as a line whose highest point is the top of the plot."""
        most = max(values, default=0) or 1.0
        points = [
            _at(self._x(number) + self._step / 2, self._top + PLOT - PLOT * value / most)
            for number, value in enumerate(values)
        ]
        self._draw.line(points, colour, 2 * SCALE, joint="curve")
        for x, y in points:
            self._draw.ellipse([(x - 3 * SCALE, y - 3 * SCALE), (x + 3 * SCALE, y + 3 * SCALE)], colour)

    def legend(self, series: Sequence[Series]) -> None:
        y = self._top + PLOT + 48.0
        for one in series:
            self._draw.rounded_rectangle([_at(EDGE, y + 4), _at(EDGE + 14, y + 18)], 3 * SCALE, one.colour)
            note = self._width(one.note, 17)
            self._text(EDGE + 24, y, self._fit(one.name, 17, WIDTH - 2 * EDGE - 40 - note), 17)
            self._text(WIDTH - EDGE, y, one.note, 17, SOFT, anchor="ra")
            y += 30

    def png(self) -> bytes:
        out = io.BytesIO()
        self._picture.save(out, "PNG", optimize=True)
        return out.getvalue()

    def _bar(self, left: float, width: float, low: float, high: float, colour: str) -> None:
        """Draw a bar; any value above zero is at least one pixel high."""
        if high > low:
            foot = self._y(low)
            self._draw.rectangle([_at(left, min(self._y(high), foot - 1)), _at(left + width, foot)], colour)

    def _x(self, number: int) -> float:
        return EDGE + AXIS + self._step * number

    def _y(self, value: float) -> float:
        return self._top + PLOT - PLOT * value / self._most

    def _font(self, size: int, weight: str = "Regular") -> Any:
        if (size, weight) not in self._fonts:
            self._fonts[size, weight] = self._load(typeface(weight), size * SCALE)
        return self._fonts[size, weight]

    def _text(
        self, x: float, y: float, text: str, size: int, colour: str = INK, *, anchor: str = "la", weight: str = ""
    ) -> None:
        self._draw.text(_at(x, y), text, colour, font=self._font(size, weight or "Regular"), anchor=anchor)

    def _width(self, text: str, size: int) -> float:
        return float(self._draw.textlength(text, self._font(size))) / SCALE

    def _fit(self, text: str, size: int, width: float) -> str:
        """Shorten a text in the middle: model names differ at both ends."""
        if self._width(text, size) <= width:
            return text
        for kept in range(len(text) - 1, 0, -1):
            short = f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
            if self._width(short, size) <= width:
                return short
        return "…"


def _at(x: float, y: float) -> tuple[float, float]:
    return (x * SCALE, y * SCALE)


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


def _round_up(value: float) -> float:
    """Return the next number that divides evenly among the lines."""
    if value <= 0:
        return 1.0
    step = 10.0 ** floor(log10(value))
    return next(step * times for times in (1, 2, 3, 4, 6, 8, 10, 20) if step * times >= value)


def _tokens(value: float) -> str:
    """Return the number in three digits with its unit; 999.6 k rounds to 1 M."""
    for limit, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if value >= limit * 0.9995:
            return f"{value / limit:.3g} {unit}"
    return f"{value:.3g}"


def _usd(value: float) -> str:
    if value >= 1000:  # noqa: PLR2004 - four digits are too wide
        return _tokens(value)
    return f"{Decimal(f'{value:.3g}'):f}"
