"""Charts as PNG, drawn with Pillow: tokens a day, stacked by model. Call it in a thread."""

import io
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from storage.usage import UsageRow

WIDTH, HEIGHT, SCALE = 720, 380, 2
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 52, 44
PAPER, INK, FAINT = "#ffffff", "#1c2733", "#e4e9ee"
COLOURS = ("#2a9df4", "#f2a541", "#52b788", "#c05299", "#7b6cf6", "#e56b6f", "#8d99ae")
LINES = 4


def usage(rows: Sequence[UsageRow], start: date, end: date) -> bytes:
    """PNG at twice the size, for screens of today."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - with the first chart, not at the start

    picture = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), PAPER)
    draw = ImageDraw.Draw(picture)
    small, title = ImageFont.load_default(12 * SCALE), ImageFont.load_default(15 * SCALE)
    days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
    models = sorted({row.model for row in rows}, key=lambda name: -_of(rows, name))[: len(COLOURS)]
    heights = _stacked(rows, models)
    most = _round_up(max((sum(heights[day].values()) for day in days), default=0))
    spot = _Spot(len(days), most)

    draw.text(_at(LEFT, 12), "Tokens a day", INK, font=title)
    _legend(draw, models, small)
    for line in range(LINES + 1):
        value = most * line // LINES
        y = spot.y(value)
        draw.line([_at(LEFT, y), _at(WIDTH - RIGHT, y)], FAINT, SCALE)
        draw.text(_at(LEFT - 8, y), _short(value), INK, font=small, anchor="rm")
    for number, day in enumerate(days):
        base = 0
        for colour, model in zip(COLOURS, models, strict=False):
            tokens = heights[day].get(model, 0)
            if tokens:
                box = [
                    _at(spot.x(number), spot.y(base + tokens)),
                    _at(spot.x(number) + spot.bar, spot.y(base)),
                ]
                draw.rectangle(box, colour)
            base += tokens
        if number % max(1, len(days) // 7) == 0:
            draw.text(
                _at(spot.x(number) + spot.bar / 2, HEIGHT - BOTTOM + 8),
                f"{day:%d.%m.}",
                INK,
                font=small,
                anchor="mt",
            )
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()


class _Spot:
    """Where a day and a number of tokens stand on the paper."""

    def __init__(self, days: int, most: int) -> None:
        self._step = (WIDTH - LEFT - RIGHT) / max(1, days)
        self._most = max(1, most)
        self.bar = min(46.0, self._step * 0.72)

    def x(self, number: int) -> float:
        return LEFT + self._step * number + (self._step - self.bar) / 2

    def y(self, tokens: int) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * tokens / self._most


def _at(x: float, y: float) -> tuple[float, float]:
    return (x * SCALE, y * SCALE)


def _legend(draw: object, models: Sequence[str], font: object) -> None:
    x = LEFT + 120.0
    for colour, model in zip(COLOURS, models, strict=False):
        draw.rectangle([_at(x, 17), _at(x + 10, 27)], colour)  # type: ignore[attr-defined]
        draw.text(_at(x + 15, 22), model[:28], INK, font=font, anchor="lm")  # type: ignore[attr-defined]
        x += 30 + 6.6 * min(28, len(model))


def _of(rows: Sequence[UsageRow], model: str) -> int:
    return sum(row.input_tokens + row.output_tokens for row in rows if row.model == model)


def _stacked(rows: Sequence[UsageRow], models: Sequence[str]) -> defaultdict[date, dict[str, int]]:
    heights: defaultdict[date, dict[str, int]] = defaultdict(dict)
    for row in rows:
        if row.model in models:
            tokens = heights[row.day].get(row.model, 0) + row.input_tokens + row.output_tokens
            heights[row.day][row.model] = tokens
    return heights


def _round_up(value: int) -> int:
    """The next number that divides well into the lines."""
    step = 1
    while step * 10 < max(1, value):
        step *= 10
    return next(step * times for times in (1, 2, 4, 8, 10, 20) if step * times >= value)


def _short(value: int) -> str:
    for limit, unit in ((10**6, "M"), (10**3, "k")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return str(value)
