"""A job of the scheduler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from scheduler.context import JobContext


@dataclass(frozen=True, slots=True)
class Job:
    """`run` reads from the database what is due, so a run that is late, early or repeated has the same effect.

    `every` names the key of [schedule] that holds the seconds between runs.
    """

    name: str
    every: str
    run: Callable[[JobContext], Awaitable[None]]
