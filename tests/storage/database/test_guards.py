"""Tests of the ledger's tests: with any guard removed, the state machine or a CHECK must fail."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from copy import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from storage.database import write_queue
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.database.statements import Statement
from storage.ledger import hold_batches_sql, holds_sql
from tests.databases import CopiesInMemory
from tests.storage.books import account, hold_request, pay, take, tenant
from tests.storage.ledger.machine import LedgerMachine

QUICK = settings(max_examples=400, stateful_step_count=50, deadline=None, database=None,
                 phases=(Phase.generate,))  # fmt: skip
DETECTED = (AssertionError, sqlite3.IntegrityError)  # by the model, or by a CHECK of the database


def run_machine(template: Path, start: int) -> None:
    """Run the state machine from the seed `start`, chosen so that it reaches the broken guard early."""
    with closing(sqlite3.connect(template)) as source, CopiesInMemory(source) as copies:
        machine = type("Guarded", (LedgerMachine,), {"fresh": staticmethod(copies.make)})
        run_state_machine_as_test(seed(start)(machine), settings=QUICK)


def without(statement: Statement, *guards: str) -> Statement:
    """Return the statement without `guards`."""
    for guard in guards:
        assert guard in _spaced(*statement.sqlite), f"{guard!r} is not in the statement"
    broken = [_spaced(part) for part in (*statement.sqlite, statement.postgresql)]
    for guard in guards:
        broken = [part.replace(guard, "") for part in broken]
    return Statement(*broken[:-1], postgresql=broken[-1])


def _spaced(*parts: str) -> str:
    return " ".join(" ".join(parts).split())


def values_of_large_hold(owner: int) -> dict[str, Any]:
    """Return the values of a hold of 2 USD."""
    return {"request": "r", "epoch": 1, "tenant": owner, "asker": owner, "key": None, "month": 202611,
            "wallet": 2 * 10**9, "allowance": 0, "tokens": 1, "period": 1, "lease": "L", "now": 0}  # fmt: skip


async def test_statement_does_not_take_missing_money(db: Database) -> None:
    def unit(conn: Connection) -> int:
        owner = tenant(conn, "1")
        assert conn.first(holds_sql.TAKE, values_of_large_hold(owner)) is None
        return int(account(conn, owner)["held_nanousd"])

    assert await db.write(unit) == 0


_ALLOWANCE = "allowance_tokens - allowance_used_tokens - allowance_held_tokens >="


@pytest.mark.parametrize(
    ("name", "guard", "row", "rule"),
    [
        ("TAKE_FUNDS", "balance_nanousd - held_nanousd >=", (2 * 10**9, 0, 1), "holds_within_wallet"),
        ("TAKE_FUNDS", _ALLOWANCE, (0, 1001, 1), "holds_within_allowance"),
        ("RESOLVE_ALL", " AND state = 'open'", (1, 0, 0, "r1", 1), "never changed"),
    ],
)
async def test_table_refuses_a_batch_whose_statement_lacks_its_guard(
    name: str, guard: str, row: tuple[Any, ...], rule: str, sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copyfile(sqlite_template, tmp_path / "x.db")
    weak = lacking(getattr(hold_batches_sql, name), guard)

    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"))
        pay(conn, asked, take(conn, asked))
        conn.write_batch(weak, [row])

    async with open_database(f"sqlite:///{tmp_path}/x.db") as db:
        with pytest.raises(sqlite3.IntegrityError, match=rule):
            await db.write(unit)


async def test_table_refuses_a_hold_whose_statement_lacks_its_guard(db: Database) -> None:
    broken = without(holds_sql.TAKE, " AND balance_nanousd - held_nanousd >= :wallet")
    owner = await db.write(lambda conn: tenant(conn, "1"))
    with pytest.raises(Exception, match="holds_within_wallet"):
        await db.write(lambda conn: conn.first(broken, values_of_large_hold(owner)))


@pytest.mark.parametrize(
    ("name", "guards", "start"),
    [
        ("FUNDS", (" - a.held_nanousd",), 3),
        ("FUNDS", (" - a.allowance_held_tokens",), 10),
        ("HELD", (" AND h.epoch = :epoch", " AND h.state = 'open'"), 8),
        ("KEY_TOKENS", (" - held_tokens",), 0),
        ("BEGIN_MONTH", (" AND month < :month",), 0),
    ],
)
def test_machine_detects_a_statement_without_its_guard(
    name: str, guards: tuple[str, ...], start: int, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write_queue, "run_batch", refuse_batch)
    monkeypatch.setattr(holds_sql, name, without(getattr(holds_sql, name), *guards))
    if name == "HELD":
        monkeypatch.setattr(holds_sql, "CAPTURE", without(holds_sql.CAPTURE, " AND epoch = :epoch AND state = 'open'"))
        monkeypatch.setattr(holds_sql, "RESOLVE", without(holds_sql.RESOLVE, " AND epoch = :epoch AND state = 'open'"))
    with pytest.raises(DETECTED):
        run_machine(sqlite_template, start)


@pytest.mark.parametrize(
    ("weaker", "start"),
    [
        ({"KEYS": " - held_tokens", "TAKE_KEYS": " + held_tokens"}, 0),
        ({"HELD_BEFORE": "(json_array(1)) FROM holds WHERE true AND request_id IN"}, 0),
    ],
    ids=lambda each: next(iter(each)) if isinstance(each, dict) else "",
)
def test_machine_detects_a_batch_without_its_guard(
    weaker: dict[str, str], start: int, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, guard in weaker.items():
        monkeypatch.setattr(hold_batches_sql, name, lacking(getattr(hold_batches_sql, name), guard))
    with pytest.raises(DETECTED):
        run_machine(sqlite_template, start)


def lacking(statement: Any, guard: str) -> Any:
    """Return the batch statement without `guard` in its SQLite text."""
    weak, text = copy(statement), _spaced(statement.sqlite)
    assert guard in text, f"{guard!r} is not in the statement"
    weak.sqlite = text.replace(guard, "(json_array(1)) FROM holds WHERE false AND EXISTS" if "FROM" in guard else "")
    return weak


def refuse_batch(*_: object) -> None:
    raise write_queue.NotBatchable


def test_machine_detects_a_cancellable_commit(sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_queue, "UncancellableFuture", asyncio.Future)
    with pytest.raises(DETECTED):
        run_machine(sqlite_template, 5)
