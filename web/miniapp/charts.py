"""Value axes of charts, and one fixed colour for each model."""

from collections.abc import Callable, Iterable
from zlib import crc32

from pydantic import BaseModel

COLOURS = 8
"""The number of the page's colours; further models get the colour of "others"."""
LINES = 4


class TickOut(BaseModel):
    """A line of the chart: its height, from 0 to 1, and its value as text."""

    at: float
    text: str


class AxisOut(BaseModel):
    """The scale of a chart from 0 to `most`."""

    most: float
    ticks: list[TickOut]


def axis(most: int, write: Callable[[int], str]) -> AxisOut:
    """Return a scale with round values up to at least `most`, which is in the smallest unit."""
    step = _round_step(max(1, -(-most // LINES)))
    top = step * max(1, -(-most // step))
    ticks = [TickOut(at=value / top, text=write(value)) for value in range(0, top + 1, step)]
    return AxisOut(most=top, ticks=ticks)


def _round_step(least: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 … that is not below `least`."""
    power: int = 10 ** (len(str(least)) - 1)
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least)


def colours(models: Iterable[str]) -> dict[str, int | None]:
    """Return the colour of each model, derived from its name: the same on every day and in every chart.

    If two models would share a colour, the one that comes first in `models` (the most used) gets it.
    """
    found: dict[str, int | None] = {}
    taken: set[int] = set()
    for model in models:
        wanted = crc32(model.encode()) % COLOURS
        free = [(wanted + step) % COLOURS for step in range(COLOURS) if (wanted + step) % COLOURS not in taken]
        found[model] = free[0] if free else None
        taken.update(free[:1])
    return found
