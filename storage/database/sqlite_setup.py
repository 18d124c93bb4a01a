"""The connections to a SQLite file: their statements, their pragmas, and the version of the library."""

import functools
import json
import logging
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import msgspec

from storage.database.connection import Row
from storage.database.statements import BatchQuery, BatchWrite, Statement

log = logging.getLogger(__name__)

BUSY_SECONDS = 10.0
SAFE_VERSION = (3, 51, 3)  # older versions can corrupt the WAL when two connections write at once
STATEMENTS_CACHED = 512
PRAGMAS = ("foreign_keys = ON", f"busy_timeout = {int(BUSY_SECONDS * 1000)}")
SECURE = "secure_delete = ON"
"""Deleted texts are overwritten in the file. Debian's SQLite does so by default, others leave them in free pages."""
# Under load the same few hundred pages are written repeatedly. A WAL of up to 64 MB is copied back less often, which
# keeps ten million entries nearly as fast as ten thousand.
WRITER_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "wal_autocheckpoint = 16000",
    "cache_size = -1024",
    SECURE,
)
READER_PRAGMAS = ("query_only = ON", "wal_autocheckpoint = 0", "cache_size = -1024")
_MOST_DOUBLINGS = 4  # statements of at most 16 rows: larger ones take 1 MB more and save nothing
_texts: dict[tuple[BatchWrite, int], str] = {}
_decode_rows = msgspec.json.Decoder(list[tuple[Any, ...]]).decode


class SqliteConnection:
    """Connection over one sqlite3 connection."""

    dialect = "sqlite"

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw

    def rows(self, sql: str, **values: Any) -> list[Row]:
        cursor = self.raw.execute(sql, values)
        if cursor.description is None:
            return []
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def run(self, sql: str, **values: Any) -> int:
        return self.raw.execute(sql, values).rowcount

    def first(self, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = None
        for part in statement.sqlite:
            cursor = self.raw.execute(part, values)
            if cursor.description is None:
                continue
            rows = cursor.fetchall()  # all rows: a half-read RETURNING would keep the statement open
            if not rows:
                return None
            found = rows[0]
        return found

    def query_batch(self, query: BatchQuery, keys: Iterable[int | str]) -> list[tuple[Any, ...]]:
        found: list[tuple[Any, ...]] = _decode_rows(
            self.raw.execute(query.sqlite, (json.dumps(list(keys)),)).fetchone()[0]
        )
        return found

    def write_batch(self, write: BatchWrite, rows: Sequence[tuple[Any, ...]]) -> int:
        changed = begin = 0
        while begin < len(rows):
            # a power of two, so that few SQL texts have to be kept
            count = 1 << min((len(rows) - begin).bit_length() - 1, _MOST_DOUBLINGS)
            values = list(chain.from_iterable(rows[begin : begin + count]))
            text = _texts.get((write, count)) or _texts.setdefault((write, count), write.sqlite_for(count))
            changed += self.raw.execute(text, values).rowcount
            begin += count
        return changed


def connect(path: str, *, writer: bool, busy_seconds: float = BUSY_SECONDS) -> sqlite3.Connection:
    """Open a connection in autocommit mode, without implicit transactions; a reader's is query-only."""
    raw = sqlite3.connect(
        path,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS_CACHED,
    )
    try:
        for pragma in (*PRAGMAS, *(WRITER_PRAGMAS if writer else READER_PRAGMAS)):
            raw.execute(f"PRAGMA {pragma}")
        if busy_seconds != BUSY_SECONDS:
            raw.execute(f"PRAGMA busy_timeout = {int(busy_seconds * 1000)}")
    except BaseException:
        raw.close()
        raise
    return raw


@functools.cache
def warn_if_old() -> None:
    """Log once per process that this SQLite version has the WAL-reset bug. Writing on one connection avoids it."""
    if sqlite3.sqlite_version_info < SAFE_VERSION:
        log.info(
            "SQLite %s has the WAL-reset bug fixed in 3.51.3; Farthing writes through one connection, which avoids it",
            sqlite3.sqlite_version,
        )
