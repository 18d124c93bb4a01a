"""Drains: answers that nobody reads any more, read on to their bill where hanging up would not stop it."""

import asyncio
from collections.abc import Awaitable, Callable

MOST_DRAINS = 128
DRAIN_SECONDS = 120.0

Then = Callable[[], Awaitable[None]]


class BackgroundReads:
    """At most `most` of them, for `seconds` each. Beyond that we hang up, and the bill is estimated."""

    def __init__(self, most: int = MOST_DRAINS, seconds: float = DRAIN_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    def __len__(self) -> int:
        return len(self._tasks)

    def take(self, reading: "asyncio.Task[None]", then: Then) -> bool:
        """Let `reading` go on for a while, then run `then`. False when there is no room: hang up yourself."""
        if self._closing or len(self._tasks) >= self._most:
            return False
        task = asyncio.create_task(self._drain(reading, then), name=f"drain of {reading.get_name()}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def aclose(self) -> None:
        """Hang up on all, and have every bill written down."""
        self._closing = True
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self, reading: "asyncio.Task[None]", then: Then) -> None:
        try:
            await asyncio.wait({reading}, timeout=self._seconds)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
        reading.cancel()
        await asyncio.wait({reading})
        await then()
