"""PostgresConnection: placeholders, prepared statements and values in PostgreSQL's text format."""

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from storage.database.connection import Connection
from storage.database.pool import PostgresDatabase
from storage.database.postgres import PostgresConnection, Raw, command, commit, connect, to_dollar, to_percent
from storage.database.statements import BatchQuery, BatchWrite, Statement
from tests.storage.conftest import Server
from tests.storage.database.pooler import pooled

VALUES = BatchWrite("UPDATE pairs SET label = :label, flag = :flag WHERE id = :id", "id", "label text", "flag boolean")
AWKWARD = ['a "quoted" \\ back', "{braces}, comma", "NULL", "null", "", " ", "Ünï\ncode \U0001f600 ' ; --", None]


@pytest.fixture
def raw(postgres_server: Server, postgres_template: str) -> Iterator[Raw]:
    with connect(postgres_server.create(f"t{uuid.uuid4().hex}", postgres_template)) as opened:
        opened.execute("CREATE TEMPORARY TABLE pairs (id BIGINT, label TEXT, flag BOOLEAN)")
        yield opened


@pytest.mark.parametrize("refuses", [True, False])
async def test_pooler_gets_no_prepared_statement_and_each_transaction_the_settings(
    postgres_server: Server, postgres_template: str, refuses: bool
) -> None:
    """In transaction mode, any of its connections may run the next transaction."""
    name = f"t{uuid.uuid4().hex}"
    postgres_server.create(name, postgres_template)
    wanted = BatchQuery("SELECT id FROM tenants WHERE true", "id", "bigint")

    def unit(conn: Connection) -> tuple[Any, ...]:
        assert conn.first(Statement("SELECT :x::bigint"), {"x": 7}) == (7,)
        assert conn.query_batch(wanted, [1, 2]) == []
        (named,) = conn.rows("SELECT COUNT(*) AS n FROM pg_prepared_statements")
        names = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout", "timezone")
        return named["n"], *(conn.rows(f"SHOW {each}")[0][each.replace("timezone", "TimeZone")] for each in names)

    with pooled(postgres_server.folder, name, refuses=refuses) as url:
        async with PostgresDatabase(url) as db:
            for run in (db.write, db.read):
                assert await run(unit) == (0, "30s", "30s", "10s", "UTC")
        with connect(url) as outside:  # the settings end with the transaction
            assert outside.execute("SHOW statement_timeout").fetchone() == {"statement_timeout": "0"}
    postgres_server.drop(name)


def test_placeholders_become_the_drivers() -> None:
    assert to_percent("SELECT :a, '5%' WHERE :a = :b_2::text") == "SELECT %(a)s, '5%%' WHERE %(a)s = %(b_2)s::text"


def test_placeholders_are_numbered_by_first_use() -> None:
    assert to_dollar("SELECT :b::bigint, :a, :b") == ("SELECT $1::bigint, $2, $1", ("b", "a"))


@pytest.mark.parametrize(("kind", "value"), [("bigint", -(2**62)), ("text", "5%"), ("boolean", True),
                                             ("boolean", False), ("bigint", None), ("text", "")])  # fmt: skip
def test_value_of_a_statement_is_read_back(raw: Raw, kind: str, value: Any) -> None:
    assert PostgresConnection(raw).first(Statement(f"SELECT :x::{kind}"), {"x": value}) == (value,)


def test_statement_is_prepared_once_in_a_connection(raw: Raw) -> None:
    conn, statement = PostgresConnection(raw), Statement("SELECT :x::bigint")
    assert [conn.first(statement, {"x": number}) for number in range(3)] == [(0,), (1,), (2,)]
    assert conn.rows("SELECT count(*) AS n FROM pg_prepared_statements WHERE NOT from_sql") == [{"n": 1}]


def test_values_of_a_batch_are_read_back(raw: Raw) -> None:
    conn = PostgresConnection(raw)
    for number in range(len(AWKWARD)):
        conn.run("INSERT INTO pairs (id) VALUES (:id)", id=number)
    rows = [(number, label, number % 2 == 0) for number, label in enumerate(AWKWARD)]
    assert conn.write_batch(VALUES, rows) == len(rows)
    assert [tuple(found.values()) for found in conn.rows("SELECT id, label, flag FROM pairs ORDER BY id")] == rows


def test_error_of_a_prepared_statement_has_its_class(raw: Raw) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        PostgresConnection(raw).first(Statement("SELECT 1 / :x::bigint"), {"x": 0})


def test_commit_after_an_sql_error_raises(raw: Raw) -> None:
    command(raw, b"BEGIN")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        command(raw, b"SELECT nothing")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction, match="was rolled back"):
        commit(raw)


def test_connection_has_time_limits_and_utc(postgres_server: Server) -> None:
    names = ("statement_timeout", "idle_in_transaction_session_timeout", "timezone", "lock_timeout")
    with connect(postgres_server.url("postgres"), 250) as opened:
        found = [next(iter(opened.execute(f"SHOW {name}".encode()).fetchone().values())) for name in names]  # type: ignore[union-attr]
    assert found == ["30s", "30s", "UTC", "250ms"]
