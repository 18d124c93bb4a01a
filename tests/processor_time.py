"""Processor time in units of a fixed piece of work, so that a bound holds on a slow and on a busy machine."""

import time
from collections.abc import Callable

TRIES = 3


def unit_seconds() -> float:
    """Return the processor seconds that this machine takes for a fixed loop; about 5 ms in 2026."""
    began = time.thread_time()
    sum(number * number for number in range(80_000))
    return time.thread_time() - began


def units_of(work: Callable[[], object], most: float) -> float:
    """Return the units that the work takes, which is repeated while they are more: a pause of the machine passes."""
    taken = most
    for _ in range(TRIES):
        unit, began = unit_seconds(), time.thread_time()
        work()
        taken = (time.thread_time() - began) / max(unit, unit_seconds())
        if taken < most:
            break
    return taken
