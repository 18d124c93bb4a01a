"""A chart's picture, drawn with Pillow: a head, bars for each day over a grid, and a legend."""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import floor, log10
from typing import Any

from bot.charts.colours import BACKGROUND, FAINT, INK, SOFT
from documents.fonts import typeface

WIDTH, SCALE, EDGE = 560, 2, 28
PLOT, AXIS = 230, 62
LINES, MOST_LABELS = 4, 7
_TOP = 132


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: a value for each day, and its name and note in the legend."""

    name: str
    note: str
    colour: str
    values: Sequence[float]


class Drawing:
    """A picture of a head, a plot and a legend with one line for each series."""

    def __init__(self, legends: int) -> None:
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - with the first chart, not at the start

        self._height = _TOP + PLOT + 36 + 30 * legends + 24
        self._picture = Image.new("RGB", (WIDTH * SCALE, self._height * SCALE), BACKGROUND)
        self._draw: ImageDraw.ImageDraw = ImageDraw.Draw(self._picture)
        self._fonts: dict[tuple[int, str], Any] = {}
        self._load = ImageFont.truetype
        self._most, self._step = 1.0, 1.0

    def head(self, title: str, subtitle: str) -> None:
        self._text(EDGE, 24, title, 25, weight="Semibold")
        self._text(EDGE, 62, self._fit(subtitle, 17, WIDTH - 2 * EDGE), 17, SOFT)

    def plot(
        self,
        days: Sequence[date],
        most: float,
        unit: str,
        value_label: Callable[[float], str],
        day_label: Callable[[date], str],
    ) -> None:
        """Draw the grid: lines with their values under the unit, and the days below."""
        self._most = _round_up(most)
        self._step = (WIDTH - 2 * EDGE - AXIS) / max(1, len(days))
        self._text(EDGE, _TOP - 46, unit, 15, SOFT)
        for line in range(LINES + 1):
            value = self._most * line / LINES
            y = self._y(value)
            self._draw.line([_at(EDGE + AXIS, y), _at(WIDTH - EDGE, y)], FAINT, SCALE)
            self._text(EDGE + AXIS - 8, y, value_label(value), 15, SOFT, anchor="rm")
        every = -(-len(days) // MOST_LABELS)
        for number, day in enumerate(days):
            if (len(days) - 1 - number) % every == 0:
                x = self._x(number) + self._step / 2
                self._text(x, _TOP + PLOT + 8, day_label(day), 15, SOFT, anchor="mt")

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

    def line(self, values: Sequence[float], colour: str, value_label: Callable[[float], str]) -> None:
        """Draw one value a day as a line. Its highest point is the top of the plot, and its value is written there."""
        most = max(values, default=0) or 1.0
        points = [
            _at(self._x(number) + self._step / 2, _TOP + PLOT - PLOT * value / most)
            for number, value in enumerate(values)
        ]
        self._draw.line(points, colour, 2 * SCALE, joint="curve")
        for x, y in points:
            self._draw.ellipse([(x - 3 * SCALE, y - 3 * SCALE), (x + 3 * SCALE, y + 3 * SCALE)], colour)
        if highest := max(values, default=0):
            x = self._x(list(values).index(highest)) + self._step / 2
            self._text(x, _TOP - 8, value_label(highest), 15, colour, anchor="mb")

    def legend(self, series: Sequence[Series]) -> None:
        y = _TOP + PLOT + 48.0
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
        return _TOP + PLOT - PLOT * value / self._most

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


def _round_up(value: float) -> float:
    """Return the next number that divides evenly among the lines."""
    if value <= 0:
        return 1.0
    step = 10.0 ** floor(log10(value))
    return next(step * times for times in (1, 2, 3, 4, 6, 8, 10, 20) if step * times >= value)
