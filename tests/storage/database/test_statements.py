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


def test_batch_write_reorders_a_row_for_sqlite_only_where_needed() -> None:
    write = BatchWrite("UPDATE t SET n = n + :n WHERE name = :name AND n >= :n", "name text", "n")
    assert write.sqlite == "UPDATE t SET n = n + ? WHERE name = ? AND n >= ?"
    assert write.reorder is not None
    assert write.reorder(("a", 5)) == (5, "a", 5)
    assert BatchWrite("UPDATE t SET n = :n WHERE name = :name", "n", "name text").reorder is None


def test_cast_is_not_a_placeholder() -> None:
    assert PLACEHOLDER.findall("SELECT :a::bigint, x::text, :b_2") == ["a", "b_2"]
