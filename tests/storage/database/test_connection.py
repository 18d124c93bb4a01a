"""Helpers of Connection, and the Connection contract on both databases."""

import pytest

from storage.database.connection import Connection, for_update, row, row_number, scalar
from storage.database.database import Database
from storage.database.statements import BatchQuery, BatchWrite, Statement
from tests.storage.marks import insert_mark, marks

INSERT = "INSERT INTO watermarks (name, value) VALUES (:name, :value)"


async def test_row_and_scalar_return_the_first_row_or_none(db: Database) -> None:
    def unit(conn: Connection) -> None:
        sql = "SELECT value, name FROM watermarks ORDER BY name"
        assert row(conn, sql) is None
        assert scalar(conn, sql) is None
        conn.run(INSERT, name="b", value="2")
        conn.run(INSERT, name="a", value="1")
        assert dict(row(conn, sql) or {}) == {"value": "1", "name": "a"}
        assert scalar(conn, sql) == "1"

    await db.write(unit)


async def test_run_returns_the_number_of_changed_rows(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for name in ("a", "b"):
            conn.run(INSERT, name=name, value="x")
        assert conn.run("UPDATE watermarks SET value = 'y'") == 2
        assert conn.run("UPDATE watermarks SET value = 'z' WHERE name = :name", name="c") == 0

    await db.write(unit)


async def test_rows_of_a_statement_without_result_are_empty(db: Database) -> None:
    assert await db.write(lambda conn: conn.rows(INSERT, name="a", value="x")) == []
    assert await db.read(marks) == {"a": "x"}


async def test_literal_percent_and_cast_are_not_placeholders(db: Database) -> None:
    cast = "CAST(:n AS TEXT)" if db.dialect == "sqlite" else ":n::text"
    found = await db.read(lambda conn: scalar(conn, f"SELECT {cast} || '%' AS x WHERE 'ab' LIKE 'a%'", n=5))
    assert found == "5%"


async def test_statement_returns_its_first_row_as_a_tuple(db: Database) -> None:
    statement = Statement("SELECT name, 7 FROM watermarks WHERE name >= :name ORDER BY name")

    def unit(conn: Connection) -> None:
        assert conn.first(statement, {"name": "a"}) is None
        insert_mark("b")(conn)
        insert_mark("a")(conn)
        assert conn.first(statement, {"name": "a"}) == ("a", 7)

    await db.write(unit)


async def test_failed_guard_stops_the_parts_after_it(db: Database) -> None:
    guarded = Statement(
        "UPDATE watermarks SET value = 'y' WHERE name = :name RETURNING 1",
        "INSERT INTO watermarks (name, value) VALUES ('after', 'x')",
        "SELECT name FROM watermarks WHERE name = :name",
        postgresql="""
WITH guard AS (UPDATE watermarks SET value = 'y' WHERE name = :name RETURNING name),
more AS (INSERT INTO watermarks (name, value) SELECT 'after', 'x' FROM guard)
SELECT name FROM guard""",
    )

    def unit(conn: Connection) -> None:
        assert conn.first(guarded, {"name": "a"}) is None
        assert marks(conn) == {}
        insert_mark("a")(conn)
        assert conn.first(guarded, {"name": "a"}) == ("a",)
        assert marks(conn) == {"a": "y", "after": "x"}

    await db.write(unit)


async def test_batch_query_finds_the_existing_keys(db: Database) -> None:
    query = BatchQuery("SELECT name, value FROM watermarks WHERE true", "name", "text")

    def unit(conn: Connection) -> None:
        for name in ("a", 'with "quotes"', "other"):
            insert_mark(name)(conn)
        found = conn.query_batch(query, ["a", 'with "quotes"', "missing"])
        assert sorted(found) == [("a", "x"), ('with "quotes"', "x")]
        assert conn.query_batch(query, []) == []

    await db.write(unit)


async def test_batch_write_changes_each_row_with_its_own_values(db: Database) -> None:
    write = BatchWrite("UPDATE watermarks SET value = :value WHERE name = :name", "name text", "value text")

    def unit(conn: Connection) -> None:
        for name in ("a", "b", "c"):
            insert_mark(name)(conn)
        assert conn.write_batch(write, [("a", "1"), ("b", "2"), ("missing", "3")]) == 2
        assert marks(conn) == {"a": "1", "b": "2", "c": "x"}

    await db.write(unit)


async def test_only_postgresql_locks_selected_rows(db: Database) -> None:
    expected = "" if db.dialect == "sqlite" else " FOR UPDATE"
    assert await db.read(for_update) == expected


@pytest.mark.parametrize("text", ["", "-1", "1.5", "x", "٣", "1" * 19, " 1"])
def test_text_that_is_not_a_row_id_is_refused(text: str) -> None:
    assert row_number(text) is None


def test_row_id_has_up_to_18_digits() -> None:
    assert row_number("0") == 0
    assert row_number("9" * 18) == 10**18 - 1
