"""Background reads: abandoned answers, read to their end for the usage if closing would not stop the bill."""

import asyncio
from collections.abc import Awaitable, Callable

MOST_READS = 128
READ_SECONDS = 120.0


class BackgroundReads:
    """At most `most` reads at a time, for `seconds` each. Further attempts are closed and their bill is estimated."""

    def __init__(self, most: int = MOST_READS, seconds: float = READ_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._tasks)

    def take(self, attempt: "asyncio.Task[None]", journal: Callable[[], Awaitable[None]]) -> bool:
        """Let `attempt` continue until it ends or its time is up, then run `journal`.

        Return False if there is no room.
        """
        if self._closing or len(self._tasks) >= self._most:
            return False
        task = asyncio.create_task(self._read(attempt, journal), name=f"background read of {attempt.get_name()}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def aclose(self) -> None:
        """Close all attempts, and wait until each is journaled."""
        self._closing = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, attempt: "asyncio.Task[None]", journal: Callable[[], Awaitable[None]]) -> None:
        try:
            await asyncio.wait({attempt}, timeout=self._seconds)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        attempt.cancel()
        await asyncio.wait({attempt})
        if not attempt.cancelled():
            attempt.exception()  # retrieved, so that asyncio does not log it
        await journal()
