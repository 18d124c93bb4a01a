"""Receiver and Transport: a request is posted, and its response is pushed to a receiver."""

from collections.abc import Mapping
from typing import Protocol

from engine.read_pace import AT_ONCE, ReadPace


class Receiver(Protocol):
    """Takes one response as it comes. A method that raises ends the exchange, and its error reaches the caller."""

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take status and headers; the names are in lower case."""
        ...

    def feed(self, piece: bytes) -> bool:
        """Take a piece of the body, unpacked; return True where no more is wanted."""
        ...

    def end(self) -> None:
        """Take the end of the body."""
        ...


class Transport(Protocol):
    """Posts requests over a pool of connections. It never retries, and has no timeout but that of connecting."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, receiver: Receiver, pace: ReadPace = AT_ONCE
    ) -> None:
        """Post `body`; return when the receiver has enough, or the end of the response.

        Pieces are passed on at `pace`. Raises Unreachable, Garbled,
        FirstTokenLate, and the errors of the receiver. The connection of a caller that is cancelled is closed.
        """
        ...

    async def aclose(self) -> None: ...
