"""PostgreSQL database: worker threads that run units alone, and one thread that runs batches.

A hundred holds that arrive together are a few statements and one sync of the disk.
"""

import asyncio
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self, TypeVar

import psycopg
from psycopg import errors

from storage.database.connection import Connection
from storage.database.postgres import PostgresConnection, Raw, begin, command, commit, connect
from storage.database.write_queue import (
    BatchUnit,
    CompletionQueue,
    DatabaseClosed,
    QueuedUnit,
    Unit,
    Watch,
    Watched,
    group_by_class,
    next_batch,
    run_batch,
)

T = TypeVar("T")
THREADS = 16
ATTEMPTS = 5
MAX_BATCH = 256
FIRST_SECONDS, FREE_SECONDS = 0.1, 3.0
"""The waits for a connection of this process, if the server takes no further one: for the first one, and for any."""
BATCH_LOCK_MS = 250  # a row locked by another transaction delays only its own unit, not the whole batch
_BEGIN_WRITE = b"BEGIN"
_BEGIN_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_RETRIED = (errors.SerializationFailure, errors.DeadlockDetected)


class PostgresDatabase:
    """The Database on a PostgreSQL server."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Self:
        self._pool = Pool(self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._pool.close)

    @property
    def queued(self) -> int:
        return self._pool.queued

    async def write(self, unit: Callable[[Connection], T]) -> T:
        return await self.submit(unit)

    def submit(self, unit: Callable[[Connection], T]) -> "asyncio.Future[T]":
        return self._pool.submit(unit, write=True)

    async def write_along(self, unit: Callable[[Connection], T], most_seconds: float) -> T:
        await asyncio.sleep(most_seconds)  # units share no commit here, so this one is only written less often
        return await self.submit(unit)

    async def read(self, query: Callable[[Connection], T]) -> T:
        result: T = await self._pool.submit(query, write=False)
        return result

    async def read_key(self, query: Callable[[Connection], T]) -> T:
        return await self.read(query)

    async def watch(self, watched: Sequence[Watched]) -> Watch | None:  # noqa: ARG002 - other replicas write too
        return None


class BatchThread:
    """A thread for BatchUnits. It runs all queued units of a class in one transaction.

    One class per transaction keeps the order of locks the same. Units that can't run as a batch are passed to
    `run_alone`, one by one.
    """

    def __init__(self, url: str, completions: CompletionQueue, run_alone: Callable[[QueuedUnit], None]) -> None:
        self._url, self._completions, self._run_alone = url, completions, run_alone
        self._raw: Raw | None = None
        self._jobs: queue.SimpleQueue[QueuedUnit | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="farthing-postgres-batch", daemon=True)
        self._thread.start()

    @property
    def queued(self) -> int:
        return self._jobs.qsize()

    def put(self, job: QueuedUnit) -> None:
        self._jobs.put(job)

    def close(self) -> None:
        """Finish the queued units or pass them on, then close the connection."""
        self._jobs.put(None)
        self._thread.join()
        self._disconnect()

    def _work(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = next_batch(self._jobs, MAX_BATCH)
            for unit_class, jobs in group_by_class(batch).items():
                if self._run_batch(unit_class, jobs):
                    self._completions.put(jobs)
                else:
                    for job in jobs:
                        self._run_alone(job)

    def _run_batch(self, unit_class: type[BatchUnit], jobs: list[QueuedUnit]) -> bool:
        """Run and commit the jobs; False when nothing was committed and each must run alone."""
        try:
            raw = self._begin()
            run_batch(PostgresConnection(raw), unit_class, jobs)
        except BaseException:  # noqa: BLE001 - running alone raises it again, for the unit it belongs to
            self._roll_back()
            return False
        try:
            commit(raw)
        except BaseException as error:  # noqa: BLE001 - the outcome is unknown: every caller gets the error
            self._roll_back()
            for job in jobs:
                job.result, job.error = None, error
        return True

    def _begin(self) -> Raw:
        if self._raw is not None:
            try:
                begin(self._raw, _BEGIN_WRITE)
            except psycopg.DatabaseError:  # the connection was lost while it was idle
                self._disconnect()
            else:
                return self._raw
        self._raw = connect(self._url, BATCH_LOCK_MS)
        begin(self._raw, _BEGIN_WRITE)
        return self._raw

    def _roll_back(self) -> None:
        try:
            if self._raw is not None:
                command(self._raw, b"ROLLBACK")
        except psycopg.Error:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._raw is not None:
            self._raw.close()
            self._raw = None


class Pool:
    """Worker threads and the connections that they share. BatchUnits go to the batch thread first.

    A deadlock or a serialization failure runs the whole unit again. A connection lost before the unit began is
    replaced; when one is lost later, the outcome is unknown and the caller gets the error. A server without a free
    connection gets the units over those that the process has.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._completions = CompletionQueue()
        self._jobs: queue.SimpleQueue[QueuedUnit | None] = queue.SimpleQueue()
        self._batches = BatchThread(url, self._completions, self._jobs.put)
        self._free: queue.LifoQueue[Raw] = queue.LifoQueue()
        self._lock = threading.Lock()
        self._closed, self._open = False, 0
        self._threads = [
            threading.Thread(target=self._work, name=f"farthing-postgres-{number}", daemon=True)
            for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def queued(self) -> int:
        return self._jobs.qsize() + self._batches.queued

    def submit(self, unit: Unit, *, write: bool) -> "asyncio.Future[Any]":
        """Queue a unit; the future is done once it is committed. Raises DatabaseClosed after close()."""
        job = QueuedUnit(unit, write=write)
        with self._lock:
            if self._closed:
                raise DatabaseClosed
            (self._batches.put if write and isinstance(unit, BatchUnit) else self._jobs.put)(job)
        return job.future

    def close(self) -> None:
        """Finish the queued units, then close every connection."""
        with self._lock:
            self._closed = True
        self._batches.close()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        while not self._free.empty():
            self._free.get().close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.result = self._run(job.unit, job.write)
            except BaseException as error:  # noqa: BLE001 - it belongs to the unit's caller
                job.error = error
            self._completions.put((job,))

    def _run(self, unit: Unit, write: bool) -> Any:
        for attempt in range(ATTEMPTS):
            try:
                return self._run_once(unit, write)
            except _RETRIED:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0.001, 0.01) * (attempt + 1))  # noqa: S311 - lets the other transaction end
        raise AssertionError("unreachable")

    def _run_once(self, unit: Unit, write: bool) -> Any:
        raw = self._begin(_BEGIN_WRITE if write else _BEGIN_READ)
        try:
            result = unit(PostgresConnection(raw))
            commit(raw)
        except BaseException:
            self._roll_back(raw)
            raise
        self._free.put(raw)
        return result

    def _begin(self, how: bytes) -> Raw:
        """Return a connection inside a new transaction."""
        while True:
            try:
                raw = self._free.get_nowait()
            except queue.Empty:
                try:
                    return self._connect(how)
                except psycopg.OperationalError as error:
                    raw = self._freed(error)
            try:
                begin(raw, how)
            except psycopg.DatabaseError:  # the connection was lost while it was idle
                self._drop(raw)
            else:
                return raw

    def _connect(self, how: bytes) -> Raw:
        raw = connect(self._url)
        with self._lock:
            self._open += 1
        try:
            begin(raw, how)
        except psycopg.DatabaseError:
            self._drop(raw)
            raise
        return raw

    def _freed(self, error: psycopg.OperationalError) -> Raw:
        """Wait for a connection that another thread gives back. Raises `error` if none comes."""
        with suppress(queue.Empty):
            return self._free.get(timeout=FIRST_SECONDS)
        if self._open:
            with suppress(queue.Empty):
                return self._free.get(timeout=FREE_SECONDS)
        raise error

    def _drop(self, raw: Raw) -> None:
        with self._lock:
            self._open -= 1
        raw.close()

    def _roll_back(self, raw: Raw) -> None:
        """Roll back and free the connection. If that fails, close it, so that the server rolls back."""
        try:
            command(raw, b"ROLLBACK")
        except psycopg.Error:
            self._drop(raw)
        else:
            self._free.put(raw)
