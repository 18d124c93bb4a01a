"""PostgreSQL connections: Connection over psycopg, with prepared statements run through libpq, and how to connect."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, cast

import psycopg
from psycopg import errors, pq
from psycopg.rows import dict_row

from storage.database.connection import Row
from storage.database.statements import PLACEHOLDER, BatchQuery, BatchWrite, Statement

Raw: TypeAlias = psycopg.Connection[dict[str, Any]]
_SETTINGS = {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "30s", "timezone": "UTC"}
_SHOWN = {"idle_in_transaction_session_timeout": "30s"}
_POOLED = "farthing_pooled"
"""The attribute of a connection through a pooler, with the SQL of the settings of each transaction."""


class PostgresConnection:
    """Connection over one psycopg connection."""

    dialect = "postgresql"

    def __init__(self, raw: Raw) -> None:
        self.raw = raw

    def rows(self, sql: str, **values: Any) -> list[Row]:
        cursor = self.raw.execute(to_percent(sql).encode(), values)
        return list(cursor.fetchall()) if cursor.description else []

    def run(self, sql: str, **values: Any) -> int:
        return self.raw.execute(to_percent(sql).encode(), values).rowcount

    def first(self, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        text, names = to_dollar(statement.postgresql)
        result = _execute_prepared(self.raw, text, [_to_wire(values[each]) for each in names])
        return next(_tuples(result), None)

    def query_batch(self, query: BatchQuery, keys: Iterable[int | str]) -> list[tuple[Any, ...]]:
        return list(_tuples(_execute_prepared(self.raw, query.postgresql, [_array(keys, query.kind)])))

    def write_batch(self, write: BatchWrite, rows: Sequence[tuple[Any, ...]]) -> int:
        columns = zip(zip(*rows, strict=True), write.types, strict=True)
        arrays: list[bytes | None] = [_array(*column) for column in columns]
        return _execute_prepared(self.raw, write.postgresql, arrays).command_tuples or 0


def connect(url: str, lock_ms: int = 10_000) -> Raw:
    """Connect; a statement waits `lock_ms` at most for a lock of another transaction.

    A pooler such as PgBouncer refuses or drops the settings of a connection, and in transaction mode any of its
    connections may run the next transaction: there each transaction has the settings, and no statement a name.
    """
    settings = {**_SETTINGS, "lock_timeout": f"{lock_ms}ms"}
    try:
        raw = _connect(url, " ".join(f"-c {name}={value}" for name, value in settings.items()))
    except psycopg.OperationalError as error:
        if "startup parameter" not in str(error):  # a refused connection has no SQLSTATE
            raise
        raw = _connect(url, "")
    if raw.execute("SHOW idle_in_transaction_session_timeout").fetchone() != _SHOWN:
        set_local = "".join(f"; SET LOCAL {name} = '{value}'" for name, value in settings.items())
        raw.__dict__[_POOLED] = set_local.encode()
    return raw


def _connect(url: str, options: str) -> Raw:
    return psycopg.connect(
        url,
        autocommit=True,  # the pool itself sends BEGIN and COMMIT
        row_factory=dict_row,
        options=options,
        prepare_threshold=None,  # psycopg's own prepared statements would drop ours with DEALLOCATE ALL
        keepalives=1,
        keepalives_idle=10,
        connect_timeout=10,
    )


def command(raw: Raw, sql: bytes) -> pq.abc.PGresult:
    """Run BEGIN, COMMIT or ROLLBACK."""
    return _checked(raw.pgconn.exec_(sql))


def begin(raw: Raw, sql: bytes) -> None:
    """Run a BEGIN, with the settings of the transaction if the connection can't keep them."""
    command(raw, sql + raw.__dict__.get(_POOLED, b""))


def commit(raw: Raw) -> None:
    """Commit. Raises InFailedSqlTransaction when the server rolled back because a unit had swallowed an SQL error."""
    if command(raw, b"COMMIT").command_status != b"COMMIT":
        raise errors.InFailedSqlTransaction("the unit continued after an SQL error; its transaction was rolled back")


@lru_cache(maxsize=1024)
def to_percent(sql: str) -> str:
    """Turn `:name` into psycopg's `%(name)s`, and double each literal %."""
    return PLACEHOLDER.sub(r"%(\1)s", sql.replace("%", "%%"))


@lru_cache(maxsize=1024)
def to_dollar(sql: str) -> tuple[str, tuple[str, ...]]:
    """Turn `:name` into `$1`, as PREPARE requires, and return the names in the order of their numbers too."""
    names: dict[str, int] = {}
    text = PLACEHOLDER.sub(lambda match: f"${names.setdefault(match[1], len(names) + 1)}", sql)
    return text, tuple(names)


def _execute_prepared(raw: Raw, text: str, wire: list[bytes | None]) -> pq.abc.PGresult:
    """Execute through libpq, which takes a tenth of a cursor's CPU; prepare on first use in this connection."""
    if _POOLED in raw.__dict__:
        return _checked(raw.pgconn.exec_params(text.encode(), cast(Any, wire)))
    known: dict[str, bytes] = raw.__dict__.setdefault("farthing_prepared", {})
    name = known.get(text)
    if name is None:
        name = f"farthing_{len(known)}".encode()
        _checked(raw.pgconn.prepare(name, text.encode()))
        known[text] = name
    return _checked(raw.pgconn.exec_prepared(name, cast(Any, wire)))  # psycopg's types leave out None, which is NULL


def _checked(result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status in {pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK}:
        return result
    raise errors.error_from_result(result)


def _to_wire(value: Any) -> bytes | None:
    if value is None:
        return None
    return b"ft"[value : value + 1] if isinstance(value, bool) else str(value).encode()


def _array(values: Iterable[Any], kind: str) -> bytes:
    """Return a PostgreSQL array literal."""
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


# Type numbers of pg_type: int8, int2, int4, bool.
_FROM_WIRE: dict[int, Callable[[bytes], Any]] = {20: int, 21: int, 23: int, 16: b"t".__eq__}
