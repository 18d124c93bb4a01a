"""PostgreSQL's threads: on some, units by themselves; on one more, those that are alike, together.

So a hundred holds are a handful of statements and one sync of the disk.
"""

import asyncio
import queue
import random
import threading
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import psycopg
from psycopg import errors

from storage.database.postgres import PostgresConnection, command, commit, connect
from storage.database.write_queue import Alike, Bell, Closed, QueuedUnit, Unit, kinds, next_batch, together

THREADS = 16
TRIES = 5
MOST_TOGETHER = 256
LANE_LOCK_MS = 250  # a row that somebody keeps locked holds up its own unit, not everybody's
_WRITE = b"BEGIN"
_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)
Raw: TypeAlias = psycopg.Connection[dict[str, Any]]


class Lane:
    """One thread for the units that are alike: what has come meanwhile is one transaction for each kind.

    A kind a transaction keeps the locks in one order. What can't be done together is handed to `alone`, each job by
    itself.
    """

    def __init__(self, url: str, bell: Bell, alone: Callable[[QueuedUnit], None]) -> None:
        self._url, self._bell, self._alone = url, bell, alone
        self._raw: Raw | None = None
        self._jobs: queue.SimpleQueue[QueuedUnit | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="farthing-postgres-lane", daemon=True)
        self._thread.start()

    def put(self, job: QueuedUnit) -> None:
        self._jobs.put(job)

    def close(self) -> None:
        """What was put before is still done, or handed on."""
        self._jobs.put(None)
        self._thread.join()
        self._drop()

    def _work(self) -> None:
        stopping = False
        while not stopping:
            batch, stopping = next_batch(self._jobs, MOST_TOGETHER)
            for kind, jobs in kinds(batch).items():
                if self._together(kind, jobs):
                    self._bell.ring(jobs)
                else:
                    for job in jobs:
                        self._alone(job)

    def _together(self, kind: type[Alike], jobs: list[QueuedUnit]) -> bool:
        """False: nothing of it stands."""
        try:
            raw = self._begin()
            together(PostgresConnection(raw), kind, jobs)
        except BaseException:  # noqa: BLE001 - found again, and told to whom it belongs, when each is alone
            self._undo()
            return False
        try:
            commit(raw)
        except BaseException as error:  # noqa: BLE001 - nobody knows what stands: everybody must hear of it
            self._undo()
            for job in jobs:
                job.result, job.error = None, error
        return True

    def _begin(self) -> Raw:
        if self._raw is not None:
            try:
                command(self._raw, _WRITE)
            except psycopg.DatabaseError:  # it was lost while it rested
                self._drop()
            else:
                return self._raw
        self._raw = connect(self._url, LANE_LOCK_MS)
        command(self._raw, _WRITE)
        return self._raw

    def _undo(self) -> None:
        try:
            if self._raw is not None:
                command(self._raw, b"ROLLBACK")
        except psycopg.Error:
            self._drop()

    def _drop(self) -> None:
        if self._raw is not None:
            self._raw.close()
            self._raw = None


class Pool:
    """Runs units on threads, each by itself; writes that are alike go to the lane.

    A deadlock or conflict runs the whole unit again.
    A connection that turns out to be lost before the unit began is replaced unseen; after that nobody knows
    what stands, and the caller hears of it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._bell = Bell()
        self._jobs: queue.SimpleQueue[QueuedUnit | None] = queue.SimpleQueue()
        self._lane = Lane(url, self._bell, self._jobs.put)
        self._free: queue.LifoQueue[Raw] = queue.LifoQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"farthing-postgres-{number}", daemon=True)
            for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, unit: Unit, *, write: bool) -> "asyncio.Future[Any]":
        """Raises Closed after close()."""
        job = QueuedUnit(unit, write=write)
        with self._gate:
            if self._closed:
                raise Closed
            (self._lane.put if write and isinstance(unit, Alike) else self._jobs.put)(job)
        return job.waiter

    def close(self) -> None:
        """What was asked for before is still done."""
        with self._gate:
            self._closed = True
        self._lane.close()
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
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
                job.error = error
            self._bell.ring((job,))

    def _run(self, unit: Unit, write: bool) -> Any:
        for attempt in range(TRIES):
            try:
                return self._once(unit, write)
            except _AGAIN:
                if attempt == TRIES - 1:
                    raise
                time.sleep(random.uniform(0.001, 0.01) * (attempt + 1))  # noqa: S311 - so that the other goes first
        raise AssertionError("unreachable")

    def _once(self, unit: Unit, write: bool) -> Any:
        raw = self._begin(_WRITE if write else _READ)
        try:
            result = unit(PostgresConnection(raw))
            commit(raw)
        except BaseException:
            self._give_up(raw)
            raise
        self._free.put(raw)
        return result

    def _begin(self, begin: bytes) -> Raw:
        """A connection inside a transaction."""
        while True:
            try:
                raw = self._free.get_nowait()
            except queue.Empty:
                raw = connect(self._url)
                command(raw, begin)
                return raw
            try:
                command(raw, begin)
            except psycopg.DatabaseError:  # it was lost while it rested
                raw.close()
            else:
                return raw

    def _give_up(self, raw: Raw) -> None:
        """Undo; a connection that can't is thrown away, and the server undoes."""
        try:
            command(raw, b"ROLLBACK")
        except psycopg.Error:
            raw.close()
        else:
            self._free.put(raw)
