"""PostgreSQL: a unit's view of one psycopg connection, and the way to one."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import psycopg
from psycopg import errors, pq
from psycopg.rows import dict_row

from storage.database.connection import Among, Many, Row, Statement, to_dollar, to_percent

_SETTINGS = "-c statement_timeout=30s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"


class PostgresConnection:
    """A unit's view of one psycopg connection."""

    dialect = "postgresql"

    def __init__(self, raw: "psycopg.Connection[dict[str, Any]]") -> None:
        self.raw = raw

    def rows(self, sql: str, **values: Any) -> list[Row]:
        cursor = self.raw.execute(to_percent(sql).encode(), values)
        return list(cursor.fetchall()) if cursor.description else []

    def run(self, sql: str, **values: Any) -> int:
        return self.raw.execute(to_percent(sql).encode(), values).rowcount

    def first(self, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        return prepared(self.raw, statement.postgresql, values)

    def among(self, question: Among, keys: Iterable[int | str]) -> list[tuple[Any, ...]]:
        return list(_tuples(_planned(self.raw, question.postgresql, [_array(keys, question.kind)])))

    def many(self, write: Many, rows: Sequence[tuple[Any, ...]]) -> int:
        columns = zip(zip(*rows, strict=True), write.types, strict=True)
        return _planned(self.raw, write.postgresql, [_array(*column) for column in columns]).command_tuples or 0


def prepared(raw: "psycopg.Connection[Any]", sql: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The first row of a statement that the server has planned once."""
    text, names = to_dollar(sql)
    result = _planned(raw, text, [_to_wire(values[each]) for each in names])
    return next(_tuples(result), None)


def _planned(raw: "psycopg.Connection[Any]", text: str, wire: list[bytes | None]) -> pq.abc.PGresult:
    """Straight through libpq: a tenth of a cursor's CPU."""
    known: dict[str, bytes] = raw.__dict__.setdefault("farthing_prepared", {})
    name = known.get(text)
    if name is None:
        name = f"farthing_{len(known)}".encode()
        _checked(raw.pgconn.prepare(name, text.encode()))
        known[text] = name
    return _checked(raw.pgconn.exec_prepared(name, cast(Any, wire)))  # the driver's types forget that None is NULL


def command(raw: "psycopg.Connection[Any]", sql: bytes) -> pq.abc.PGresult:
    """BEGIN, COMMIT, ROLLBACK."""
    return _checked(raw.pgconn.exec_(sql))


def commit(raw: "psycopg.Connection[Any]") -> None:
    """Raises when the server rolled back instead: a unit had swallowed an error."""
    if command(raw, b"COMMIT").command_status != b"COMMIT":
        raise errors.InFailedSqlTransaction("the unit went on after an error; nothing of it was kept")


def _checked(result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status in {pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK}:
        return result
    raise errors.error_from_result(result)


def _to_wire(value: Any) -> bytes | None:
    if value is None:
        return None
    return b"ft"[value : value + 1] if isinstance(value, bool) else str(value).encode()


def _array(values: Iterable[Any], kind: str) -> bytes:
    """An array's literal."""
    return ("{" + ",".join(map(_ELEMENT[kind], values)) + "}").encode()


def _number(value: int | None) -> str:
    return "NULL" if value is None else str(value)


def _text(value: str | None) -> str:
    return "NULL" if value is None else '"' + value.replace("\\", r"\\").replace('"', r"\"") + '"'


def _boolean(value: bool) -> str:
    return "t" if value else "f"


_ELEMENT: dict[str, Callable[[Any], str]] = {"bigint": _number, "text": _text, "boolean": _boolean}


def _tuples(result: pq.abc.PGresult) -> Iterator[tuple[Any, ...]]:
    columns = [(column, _FROM_WIRE.get(result.ftype(column), bytes.decode)) for column in range(result.nfields)]
    for row in range(result.ntuples):
        values = ((result.get_value(row, column), read) for column, read in columns)
        yield tuple(None if value is None else read(value) for value, read in values)


# pg_type's own numbers: int8, int2, int4; bool
_FROM_WIRE: dict[int, Callable[[bytes], Any]] = {20: int, 21: int, 23: int, 16: b"t".__eq__}


def connect(url: str, lock_ms: int = 10_000) -> "psycopg.Connection[dict[str, Any]]":
    """`lock_ms`: how long a statement waits for somebody else's lock."""
    return psycopg.connect(
        url,
        autocommit=True,  # BEGIN and COMMIT are the pool's own words
        row_factory=dict_row,
        options=f"{_SETTINGS} -c lock_timeout={lock_ms}",
        prepare_threshold=None,  # the driver would forget ours with its own (DEALLOCATE ALL)
        keepalives=1,
        keepalives_idle=10,
        connect_timeout=10,
    )
