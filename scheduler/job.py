"""Job: one thing that the clock does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from scheduler.context import JobContext


@dataclass(frozen=True, slots=True)
class Job:
    """`run` asks the tables what is due, so a run that is late, early or repeated does the same once.

    `every` names the key of [schedule] that gives the seconds between runs.
    """

    name: str
    every: str
    run: Callable[[JobContext], Awaitable[None]]
