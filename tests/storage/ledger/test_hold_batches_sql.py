"""The guards in the SQL of batches alone, without the Python code that usually checks first."""

import re

import pytest

from storage.database.connection import Connection, month_of
from storage.database.database import Database
from storage.database.sqlite_setup import SqliteConnection
from storage.database.statements import BatchWrite
from storage.ledger import hold_batches_sql
from storage.tenants import api_keys
from storage.tenants.api_keys import KeySettings
from tests.storage.books import NOW, account, hold_request, take, tenant
from tests.storage.kinds import on_sqlite
from tests.storage.ledger.test_holds_sql import key_counts, limited

MONTH = month_of(NOW)


WRITES = {name: each for name, each in vars(hold_batches_sql).items() if isinstance(each, BatchWrite)}


@pytest.mark.parametrize("name", WRITES)
def test_placeholders_are_positional_and_match_the_columns(name: str) -> None:
    """Python 3.12 warns of a sequence of values for `?1` or `:name`; 3.14 refuses it."""
    write = WRITES[name]
    assert write.sqlite_for(3).count("?") == 3 * len(write.types)
    assert not re.search(r"\?\d|:\w", write.sqlite_for(3))


@on_sqlite
@pytest.mark.parametrize("name", ["TAKE_FUNDS", "TAKE_KEYS", "RESOLVE_ALL", "RELEASE_ALL", "RELEASE_KEYS"])
async def test_rows_are_found_by_their_keys_on_sqlite(name: str, db: Database) -> None:
    """Scanning the table for each batch would take longer with each request ever made."""

    def plan(conn: Connection) -> list[str]:
        assert isinstance(conn, SqliteConnection)
        write = WRITES[name]
        values = [0] * (3 * len(write.types))
        found = conn.raw.execute(f"EXPLAIN QUERY PLAN {write.sqlite_for(3)}", values).fetchall()
        return [each[3] for each in found]

    steps = await db.read(plan)
    assert any(step.startswith("SEARCH ") for step in steps)
    assert not any(step.startswith("SCAN ") and step.split()[1] not in {"v", "3"} for step in steps), steps


async def test_missing_funds_are_not_taken(db: Database) -> None:
    def unit(conn: Connection) -> None:
        poor, rich = tenant(conn, "1"), tenant(conn, "3")
        assert conn.write_batch(hold_batches_sql.TAKE_FUNDS, [(2 * 10**9, 0, poor), (2 * 10**9, 0, rich)]) == 1
        assert conn.write_batch(hold_batches_sql.TAKE_FUNDS, [(0, 1001, rich)]) == 0
        assert [account(conn, each)["held_nanousd"] for each in (poor, rich)] == [0, 2 * 10**9]

    await db.write(unit)


async def test_tokens_beyond_the_limit_or_of_another_month_are_not_taken(db: Database) -> None:
    def unit(conn: Connection) -> None:
        key = limited(conn)
        conn.run("UPDATE api_keys SET month = :month", month=MONTH)
        assert conn.write_batch(hold_batches_sql.TAKE_KEYS, [(101, key, MONTH)]) == 0
        assert conn.write_batch(hold_batches_sql.TAKE_KEYS, [(1, key, MONTH + 1)]) == 0
        assert conn.write_batch(hold_batches_sql.TAKE_KEYS, [(100, key, MONTH)]) == 1
        conn.write_batch(hold_batches_sql.RELEASE_KEYS, [(100, 60, key, MONTH - 1)])
        assert key_counts(conn, key) == (100, 0)
        conn.write_batch(hold_batches_sql.RELEASE_KEYS, [(100, 60, key, MONTH)])
        assert key_counts(conn, key) == (0, 60)

    await db.write(unit)


async def test_request_is_held_once_and_resolved_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        take(conn, hold_request(owner, "a"))
        again = ("a", 2, owner, None, MONTH, 0, 0, 1, 1, "L", 0)
        assert conn.write_batch(hold_batches_sql.HOLDS, [again]) == 0
        assert conn.write_batch(hold_batches_sql.RESOLVE_ALL, [(1, 0, 0, "a", 2)]) == 0
        assert conn.write_batch(hold_batches_sql.RESOLVE_ALL, [(1, 0, 0, "a", 1)]) == 1
        assert conn.write_batch(hold_batches_sql.RESOLVE_ALL, [(2, 0, 0, "a", 1)]) == 0

    await db.write(unit)


async def test_only_existing_keys_are_found(db: Database) -> None:
    def unit(conn: Connection) -> None:
        made = [api_keys.add(conn, tenant(conn), api_keys.new_key(), KeySettings(name="k"), NOW).id
                for _ in range(3)]  # fmt: skip
        found = conn.query_batch(hold_batches_sql.KEYS, [*made[:2], 10**9])
        assert sorted(found) == [(made[0], found[0][1], None), (made[1], found[1][1], None)]
        assert conn.query_batch(hold_batches_sql.KEYS, []) == []

    await db.write(unit)
