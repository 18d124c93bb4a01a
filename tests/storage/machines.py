"""Runs state machines, each example with a database of its own.

`FARTHING_SOAK_STEPS` sets the number of steps; `make soak` sets more than a test run has time for.
"""

import os
from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.storage.process import Raw


def steps_or(usual: int) -> int:
    """Return the number of steps set for this run, else the usual one."""
    return int(os.environ.get("FARTHING_SOAK_STEPS", usual))


def run_machine(machine: type[RuleBasedStateMachine], fresh: Callable[[], Raw], examples: int, steps: int) -> None:
    """Run a machine that creates its database with `fresh`."""
    on_database = type(f"{machine.__name__}OnDatabase", (machine,), {"fresh": staticmethod(fresh)})
    run_state_machine_as_test(
        on_database,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
