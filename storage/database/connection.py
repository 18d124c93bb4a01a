"""Connection: the view of the database that a unit of work receives; single rows, and dates as they are stored.

The database stores moments, days and months as whole numbers in UTC.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol

from storage.database.statements import BatchQuery, BatchWrite, Statement

Row = Mapping[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_DIGITS = 18  # every number of up to 18 digits fits into 64 bits


class Connection(Protocol):
    """An open transaction. The database commits it; a unit never commits and never keeps it after returning.

    SQL has `:name` placeholders; rows are mappings by column name.
    """

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        ...

    def rows(self, sql: str, **values: Any) -> list[Row]:
        """Return every row of a query or of a RETURNING clause."""
        ...

    def run(self, sql: str, **values: Any) -> int:
        """Execute `sql`; return the number of rows it changed."""
        ...

    def first(self, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row of a statement; None when there is none or a guard failed."""
        ...

    def query_batch(self, query: BatchQuery, keys: Iterable[int | str]) -> list[tuple[Any, ...]]:
        """Return the rows that exist for `keys`."""
        ...

    def write_batch(self, write: BatchWrite, rows: Sequence[tuple[Any, ...]]) -> int:
        """Write each of `rows`; return the number of changed rows in the table."""
        ...


def row(conn: Connection, sql: str, **values: Any) -> Row | None:
    """Return the first row, if any."""
    found = conn.rows(sql, **values)
    return found[0] if found else None


def scalar(conn: Connection, sql: str, **values: Any) -> Any:
    """Return the first column of the first row; None when there is no row."""
    found = row(conn, sql, **values)
    return None if found is None else next(iter(found.values()))


def for_update(conn: Connection) -> str:
    """Return the SQL suffix that locks selected rows on PostgreSQL; empty on SQLite, which has a single writer."""
    return " FOR UPDATE" if conn.dialect == "postgresql" else ""


def row_number(text: str) -> int | None:
    """Parse a row id that a person typed; None for other text, and for numbers that may not fit into 64 bits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None


def ms(moment: datetime) -> int:
    """Return the milliseconds since 1970 UTC, rounded down."""
    delta = moment - _EPOCH
    return delta.days * 86_400_000 + delta.seconds * 1000 + delta.microseconds // 1000


def moment(stored_ms: int) -> datetime:
    """Return the UTC time for stored milliseconds."""
    return datetime.fromtimestamp(stored_ms / 1000, UTC)


def moment_or_none(stored_ms: int | None) -> datetime | None:
    """Return the UTC time for stored milliseconds; None for NULL."""
    return None if stored_ms is None else moment(stored_ms)


def month_of(moment: date) -> int:
    """Return a month as a number: 202611 for November 2026. API key limits and invoices are counted by month."""
    return moment.year * 100 + moment.month


def day_of(moment: date) -> int:
    """Return a UTC day as a number, 20261124 for 24 November 2026, so that days sort and compare as numbers."""
    return moment.year * 10_000 + moment.month * 100 + moment.day
