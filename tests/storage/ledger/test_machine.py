"""All ledger operations in random order, killed at any commit and cancelled at any await, compared with the model.

`FARTHING_SOAK_STEPS` sets the number of steps; `make soak` sets more than a test run has time for.
"""

import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)
from psycopg.rows import dict_row

from tests.storage.conftest import Server
from tests.storage.ledger.machine import LedgerMachine, seen
from tests.storage.process import Raw

STEPS = int(os.environ.get("FARTHING_SOAK_STEPS", "10400"))
STEPS_EACH = 50
SQLITE_PARTS, POSTGRES_PARTS = 5, 2
"""Tests that share the steps, so that they run side by side. PostgreSQL has a tenth of the steps."""


def run_machine(fresh: Callable[[], Raw], steps: int) -> None:
    """Run the machine for at least so many steps in all."""
    before = seen.total()
    machine = type("MachineOnDatabase", (LedgerMachine,), {"fresh": staticmethod(fresh)})
    thorough = settings(
        max_examples=-(-steps * 6 // (5 * STEPS_EACH)),
        stateful_step_count=STEPS_EACH,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(machine, settings=thorough)
    assert seen.total() - before >= steps


@pytest.mark.parametrize("_part", range(SQLITE_PARTS))
def test_random_operations_agree_with_the_model_on_sqlite(sqlite_template: Path, _part: int) -> None:
    source = sqlite3.connect(sqlite_template)

    def fresh() -> sqlite3.Connection:
        raw = sqlite3.connect(":memory:", isolation_level=None)
        source.backup(raw)
        raw.execute("PRAGMA foreign_keys = ON")
        return raw

    run_machine(fresh, STEPS * 9 // 10 // SQLITE_PARTS)
    source.close()


@pytest.fixture
def postgres(postgres_server: Server, postgres_template: str) -> Iterator[psycopg.Connection[Any]]:
    name = f"t{uuid.uuid4().hex}"
    url = postgres_server.create(name, postgres_template)
    with psycopg.connect(url, autocommit=True, row_factory=dict_row, prepare_threshold=None) as raw:
        raw.execute("SET synchronous_commit = off")
        yield raw
    postgres_server.drop(name)


@pytest.mark.parametrize("_part", range(POSTGRES_PARTS))
def test_random_operations_agree_with_the_model_on_postgresql(postgres: psycopg.Connection[Any], _part: int) -> None:
    def fresh() -> psycopg.Connection[Any]:
        postgres.execute("TRUNCATE tenants, accounts, api_keys, holds, transfers, attempts, receipts CASCADE")
        return postgres

    run_machine(fresh, STEPS // 10 // POSTGRES_PARTS)
