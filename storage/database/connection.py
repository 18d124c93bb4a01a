"""Connection: what a unit of work sees of the database: SQL with `:name` placeholders, rows by name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from operator import itemgetter
from typing import Any, Protocol

Row = Mapping[str, Any]
_PLACEHOLDER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_DIGITS = 19  # of a 64-bit number: with fewer it is one for certain


class Statement:
    """A hot statement in each database's words.

    On SQLite it may have several parts, run in order: a part with RETURNING that returns nothing is a guard that
    missed, and ends it. PostgreSQL runs one, and locks the rows of the table named by `locks`.
    """

    __slots__ = ("postgresql", "sqlite")

    def __init__(self, *sqlite: str, postgresql: str = "", locks: str = "") -> None:
        self.sqlite = sqlite
        self.postgresql = postgresql or sqlite[0] + (f" FOR UPDATE OF {locks}" if locks else "")


class Among:
    """A question about the rows whose `column` is one of many. PostgreSQL locks those of `locks`, in `order`."""

    __slots__ = ("kind", "postgresql", "sqlite")

    def __init__(self, text: str, column: str, kind: str, *, locks: str = "", order: str = "") -> None:
        self.sqlite = f"{text} AND {column} IN (SELECT value FROM json_each(?))"
        locking = f" ORDER BY {order or column} FOR UPDATE OF {locks}" if locks else ""
        self.postgresql = f"{text} AND {column} = ANY($1::{kind}[]){locking}"
        self.kind = kind


class Many:
    """A write for many rows of values at once: SQLite steps through them, PostgreSQL takes a column as an array.

    `columns` say a row's values in their order, as "tenant" (a number) or "request text"; the text names them
    `:tenant`, and has one WHERE. `bound` is a row as SQLite's placeholders want it.
    """

    __slots__ = ("bound", "postgresql", "sqlite", "types")

    def __init__(self, text: str, *columns: str) -> None:
        types = {name: kind or "bigint" for name, _, kind in (column.partition(" ") for column in columns)}
        names, wanted = list(types), [match[1] for match in _PLACEHOLDER.finditer(text)]
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types.values(), 1))
        before, where, after = _PLACEHOLDER.sub(r"v.\1_", text).partition(" WHERE ")
        self.sqlite = _PLACEHOLDER.sub("?", text)
        self.bound = None if wanted == names else itemgetter(*map(names.index, wanted))
        self.postgresql = (
            f"{before} FROM unnest({arrays}) AS v({', '.join(f'{name}_' for name in types)}){where}{after}"
        )
        self.types = tuple(types.values())


class Connection(Protocol):
    """A transaction that somebody else commits. Never kept beyond the unit."""

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """Every row of a query, or of a RETURNING."""
        ...

    def run(self, sql: str, **values: Any) -> int:
        """Execute; how many rows it touched."""
        ...

    def first(self, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """The first row that a hot statement gives, as a tuple; None when a guard missed or nothing is returned."""
        ...

    def among(self, question: Among, keys: Iterable[int | str]) -> list[tuple[Any, ...]]:
        """The rows of those `keys` that are there."""
        ...

    def many(self, write: Many, rows: Sequence[tuple[Any, ...]]) -> int:
        """Write each of `rows`; how many took."""
        ...


def row(conn: Connection, sql: str, **values: Any) -> Row | None:
    """The first row, if any."""
    found = conn.rows(sql, **values)
    return found[0] if found else None


def scalar(conn: Connection, sql: str, **values: Any) -> Any:
    """The first column of the first row; None when there is none."""
    found = row(conn, sql, **values)
    return None if found is None else next(iter(found.values()))


def ms(moment: datetime) -> int:
    """Times are stored as whole milliseconds since 1970, UTC."""
    delta = moment - _EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def moment(stored_ms: int) -> datetime:
    return datetime.fromtimestamp(stored_ms / 1000, UTC)


def moment_or_none(stored_ms: int | None) -> datetime | None:
    return None if stored_ms is None else moment(stored_ms)


def row_number(text: str) -> int | None:
    """A row's number as people type it; None for anything else, and for what no 64 bits hold."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _MOST_DIGITS else None


@lru_cache(maxsize=1024)
def to_percent(sql: str) -> str:
    """`:name` -> `%(name)s` for psycopg; a literal % is doubled."""
    return _PLACEHOLDER.sub(r"%(\1)s", sql.replace("%", "%%"))


@lru_cache(maxsize=1024)
def to_dollar(sql: str) -> tuple[str, tuple[str, ...]]:
    """`:name` -> `$1`, as PostgreSQL prepares it, and the names in the order of their numbers."""
    names: dict[str, int] = {}
    text = _PLACEHOLDER.sub(lambda match: f"${names.setdefault(match[1], len(names) + 1)}", sql)
    return text, tuple(names)
