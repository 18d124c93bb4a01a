"""Ends of response bodies, read beside the reader after the last event, so that the connection is used again."""

import asyncio
import sys
from collections.abc import AsyncIterator

import httpx

MOST_BODIES = 128
END_SECONDS = 0.25
MOST_END_BYTES = 64_000


class BodyEnds:
    """At most `most` bodies at once, for `seconds` each. Beyond that the connection is closed."""

    def __init__(self, most: int = MOST_BODIES, seconds: float = END_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._tasks: dict[asyncio.Task[None], httpx.Response] = {}
        self._closing = False

    def __len__(self) -> int:
        return len(self._tasks)

    async def finish(self, response: httpx.Response, body: AsyncIterator[bytes]) -> None:
        """Read `body` on in the background and then close `response`; close it at once where no more are taken."""
        if self._closing or len(self._tasks) >= self._most:
            await response.aclose()
            return
        task = asyncio.create_task(self._read(response, body), name="end of a response body")
        self._tasks[task] = response
        task.add_done_callback(self._tasks.pop)

    async def aclose(self) -> None:
        """Close all responses whose end has not come."""
        self._closing = True
        tasks = dict(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for response in tasks.values():
            await response.aclose()  # a task that was cancelled before its first step has not done so

    async def _read(self, response: httpx.Response, body: AsyncIterator[bytes]) -> None:
        left_bytes = MOST_END_BYTES
        try:
            async with asyncio.timeout(self._seconds):
                async for piece in body:
                    left_bytes -= len(piece)
                    if left_bytes < 0:
                        break
        except network_errors():  # a TimeoutError is an OSError
            pass
        finally:
            await response.aclose()


def network_errors() -> tuple[type[Exception], ...]:
    """Return the errors of a network: the transport lets some of aiohttp through, where it is loaded."""
    aiohttp = sys.modules.get("aiohttp")
    return (httpx.HTTPError, OSError, *((aiohttp.ClientError,) if aiohttp is not None else ()))
