"""Processor time in units of a fixed amount of work, so that a limit holds on slow and busy machines."""

import time
from collections.abc import Callable

TRIES = 3


def unit_seconds() -> float:
    """Return the processor seconds that this machine takes for a fixed loop; about 5 ms in 2026."""
    began = time.thread_time()
    sum(number * number for number in range(80_000))
    return time.thread_time() - began


def units_of(work: Callable[[], object], most: float) -> float:
    """Return the units that the work takes.

    The work is repeated while it takes more than `most` units, because a pause of the machine is short.
    """
    taken = most
    for _ in range(TRIES):
        unit, began = unit_seconds(), time.thread_time()
        work()
        taken = (time.thread_time() - began) / max(unit, unit_seconds())
        if taken < most:
            break
    return taken
