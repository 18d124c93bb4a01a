"""A job of the scheduler."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from scheduler.context import JobContext


class Misfire(StrEnum):
    """Whether to make up for runs that were missed while no process led the clock, or while it was busy."""

    ONCE = "once"
    """One run replaces all missed runs, at once. The last run is stored: a restart neither repeats nor loses a run."""
    SKIP = "skip"
    """Missed runs are left out, because the job looks at the present. It runs when a process begins to lead."""


@dataclass(frozen=True, slots=True)
class Job:
    """`run` reads from the database the work that is due, so that a late, early or repeated run has the same effect.

    `every`: the key of [schedule] with the seconds between runs.
    """

    name: str
    every: str
    run: Callable[[JobContext], Awaitable[None]]
    misfire: Misfire = Misfire.ONCE
