"""SQLite: one writer thread that commits units in batches, and query-only connections for readers.

A batch is one transaction, BEGIN IMMEDIATE to COMMIT, with synchronous=FULL: callers get their results after the disk
has synced. A batch of units that all sync later is synced with the next other batch. If a unit raises, the batch is
replayed with a SAVEPOINT around each, so that only that unit is undone.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import quote

from storage.database.connection import Connection
from storage.database.files import create_private, make_private
from storage.database.sqlite_setup import (
    BUSY_SECONDS,
    PRAGMAS,
    READER_PRAGMAS,
    SqliteConnection,
    connect,
    warn_if_old,
)
from storage.database.write_queue import (
    CompletionQueue,
    DatabaseClosed,
    QueuedUnit,
    Unit,
    Watch,
    Watched,
    Watches,
    all_sync_later,
    next_batch,
    run_all,
)

log = logging.getLogger(__name__)
T = TypeVar("T")
READERS, MAX_BATCH = 2, 256


class SqliteDatabase:
    """Database over one SQLite file."""

    dialect = "sqlite"

    def __init__(self, url: str, path: str) -> None:
        self.url, self.path = url, path

    async def __aenter__(self) -> Self:
        path = Path(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        create_private(path)
        make_private(path)
        warn_if_old()
        self._writer = Writer(self.path)
        self._writer.start()
        self._readers, self._own_reader = Readers(self.path), Readers(self.path, 1, busy_seconds=0)
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="farthing-reader")
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._close)

    @property
    def queued(self) -> int:
        return self._writer.queued

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.submit(unit)

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        return self._writer.submit(unit)

    async def write_along(self, unit: Callable[[Connection], T], most_seconds: float) -> T:
        result: T = await self._writer.submit(unit, most_seconds)
        return result

    async def read(self, query: Callable[[Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        result: T = await loop.run_in_executor(self._threads, self._readers.read, query)
        return result

    async def read_key(self, query: Callable[[Connection], T]) -> T:
        """Run `query` in the event loop's own thread: switching threads twice would take longer than the query.

        In WAL mode a reader waits for nothing. If it still finds the database locked, a thread runs it again.
        """
        try:
            found: T = self._own_reader.read(query)
        except sqlite3.OperationalError:
            return await self.read(query)
        return found

    async def watch(self, watched: Sequence[Watched]) -> Watch | None:
        """Return a counter of the changes that this process commits to the watched columns."""
        watch = Watch()

        def begin(conn: Connection) -> None:
            assert isinstance(conn, SqliteConnection)
            watch.begin(conn.raw, watched)

        await self.write(begin)
        self._writer.watches.add(watch)
        return watch

    def _close(self) -> None:
        """Close the readers first: an open snapshot would block the writer's last checkpoint."""
        self._threads.shutdown(wait=True)
        self._readers.close()
        self._own_reader.close()
        self._writer.stop()


def query_file(path: str, query: Unit) -> Any:
    """Run `query` on a snapshot of an existing file without changing it. Raises sqlite3.Error."""
    name = quote(str(Path(path).absolute()).lstrip("/"))
    with closing(sqlite3.connect(f"file:///{name}?mode=rw", uri=True, isolation_level=None)) as raw:
        for pragma in (*PRAGMAS, *READER_PRAGMAS):
            raw.execute(f"PRAGMA {pragma}")
        raw.execute("BEGIN")
        return query(SqliteConnection(raw))


class Writer:
    """The thread that owns the writing connection."""

    def __init__(self, path: str) -> None:
        self._jobs: queue.SimpleQueue[QueuedUnit | None] = queue.SimpleQueue()
        self._arrived: list[QueuedUnit] = []
        self._along: list[QueuedUnit] = []  # units that wait for a commit to share
        self._completions = CompletionQueue()
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="farthing-writer", daemon=True)
        self._raw, self._syncs_later = connect(path, writer=True), False
        self.watches = Watches(self._raw)

    def start(self) -> None:
        self._thread.start()

    def submit(self, unit: Unit, along_seconds: float = 0.0) -> "asyncio.Future[Any]":
        """Queue a unit; the future is done once it is durable. Raises DatabaseClosed after stop().

        `along_seconds`: how long the unit may wait for the next other unit, to share its commit. Such a wait can be
        cancelled; the unit is run nevertheless.
        """
        job = QueuedUnit(unit, write=not along_seconds)
        with self._lock:
            if self._closed:
                raise DatabaseClosed
            if along_seconds:
                self._along.append(job)
                timer = job.loop.call_later(along_seconds, self._pass_on)
                job.future.add_done_callback(lambda _: timer.cancel())
                return job.future
            self._arrived.append(job)
            if len(self._arrived) == 1:
                job.loop.call_soon(self._pass_on)
        return job.future

    def _pass_on(self) -> None:
        """Pass the units of one turn of the event loop to the thread together, so that they share a commit."""
        with self._lock:
            for job in (*self._along, *self._arrived):
                self._jobs.put(job)
            self._arrived.clear()
            self._along.clear()

    @property
    def queued(self) -> int:
        return self._jobs.qsize() + len(self._arrived)

    def stop(self) -> None:
        """Finish the queued units, then close the connection."""
        with self._lock:
            self._closed = True
        self._pass_on()
        self._jobs.put(None)
        self._thread.join()
        self._raw.close()

    def _work(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = next_batch(self._jobs, MAX_BATCH)
            if batch:
                self._commit(batch)
                self.watches.count_changes()
                self._completions.put(batch)

    def _commit(self, batch: list[QueuedUnit]) -> None:
        try:
            self._set_sync(later=all_sync_later(batch))
            if not self._commit_together(batch):
                self._commit_with_savepoints(batch)
        except BaseException as error:  # noqa: BLE001 - disk full or locked: every caller gets the error
            self._roll_back()
            for job in batch:
                job.result, job.error = None, error

    def _set_sync(self, *, later: bool) -> None:
        """Sync the next commit to the disk, or `later` leave that to the one after it."""
        if later is not self._syncs_later:
            self._raw.executescript(f"PRAGMA synchronous = {'NORMAL' if later else 'FULL'}")
            self._syncs_later = later

    def _commit_together(self, batch: list[QueuedUnit]) -> bool:
        """Commit the batch as it is; False, with nothing done, when a unit raised."""
        conn = SqliteConnection(self._raw)
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            run_all(conn, batch)
        except Exception:  # noqa: BLE001 - the replay raises it again, for the unit it belongs to
            self._roll_back()
            return False
        self._raw.execute("COMMIT")
        return True

    def _commit_with_savepoints(self, batch: list[QueuedUnit]) -> None:
        """Commit the units that succeed; a unit that raises is undone alone and its caller gets the error."""
        conn = SqliteConnection(self._raw)
        self._raw.execute("BEGIN IMMEDIATE")
        for job in batch:
            job.result, job.error = None, None
            self._raw.execute("SAVEPOINT unit")
            try:
                job.result = job.unit(conn)
            except Exception as error:
                job.error = error
                if not self._raw.in_transaction:  # on a full disk, SQLite itself rolls everything back
                    raise
                self._raw.execute("ROLLBACK TO unit")
            self._raw.execute("RELEASE unit")
        self._raw.execute("COMMIT")

    def _roll_back(self) -> None:
        """Undo the open transaction. If that fails, it is only logged: the caller gets the error that led here."""
        try:
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("cannot roll back")


class Readers:
    """Query-only connections, each lent to one reader at a time."""

    def __init__(self, path: str, number: int = READERS, *, busy_seconds: float = BUSY_SECONDS) -> None:
        self._free: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self._all = [connect(path, writer=False, busy_seconds=busy_seconds) for _ in range(number)]
        for raw in self._all:
            self._free.put(raw)

    def read(self, query: Unit) -> Any:
        """Run `query` on one consistent snapshot."""
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
