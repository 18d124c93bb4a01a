"""BodyMemory: a limit on the memory of all request bodies that are being read."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

from web.errors import HttpProblem

MOST_HELD_BYTES = 256 * 1024 * 1024
WAIT_SECONDS = 10.0
_TIMES_THE_FREE = 16

NO_MEMORY = HttpProblem(
    503,
    "Too many large requests are being read at once; nothing was charged. Please try again in a moment.",
    "server_error",
    "overloaded",
    retry_after_seconds=10,
)


class BodyMemory:
    """The bytes that all bodies being read may hold together: at most `most`.

    One owner may hold up to 16 times the bytes that are free: an owner alone gets 240 of 256 MiB, and the requests of
    others still find room.
    """

    def __init__(self, most: int = MOST_HELD_BYTES) -> None:
        self._most = self._free = most
        self._held: defaultdict[Hashable, int] = defaultdict(int)
        self._waiting: dict[asyncio.Future[None], tuple[Hashable, int]] = {}

    @property
    def held_bytes(self) -> int:
        return self._most - self._free

    @asynccontextmanager
    async def hold(self, owner: Hashable) -> AsyncIterator["BodyHold"]:
        hold = BodyHold(self, owner)
        try:
            yield hold
        finally:
            self._give_back(owner, hold.count)

    async def take(self, owner: Hashable, count: int) -> None:
        """Take `count` bytes, waiting up to WAIT_SECONDS for them. Raises HttpProblem 503."""
        if self._try(owner, count):
            return
        granted = asyncio.get_running_loop().create_future()
        self._waiting[granted] = owner, count
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await granted
        except BaseException as error:
            if granted.done() and not granted.cancelled():  # granted at the moment when the wait ended
                self._give_back(owner, count)
            if isinstance(error, TimeoutError):
                raise NO_MEMORY.new() from None
            raise
        finally:
            self._waiting.pop(granted, None)

    def _try(self, owner: Hashable, count: int) -> bool:
        free = self._free - count
        if free < 0 or self._held[owner] + count > _TIMES_THE_FREE * free:
            return False
        self._free = free
        self._held[owner] += count
        return True

    def _give_back(self, owner: Hashable, count: int) -> None:
        self._free += count
        self._held[owner] -= count
        if not self._held[owner]:
            del self._held[owner]
        for granted, (waiter, wanted) in list(self._waiting.items()):
            if not granted.done() and self._try(waiter, wanted):
                granted.set_result(None)


class BodyHold:
    """The bytes that one body holds."""

    def __init__(self, memory: BodyMemory, owner: Hashable) -> None:
        self._memory, self._owner = memory, owner
        self.count = 0

    async def grow_to(self, count: int) -> None:
        if count > self.count:
            await self._memory.take(self._owner, count - self.count)
            self.count = count
