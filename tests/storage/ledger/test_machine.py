"""All ledger operations in random order, killed at any commit and cancelled at any await, compared with the model."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.storage.conftest import Server
from tests.storage.ledger.machine import LedgerMachine, seen
from tests.storage.machines import run_machine, steps_or
from tests.storage.process import Raw

STEPS = steps_or(10_400)
STEPS_EACH = 50
SQLITE_PARTS, POSTGRES_PARTS = 5, 2
"""Tests that share the steps, so that they run side by side. PostgreSQL has a tenth of the steps."""


def run_steps(fresh: Callable[[], Raw], steps: int) -> None:
    """Run the machine for at least this number of steps in total."""
    before = seen.total()
    run_machine(LedgerMachine, fresh, -(-steps * 6 // (5 * STEPS_EACH)), STEPS_EACH)
    assert seen.total() - before >= steps


@pytest.mark.parametrize("_part", range(SQLITE_PARTS))
def test_random_operations_agree_with_the_model_on_sqlite(fresh_sqlite: Callable[[], Raw], _part: int) -> None:
    run_steps(fresh_sqlite, STEPS * 9 // 10 // SQLITE_PARTS)


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

    run_steps(fresh, STEPS // 10 // POSTGRES_PARTS)
