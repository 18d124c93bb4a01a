"""A unit on its way: handed to a thread by an event loop, which is woken once however many have come back."""

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


class Alike(ABC):
    """A unit that can be done `together` with others of its class, in a few statements; or alone, by calling it."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, conn: Connection) -> Any: ...

    @classmethod
    @abstractmethod
    def together(cls, conn: Connection, units: Sequence[Any]) -> Sequence[Any]:
        """The result of each. When it raises, nothing may stand, and each is to be done alone."""
        ...


class Alone(Exception):
    """Something among the units is not as usual: each is to be done by itself."""


class Commit(asyncio.Future[Any]):
    """A wait that can't be cancelled: the work goes on, so the wait does too. Then the cancellation goes on."""

    def cancel(self, msg: Any = None) -> bool:  # noqa: ARG002 - asyncio's signature
        return False


class Closed(Exception):
    def __init__(self) -> None:
        super().__init__("the database is closed")


class QueuedUnit:
    """`waiter` is done when the unit is durable. A wait for a read can be cancelled, a wait for a write can't."""

    __slots__ = ("error", "loop", "result", "unit", "waiter", "write")

    def __init__(self, unit: Unit, *, write: bool = True) -> None:
        self.unit, self.write = unit, write
        self.loop = asyncio.get_running_loop()
        self.waiter: asyncio.Future[Any] = Commit(loop=self.loop) if write else self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def wake(self) -> None:
        if self.waiter.done():
            return
        if self.error is not None:
            self.waiter.set_exception(self.error)
        else:
            self.waiter.set_result(self.result)


def next_batch(jobs: "queue.SimpleQueue[QueuedUnit | None]", most: int) -> tuple[list[QueuedUnit], bool]:
    """Wait for one job, then take whatever else has come meanwhile. True: None came, and nothing will after it."""
    batch: list[QueuedUnit] = []
    job = jobs.get()
    while job is not None:
        batch.append(job)
        if len(batch) >= most:
            return batch, False
        try:
            job = jobs.get_nowait()
        except queue.Empty:
            return batch, False
    return batch, True


def kinds(batch: Iterable[QueuedUnit]) -> dict[type[Alike], list[QueuedUnit]]:
    """The jobs that are alike, by their kind."""
    alike: dict[type[Alike], list[QueuedUnit]] = {}
    for job in batch:
        if isinstance(job.unit, Alike):
            alike.setdefault(type(job.unit), []).append(job)
    return alike


def do_all(conn: Connection, batch: Sequence[QueuedUnit]) -> None:
    """Each job's result, in one transaction: those that are alike together, after the others."""
    for job in batch:
        if not isinstance(job.unit, Alike):
            job.result = job.unit(conn)
    for kind, jobs in kinds(batch).items():
        together(conn, kind, jobs)


def together(conn: Connection, kind: type[Alike], jobs: Sequence[QueuedUnit]) -> None:
    """The results of jobs that are alike. Raises Alone, with nothing to be kept of it."""
    try:
        results = kind.together(conn, [job.unit for job in jobs])
    except Alone:
        raise
    except Exception as error:
        log.info("%d units of %s are done one by one: %s", len(jobs), kind.__name__, error)
        raise Alone from error
    for job, result in zip(jobs, results, strict=True):
        job.result = result


class Bell:
    """Rung from any thread. A loop that has been rung and hasn't answered yet is not rung again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._back: dict[asyncio.AbstractEventLoop, list[QueuedUnit]] = {}

    def ring(self, jobs: Iterable[QueuedUnit]) -> None:
        with self._lock:
            quiet = [job.loop for job in jobs if self._put(job)]
        for loop in quiet:
            try:
                loop.call_soon_threadsafe(self._answer, loop)
            except RuntimeError:
                log.debug("the loop was closed before its units could be told")

    def _put(self, job: QueuedUnit) -> bool:
        waiting = self._back.get(job.loop)
        if waiting is None:
            self._back[job.loop] = [job]
            return True
        waiting.append(job)
        return False

    def _answer(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            jobs = self._back.pop(loop)
        for job in jobs:
            job.wake()
