"""HttpxTransport: a Transport that uses httpx, for providers behind a proxy."""

from collections.abc import Mapping
from contextlib import aclosing

import httpx

from engine.chat import AT_ONCE, ReadPace
from engine.providers import http
from engine.providers.body_ends import BodyEnds
from engine.providers.transport.receiver import Receiver


class HttpxTransport:
    """Posts through `connections`, which its owner closes. `ends` reads the rest of bodies."""

    def __init__(self, connections: httpx.AsyncBaseTransport, ends: BodyEnds | None = None) -> None:
        self._connections, self._ends = connections, BodyEnds() if ends is None else ends

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, receiver: Receiver, pace: ReadPace = AT_ONCE
    ) -> None:
        async with http.post(self._connections, url, headers, body, self._ends) as response:
            receiver.head(response.status_code, response.headers)
            async with aclosing(http.pieces(response, pace, lambda: receiver.has_begun)) as pieces:
                async for piece in pieces:
                    if receiver.feed(piece):
                        return
            receiver.end()

    async def aclose(self) -> None:
        await self._ends.aclose()
