"""A simulated day from a seed."""

import random

from tests.bot.virtual import run
from tests.scheduler.days.rare import worst
from tests.scheduler.days.service import OFFERS, Day
from tests.scheduler.days.weather import forecast, worse

START_SECONDS = 1000.0
"""The time of a virtual loop at its start."""


def simulated(seed: int, hours: float, *, replicas: bool, is_worse: bool = False, is_worst: bool = False) -> Day:
    """Return the day after it has passed. `replicas`: a web process and two clocks, else one process.

    `is_worse`: also with providers that fail together, and times without the database or Telegram.
    `is_worst`: also with clocks that are set, offers that are removed, and outages in the same second.
    """
    weather = forecast(random.Random(seed), OFFERS, hours, START_SECONDS)
    if is_worse:
        weather = worse(weather, random.Random(seed + 1), OFFERS, hours, START_SECONDS)
    if is_worst:
        weather = worst(weather, random.Random(seed + 2), OFFERS, hours, START_SECONDS)
    day = Day(weather, seed, replicas=replicas)
    run(day.run(hours))
    return day
