"""SQLite: one thread writes, in groups; readers have query-only connections of their own.

A batch of units is one transaction, BEGIN IMMEDIATE to COMMIT, with synchronous=FULL: what a waiter is
told of has been synced. If a unit raises, the batch is replayed with a SAVEPOINT around each, so that
only the culprit's work is undone.
"""

import asyncio
import functools
import json
import logging
import queue
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from storage.database.connection import Among, Many, Row, Statement
from storage.database.write_queue import Bell, Closed, QueuedUnit, Unit, do_all, next_batch

log = logging.getLogger(__name__)

READERS = 2
BUSY_SECONDS = 10.0
MOST_IN_BATCH = 256
SAFE_VERSION = (3, 51, 3)  # before it, two connections that write at once can corrupt the WAL
STATEMENTS_CACHED = 512
PRAGMAS = ("foreign_keys = ON", f"busy_timeout = {int(BUSY_SECONDS * 1000)}")
# Under load the same few hundred pages are written again and again: a WAL of up to 64 MB copies them back far
# less often. That keeps ten million entries nearly as fast as ten thousand.
WRITER_PRAGMAS = ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 16000", "cache_size = -16384")
READER_PRAGMAS = ("query_only = ON", "wal_autocheckpoint = 0")


class SqliteConnection:
    """A unit's view of one sqlite3 connection."""

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
            rows = cursor.fetchall()  # whole: a RETURNING half read would stay open
            if not rows:
                return None
            found = rows[0]
        return found

    def among(self, question: Among, keys: Iterable[int | str]) -> list[tuple[Any, ...]]:
        return self.raw.execute(question.sqlite, (json.dumps(list(keys)),)).fetchall()

    def many(self, write: Many, rows: Sequence[tuple[Any, ...]]) -> int:
        bound = rows if write.bound is None else map(write.bound, rows)
        return self.raw.executemany(write.sqlite, bound).rowcount


def connect(path: str, *, writer: bool) -> sqlite3.Connection:
    """Autocommit mode: transactions are ours. The one writer checkpoints; readers can't write at all."""
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
    except BaseException:
        raw.close()
        raise
    return raw


def look(path: str, query: Unit) -> Any:
    """`query` on one snapshot of a file that is there, and is left as it is. Raises sqlite3.Error."""
    name = quote(str(Path(path).absolute()).lstrip("/"))
    with closing(sqlite3.connect(f"file:///{name}?mode=rw", uri=True, isolation_level=None)) as raw:
        for pragma in (*PRAGMAS, *READER_PRAGMAS):
            raw.execute(f"PRAGMA {pragma}")
        raw.execute("BEGIN")
        return query(SqliteConnection(raw))


class Writer:
    """The thread that owns the writing connection."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[QueuedUnit | None] = queue.SimpleQueue()
        self._bell = Bell()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="farthing-writer", daemon=True)
        self._raw = connect(path, writer=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, unit: Unit) -> "asyncio.Future[Any]":
        """Durable when it is done; the wait can't be cancelled. Raises Closed after stop()."""
        job = QueuedUnit(unit)
        with self._gate:
            if self._closed:
                raise Closed
            self._jobs.put(job)
        return job.waiter

    def stop(self) -> None:
        """What was asked for before is still done."""
        with self._gate:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        self._raw.close()

    def _work(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = next_batch(self._jobs, MOST_IN_BATCH)
            if batch:
                self._commit(batch)
                self._bell.ring(batch)

    def _commit(self, batch: list[QueuedUnit]) -> None:
        try:
            if not self._plainly(batch):
                self._carefully(batch)
        except BaseException as error:  # noqa: BLE001 - disk full, locked out: everybody must hear of it
            self._roll_back()
            for job in batch:
                job.result, job.error = None, error

    def _plainly(self, batch: list[QueuedUnit]) -> bool:
        """All of them in one transaction; False, with nothing done, when one raised."""
        conn = SqliteConnection(self._raw)
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            do_all(conn, batch)
        except Exception:  # noqa: BLE001 - found again, and kept, in the replay
            self._roll_back()
            return False
        self._raw.execute("COMMIT")
        return True

    def _carefully(self, batch: list[QueuedUnit]) -> None:
        conn = SqliteConnection(self._raw)
        self._raw.execute("BEGIN IMMEDIATE")
        for job in batch:
            job.result, job.error = None, None
            self._raw.execute("SAVEPOINT unit")
            try:
                job.result = job.unit(conn)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever asked
                job.error = error
                self._raw.execute("ROLLBACK TO unit")
            self._raw.execute("RELEASE unit")
        self._raw.execute("COMMIT")

    def _roll_back(self) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK")


class Readers:
    """Query-only connections, lent to one reader at a time."""

    def __init__(self, path: str) -> None:
        self._free: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._all = [connect(path, writer=False) for _ in range(READERS)]
        for raw in self._all:
            self._free.put(raw)

    def read(self, query: Unit) -> Any:
        """One consistent snapshot."""
        raw = self._free.get()
        try:
            raw.execute("BEGIN")
            try:
                return query(SqliteConnection(raw))
            finally:
                raw.execute("ROLLBACK")
        finally:
            self._free.put(raw)

    def close(self) -> None:
        for raw in self._all:
            raw.close()


@functools.cache
def warn_if_old() -> None:
    """Once a process, and no alarm: how Farthing writes is what avoids it."""
    if sqlite3.sqlite_version_info < SAFE_VERSION:
        log.info(
            "SQLite %s has the WAL-reset bug fixed in 3.51.3; Farthing writes through one connection, which avoids it",
            sqlite3.sqlite_version,
        )
