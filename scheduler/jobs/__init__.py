"""Jobs, one per file; `discover` finds them."""

import pkgutil
from importlib import import_module

from scheduler.job import Job


def discover() -> tuple[Job, ...]:
    """Return the `JOB` of every module in this folder, ordered by file name."""
    modules = (import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    return tuple(module.JOB for module in modules)
