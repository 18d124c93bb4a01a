"""Units of work on their way from an event loop to a database thread and back, alone or in batches.

Watch: a count of changes, by which a reader knows whether the rows that it remembers are still current. Temporary
triggers on the writer's connection find the changes, so that code that writes does not have to report them.
"""

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from storage.database.connection import Connection

log = logging.getLogger(__name__)
LOOK_SECONDS = 1.0  # between two checks for changes by other programs
_UNKNOWN = -1  # the version of the content after a failed check
Unit = Callable[[Connection], Any]
T = TypeVar("T")


class BatchUnit(ABC):
    """A unit of work that can run in one batch with other units of its class. Calling it runs it alone.

    `syncs_later`: a loss of power may undo it until the next commit that is synced, because nothing shows it before.
    """

    __slots__ = ()

    @property
    def syncs_later(self) -> bool:
        return False

    @abstractmethod
    def __call__(self, conn: Connection) -> Any: ...

    @classmethod
    @abstractmethod
    def run_batch(cls, conn: Connection, units: Sequence[Any]) -> Sequence[Any]:
        """Return the result of each unit. On any exception the batch is rolled back and each unit runs alone."""
        ...


class SyncedLater(Generic[T]):
    """A unit that a loss of power may undo until the next commit that is synced, because nothing shows it before.

    Unlike a BatchUnit, it is not moved behind other units.
    """

    __slots__ = ("_unit",)
    syncs_later = True

    def __init__(self, unit: Callable[[Connection], T]) -> None:
        self._unit = unit

    def __call__(self, conn: Connection) -> T:
        return self._unit(conn)


class NotBatchable(Exception):
    """The units need the general code path: each must run alone."""


class DatabaseClosed(Exception):
    def __init__(self) -> None:
        super().__init__("the database is closed")


class UncancellableFuture(asyncio.Future[Any]):
    """A future for a commit. Cancelling a task that awaits it takes effect when the commit has ended."""

    def cancel(self, msg: Any = None) -> bool:  # noqa: ARG002 - asyncio's signature
        return False


class QueuedUnit:
    """A unit with the future that its caller awaits. The future of a write cannot be cancelled, that of a read can."""

    __slots__ = ("error", "future", "loop", "result", "unit", "write")

    def __init__(self, unit: Unit, *, write: bool = True) -> None:
        self.unit, self.write = unit, write
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = UncancellableFuture(loop=self.loop) if write else self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def complete(self) -> None:
        """Hand the result or the error to the caller. Must run in the caller's event loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def all_sync_later(jobs: Iterable[QueuedUnit]) -> bool:
    """Return True if no job needs its commit to be synced to the disk."""
    return all(getattr(job.unit, "syncs_later", False) for job in jobs)


def next_batch(jobs: "queue.SimpleQueue[QueuedUnit | None]", max_jobs: int) -> tuple[list[QueuedUnit], bool]:
    """Wait for one job and take the others already queued; True when the end marker None was reached."""
    batch: list[QueuedUnit] = []
    job = jobs.get()
    while job is not None:
        batch.append(job)
        if len(batch) >= max_jobs:
            return batch, False
        try:
            job = jobs.get_nowait()
        except queue.Empty:
            return batch, False
    return batch, True


def group_by_class(jobs: Iterable[QueuedUnit]) -> dict[type[BatchUnit], list[QueuedUnit]]:
    """Group the jobs whose unit is a BatchUnit by its class; leave out the others."""
    groups: dict[type[BatchUnit], list[QueuedUnit]] = {}
    for job in jobs:
        if isinstance(job.unit, BatchUnit):
            groups.setdefault(type(job.unit), []).append(job)
    return groups


def run_all(conn: Connection, jobs: Sequence[QueuedUnit]) -> None:
    """Run every job in the open transaction: first the plain units in order, then one batch for each class."""
    for job in jobs:
        if not isinstance(job.unit, BatchUnit):
            job.result = job.unit(conn)
    for unit_class, alike in group_by_class(jobs).items():
        run_batch(conn, unit_class, alike)


def run_batch(conn: Connection, unit_class: type[BatchUnit], jobs: Sequence[QueuedUnit]) -> None:
    """Run jobs of one class as a batch. Raises NotBatchable; the caller must then roll back."""
    try:
        results = unit_class.run_batch(conn, [job.unit for job in jobs])
    except NotBatchable:
        raise
    except Exception as error:
        log.info("a batch of %d %s failed, each runs alone: %s", len(jobs), unit_class.__name__, error)
        raise NotBatchable from error
    for job, result in zip(jobs, results, strict=True):
        job.result = result


class CompletionQueue:
    """Hands finished jobs back to their event loops: one wakeup for all jobs that finish before the loop runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._finished: dict[asyncio.AbstractEventLoop, list[QueuedUnit]] = {}

    def put(self, jobs: Iterable[QueuedUnit]) -> None:
        """Complete `jobs` in their loops soon. Can be called from any thread."""
        with self._lock:
            loops_to_wake = [job.loop for job in jobs if self._is_first(job)]
        for loop in loops_to_wake:
            try:
                loop.call_soon_threadsafe(self._complete_all, loop)
            except RuntimeError:
                log.debug("the event loop was closed before its units were completed")

    def _is_first(self, job: QueuedUnit) -> bool:
        """Queue the job; True when its loop has no pending wakeup."""
        waiting = self._finished.get(job.loop)
        if waiting is None:
            self._finished[job.loop] = [job]
            return True
        waiting.append(job)
        return False

    def _complete_all(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            jobs = self._finished.pop(loop)
        for job in jobs:
            job.complete()


@dataclass(frozen=True, slots=True)
class Watched:
    """Columns to watch in a table. Deleting a row counts as a change, inserting one only if `with_new_rows`."""

    table: str
    columns: tuple[str, ...]
    with_new_rows: bool = False

    @property
    def events(self) -> tuple[str, ...]:
        """The events of the triggers that find a change."""
        changed = f"UPDATE OF {', '.join(self.columns)}", "DELETE"
        return (*changed, "INSERT") if self.with_new_rows else changed


class Watch:
    """`count` rises before a unit that changed a watched column returns its result.

    Read it before the rows: they are current as long as it stays the same. `has_changed`: the open transaction has
    changed a watched column.
    """

    __slots__ = ("count", "has_changed")

    def __init__(self) -> None:
        self.count = 0
        self.has_changed = False

    def begin(self, raw: sqlite3.Connection, watched: Sequence[Watched]) -> None:
        """Watch for changes made over `raw` from now on."""
        name = f"watch_{id(self)}"
        raw.create_function(name, 0, self._note)
        for each in watched:
            for number, event in enumerate(each.events):
                raw.execute(
                    f"CREATE TEMP TRIGGER {name}_{each.table}_{number} AFTER {event} ON main.{each.table}"
                    f" BEGIN SELECT {name}(); END"
                )

    def commit(self) -> None:
        """Count the changes of the transaction that has just ended."""
        self.has_changed = False
        self.count += 1

    def _note(self) -> None:
        self.has_changed = True


class Watches:
    """The counters of changes, made by `Database.watch`, of one writing connection.

    All methods but `add` are called by the thread of that connection.
    """

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._all: list[Watch] = []
        self._looked_at, self._version = 0.0, self._data_version()

    def add(self, watch: Watch) -> None:
        self._all.append(watch)

    def count_changes(self) -> None:
        """Let the watches count the changes of a batch, and once a second those by other programs.

        If that check fails it counts as a change, so that readers ask the database again, and the writer continues.
        """
        for watch in self._all:
            if watch.has_changed:
                watch.commit()
        if self._all and (now := time.monotonic()) - self._looked_at >= LOOK_SECONDS:
            before, self._looked_at, self._version = self._version, now, self._data_version()
            for watch in self._all:
                watch.count += self._version == _UNKNOWN or self._version != before

    def _data_version(self) -> int:
        """Return a number that changes with commits of other connections, not with those of this one."""
        try:
            return int(self._raw.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.Error:
            log.exception("cannot look for changes by other programs")
            return _UNKNOWN
