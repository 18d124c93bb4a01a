"""SQL statements with a text for each database: single statements, and queries and writes for a batch of rows."""

import re
from operator import itemgetter

PLACEHOLDER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")


class Statement:
    """A statement of the hot path with its SQLite and PostgreSQL texts.

    SQLite may run several parts in order; a part with RETURNING that returns no row is a failed guard and stops the
    statement. PostgreSQL runs one text, and locks the rows of the table named by `locks`.
    """

    __slots__ = ("postgresql", "sqlite")

    def __init__(self, *sqlite: str, postgresql: str = "", locks: str = "") -> None:
        self.sqlite = sqlite
        self.postgresql = postgresql or sqlite[0] + (f" FOR UPDATE OF {locks}" if locks else "")


class BatchQuery:
    """A query for the rows whose `column` is in a list of keys of type `kind`.

    PostgreSQL locks the rows of the table named by `locks`, in the order of the column `order` (default: `column`).
    """

    __slots__ = ("kind", "postgresql", "sqlite")

    def __init__(self, text: str, column: str, kind: str, *, locks: str = "", order: str = "") -> None:
        self.sqlite = f"{text} AND {column} IN (SELECT value FROM json_each(?))"
        locking = f" ORDER BY {order or column} FOR UPDATE OF {locks}" if locks else ""
        self.postgresql = f"{text} AND {column} = ANY($1::{kind}[]){locking}"
        self.kind = kind


class BatchWrite:
    """A write for a list of value rows: one execution a row on SQLite, one with an array per column on PostgreSQL.

    `columns` name the values of a row in order, as "tenant" (a number) or "request text". The SQL refers to them as
    `:tenant` and has exactly one WHERE. `reorder` brings a row into the order of SQLite's placeholders; None when
    that is the order of the columns.
    """

    __slots__ = ("postgresql", "reorder", "sqlite", "types")

    def __init__(self, text: str, *columns: str) -> None:
        types = {name: kind or "bigint" for name, _, kind in (column.partition(" ") for column in columns)}
        names, wanted = list(types), [match[1] for match in PLACEHOLDER.finditer(text)]
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(types.values(), 1))
        before, where, after = PLACEHOLDER.sub(r"v.\1_", text).partition(" WHERE ")
        self.sqlite = PLACEHOLDER.sub("?", text)
        self.reorder = None if wanted == names else itemgetter(*map(names.index, wanted))
        self.postgresql = (
            f"{before} FROM unnest({arrays}) AS v({', '.join(f'{name}_' for name in types)}){where}{after}"
        )
        self.types = tuple(types.values())
