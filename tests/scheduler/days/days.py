"""A simulated day from a seed."""

import random

from tests.bot.virtual import run
from tests.scheduler.days.service import OFFERS, Day
from tests.scheduler.days.weather import forecast

START_SECONDS = 1000.0
"""The time of a virtual loop at its start."""


def simulated(seed: int, hours: float, *, replicas: bool) -> Day:
    """Return the day after it has passed. `replicas`: a web process and two clocks, else one process."""
    day = Day(forecast(random.Random(seed), OFFERS, hours, START_SECONDS), seed, replicas=replicas)
    run(day.run(hours))
    return day
