"""Units of work on their way from an event loop to a database thread and back, alone or in batches."""

import asyncio
import logging
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from storage.database.connection import Connection

log = logging.getLogger(__name__)
Unit = Callable[[Connection], Any]


class BatchUnit(ABC):
    """A unit of work that can run in one batch with other units of its class. Calling it runs it alone."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, conn: Connection) -> Any: ...

    @classmethod
    @abstractmethod
    def run_batch(cls, conn: Connection, units: Sequence[Any]) -> Sequence[Any]:
        """Return the result of each unit. On any exception the batch is rolled back and each unit runs alone."""
        ...


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
