"""A unit on its way: handed to a thread by an event loop, which is woken once however many have come back."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from storage.connection import Connection

log = logging.getLogger(__name__)
Unit = Callable[[Connection], Any]


class Closed(Exception):
    def __init__(self) -> None:
        super().__init__("the database is closed")


@dataclass(slots=True, eq=False)
class Job:
    """`waiter` is done when the unit is durable. Cancelling it cancels the wait, never the work."""

    unit: Unit
    write: bool = True
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    waiter: "asyncio.Future[Any]" = field(init=False)
    result: Any = None
    error: BaseException | None = None

    def __post_init__(self) -> None:
        self.waiter = self.loop.create_future()

    def wake(self) -> None:
        if self.waiter.done():
            return
        if self.error is not None:
            self.waiter.set_exception(self.error)
        else:
            self.waiter.set_result(self.result)


class Bell:
    """Rung from any thread. A loop that has been rung and hasn't answered yet is not rung again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._back: dict[asyncio.AbstractEventLoop, list[Job]] = {}

    def ring(self, jobs: Iterable[Job]) -> None:
        with self._lock:
            quiet = [job.loop for job in jobs if self._put(job)]
        for loop in quiet:
            try:
                loop.call_soon_threadsafe(self._answer, loop)
            except RuntimeError:
                log.debug("the loop was closed before its units could be told")

    def _put(self, job: Job) -> bool:
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
