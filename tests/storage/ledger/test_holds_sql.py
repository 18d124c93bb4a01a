"""Guards and locks inside the statements of one request, without the code around them."""

from typing import Any

import pytest

from storage.database.connection import Connection, month_of, row
from storage.database.database import Database, open_database
from storage.database.statements import Statement
from storage.ledger import holds_sql
from storage.tenants import api_keys
from storage.tenants.api_keys import KeySettings
from tests.storage.books import NOW, tenant
from tests.storage.conflicts import run_conflicting
from tests.storage.conftest import Server

MONTH = month_of(NOW)


def limited(conn: Connection) -> int:
    """Create an API key with 100 tokens a month; return its id."""
    made = api_keys.add(conn, tenant(conn, "1"), api_keys.new_key(), KeySettings(name="dev", tokens_per_month=100), NOW)
    return made.id


def tokens(key: int, number: int, month: int = MONTH) -> dict[str, Any]:
    return {"key": key, "month": month, "tokens": number, "spent": number}


def key_counts(conn: Connection, key: int) -> tuple[int, int]:
    found = row(conn, "SELECT held_tokens, used_tokens FROM api_keys WHERE id = :id", id=key)
    assert found is not None
    return found["held_tokens"], found["used_tokens"]


async def test_key_tokens_beyond_the_limit_are_not_taken(db: Database) -> None:
    def unit(conn: Connection) -> None:
        key = limited(conn)
        assert conn.first(holds_sql.TAKE_KEY, tokens(key, 60)) is not None
        assert conn.first(holds_sql.TAKE_KEY, tokens(key, 41)) is None
        assert conn.first(holds_sql.TAKE_KEY, tokens(key, 40)) is not None
        assert key_counts(conn, key) == (100, 0)

    await db.write(unit)


async def test_key_tokens_of_another_month_are_neither_taken_nor_released(db: Database) -> None:
    def unit(conn: Connection) -> None:
        key = limited(conn)
        assert conn.first(holds_sql.TAKE_KEY, tokens(key, 1, MONTH + 1)) is None
        conn.first(holds_sql.RELEASE_KEY, tokens(key, 1, MONTH - 1))
        assert key_counts(conn, key) == (0, 0)

    await db.write(unit)


@pytest.mark.parametrize(
    ("statement", "table"),
    [(holds_sql.FUNDS, "accounts"), (holds_sql.KEY_TOKENS, "api_keys")],
    ids=["FUNDS", "KEY_TOKENS"],
)
async def test_reading_funds_locks_their_row(
    postgres_server: Server, postgres_template: str, statement: Statement, table: str
) -> None:
    url = postgres_server.create(f"{postgres_template}_{table}", postgres_template)
    async with open_database(url) as db:
        key = await db.write(limited)
        values = {"tenant": 1, "request": "r", "key": key}

        def read_and_lock(conn: Connection) -> object:
            return conn.first(statement, values)

        one, other = await run_conflicting(db, read_and_lock, read_and_lock)
        assert one == other is not None
