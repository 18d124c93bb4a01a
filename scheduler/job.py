"""Job: one thing that the clock does, and how it is found."""

import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module

from scheduler.desk import Desk


@dataclass(frozen=True, slots=True)
class Job:
    """`run` asks the tables what is due, so a run that is late, early or repeated does the same once.

    `every` names the key of [schedule] that gives the seconds between runs.
    """

    name: str
    every: str
    run: Callable[[Desk], Awaitable[None]]


def discover() -> tuple[Job, ...]:
    """Every `JOB` of scheduler/jobs: one file each, no registry to edit."""
    from scheduler import jobs  # noqa: PLC0415 - the jobs import this module

    modules = (import_module(f"{jobs.__name__}.{found.name}") for found in pkgutil.iter_modules(jobs.__path__))
    return tuple(module.JOB for module in modules)
