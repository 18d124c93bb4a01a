"""The SQLite and PostgreSQL texts of statements."""

from storage.database.statements import PLACEHOLDER, BatchQuery, BatchWrite, Statement


def test_statement_locks_rows_on_postgresql_only() -> None:
    statement = Statement("SELECT a FROM t x WHERE id = :id", locks="x")
    assert statement.sqlite == ("SELECT a FROM t x WHERE id = :id",)
    assert statement.postgresql == "SELECT a FROM t x WHERE id = :id FOR UPDATE OF x"
    assert Statement("SELECT 1").postgresql == "SELECT 1"


def test_statement_may_have_a_text_of_its_own_for_postgresql() -> None:
    statement = Statement("UPDATE a", "UPDATE b", postgresql="WITH both")
    assert (statement.sqlite, statement.postgresql) == (("UPDATE a", "UPDATE b"), "WITH both")


def test_batch_query_locks_in_the_order_of_its_column_unless_another_is_named() -> None:
    by_key = BatchQuery("SELECT 1 FROM t WHERE true", "id", "bigint", locks="t")
    by_tenant = BatchQuery("SELECT 1 FROM t WHERE true", "id", "bigint", locks="t", order="tenant")
    assert by_key.postgresql.endswith("id = ANY($1::bigint[]) ORDER BY id FOR UPDATE OF t")
    assert by_tenant.postgresql.endswith("ORDER BY tenant FOR UPDATE OF t")
    assert "FOR UPDATE" not in by_key.sqlite
    assert "ORDER BY" not in BatchQuery("SELECT 1 FROM t WHERE true", "id", "text").postgresql


def test_batch_write_takes_one_array_per_column() -> None:
    write = BatchWrite("UPDATE t SET n = n + :n WHERE name = :name AND n >= :n", "name text", "n")
    assert write.types == ("text", "bigint")
    assert write.postgresql == (
        "UPDATE t SET n = n + v.n_ FROM unnest($1::text[], $2::bigint[]) AS v(name_, n_)"
        " WHERE name = v.name_ AND n >= v.n_"
    )


def test_batch_write_names_the_columns_of_value_rows_for_sqlite() -> None:
    write = BatchWrite("UPDATE t SET n = n + :n WHERE name = :name AND n >= :n", "name text", "n")
    assert write.sqlite_for(2) == (
        "UPDATE t SET n = n + v.column2 FROM (VALUES (?, ?), (?, ?)) AS v WHERE name = v.column1 AND n >= v.column2"
    )


def test_batch_query_returns_its_rows_as_one_json_text_on_sqlite() -> None:
    query = BatchQuery("\nSELECT a, b - c\nFROM t WHERE true", "id", "bigint")
    assert query.sqlite == (
        "SELECT json_group_array(json_array(a, b - c))\nFROM t WHERE true AND id IN (SELECT value FROM json_each(?))"
    )


def test_cast_is_not_a_placeholder() -> None:
    assert PLACEHOLDER.findall("SELECT :a::bigint, x::text, :b_2") == ["a", "b_2"]
