"""The rest of response bodies after their last event, read in the background so that the connection can be reused."""

import asyncio
import sys
from collections.abc import AsyncIterator

import httpx

MOST_BODIES = 128
END_SECONDS = 0.25
MOST_END_BYTES = 64_000


class BodyEnds:
    """At most `most` bodies at a time, for `seconds` each. Further connections are closed instead."""

    def __init__(self, most: int = MOST_BODIES, seconds: float = END_SECONDS) -> None:
        self._most, self._seconds = most, seconds
        self._tasks: dict[asyncio.Task[None], httpx.Response] = {}
        self._closing = False

    def __len__(self) -> int:
        return len(self._tasks)

    async def finish(self, response: httpx.Response, body: AsyncIterator[bytes]) -> None:
        """Read `body` to its end in the background, then close `response`; close it at once if there is no room."""
        if self._closing or len(self._tasks) >= self._most:
            await response.aclose()
            return
        task = asyncio.create_task(self._read(response, body), name="end of a response body")
        self._tasks[task] = response
        task.add_done_callback(self._tasks.pop)

    async def aclose(self) -> None:
        """Close all responses that have not ended."""
        self._closing = True
        tasks = dict(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for response in tasks.values():
            await response.aclose()  # a task that was cancelled before its first step has not closed its response

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
    """Return the exceptions of network failures. The transport lets some of aiohttp's through once it is loaded."""
    aiohttp = sys.modules.get("aiohttp")
    return (httpx.HTTPError, OSError, *((aiohttp.ClientError,) if aiohttp is not None else ()))
