"""Receiver and Transport: a request is posted, and its response is passed to a receiver while it arrives."""

from collections.abc import Mapping
from typing import Protocol

from engine.chat import AT_ONCE, ReadPace


class Receiver(Protocol):
    """Takes one response while it arrives. If a method raises, the exchange ends, and its caller gets the error."""

    @property
    def has_begun(self) -> bool:
        """True once content has arrived; until then the response is read without pauses."""
        ...

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take status and headers; the names are in lower case."""
        ...

    def feed(self, piece: bytes) -> bool:
        """Take an unpacked piece of the body; return True if no more is needed."""
        ...

    def end(self) -> None:
        """Take the end of the body."""
        ...


class Transport(Protocol):
    """Posts requests over a pool of connections. It never retries; its only timeout is for connecting."""

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, receiver: Receiver, pace: ReadPace = AT_ONCE
    ) -> None:
        """Post `body`; return at the end of the response, or when the receiver needs no more.

        Pieces are passed on at `pace`. Raises Unreachable, StreamCut, Garbled, FirstTokenLate, and the errors of the
        receiver. If the caller is cancelled, the connection is closed.
        """
        ...

    async def aclose(self) -> None: ...
