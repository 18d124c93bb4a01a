"""SQL statements with a text for each database: single statements, and queries and writes for a batch of rows."""

import re
from functools import cache

ROWS = "<rows>"
_COLUMNS = re.compile(r"^\s*SELECT (.*?)(?=\s+FROM\s)", re.DOTALL)
PLACEHOLDER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class Statement:
    """A frequently used statement with its SQLite and PostgreSQL texts.

    On SQLite it may have several parts that run in order; if a part with RETURNING returns no row, its guard has failed
    and the statement stops. PostgreSQL runs one text, and locks the rows of the table named by `locks`.
    """

    __slots__ = ("postgresql", "sqlite")

    def __init__(self, *sqlite: str, postgresql: str = "", locks: str = "") -> None:
        self.sqlite = sqlite
        self.postgresql = postgresql or sqlite[0] + (f" FOR UPDATE OF {locks}" if locks else "")


class BatchQuery:
    """A query for the rows whose `column` is in a list of keys of type `kind`.

    PostgreSQL locks the rows of the table named by `locks`, in the order of the column `order` (default: `column`).
    SQLite returns all rows as one JSON text: between two rows its driver lets other threads run.
    """

    __slots__ = ("kind", "postgresql", "sqlite")

    def __init__(self, text: str, column: str, kind: str, *, locks: str = "", order: str = "") -> None:
        self.sqlite = (
            _COLUMNS.sub(r"SELECT json_group_array(json_array(\1))", text, count=1)
            + f" AND {column} IN (SELECT value FROM json_each(?))"
        )
        locking = f" ORDER BY {order or column} FOR UPDATE OF {locks}" if locks else ""
        self.postgresql = f"{text} AND {column} = ANY($1::{kind}[]){locking}"
        self.kind = kind


class BatchWrite:
    """A write for a list of value rows in one execution; PostgreSQL gets an array per column.

    `columns` name the values of a row in order, as "tenant" (a number) or "request text". The SQL refers to them as
    `:tenant` and has exactly one WHERE. `sqlite` contains ROWS in place of the value rows.
    """

    __slots__ = ("postgresql", "sqlite", "types")

    def __init__(self, text: str, *columns: str) -> None:
        types = {name: kind or "bigint" for name, _, kind in (column.partition(" ") for column in columns)}
        places = {name: number for number, name in enumerate(types, 1)}
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types.values(), 1))
        before, where, after = PLACEHOLDER.sub(r"v.\1_", text).partition(" WHERE ")
        self.postgresql = (
            f"{before} FROM unnest({arrays}) AS v({', '.join(f'{name}_' for name in types)}){where}{after}"
        )
        numbered = PLACEHOLDER.sub(lambda match: f"v.column{places[match[1]]}", text)
        before, where, after = numbered.partition(" WHERE ")
        self.sqlite = f"{before} FROM (VALUES {ROWS}) AS v{where}{after}"
        self.types = tuple(types.values())

    def sqlite_for(self, count: int) -> str:
        """Return the text for `count` rows of values."""
        return _for_rows(self.sqlite, len(self.types), count)


@cache
def _for_rows(text: str, columns: int, count: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return text.replace(ROWS, ", ".join([row] * count))
