"""ConnectionPool: the Transport for providers that are reached without a proxy."""

import asyncio
import socket
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import aiohappyeyeballs
import httpx

from engine.chat import AT_ONCE, ReadPace
from engine.errors import Unreachable
from engine.providers.http import CONNECT_SECONDS, DEFAULT_HEADERS, MOST_CONNECTIONS, tls
from engine.providers.transport.connection import ProviderConnection
from engine.providers.transport.receiver import Receiver

KEEP_SECONDS = 5.0  # few servers close an idle connection earlier
SWEEP_SECONDS = 20.0  # at most this long after a rest, older idle connections are closed: each sweep wakes the process
NEXT_ADDRESS_SECONDS = 0.25  # time until a host's next address is tried beside the first one (RFC 8305)


class Address(NamedTuple):
    """The server in a URL, and the start of a request to it: request line and Host header."""

    host: str
    port: int
    is_tls: bool
    head: str


class ConnectionPool:
    """Idle connections by server, at most `most` connections in all. Each request has a connection of its own."""

    def __init__(self, most: int = MOST_CONNECTIONS) -> None:
        self._idle: defaultdict[tuple[str, int], list[ProviderConnection]] = defaultdict(list)
        self._open: dict[ProviderConnection, tuple[str, int]] = {}
        self._most, self._opening = most, 0
        self._waiting: list[asyncio.Future[None]] = []
        self._sweep: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    async def post(
        self, url: str, headers: Mapping[str, str], body: bytes, receiver: Receiver, pace: ReadPace = AT_ONCE
    ) -> None:
        address = _address(url)
        head = _head(address, tuple(headers.items()))  # first: if it raises, no connection is taken
        request = b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)
        connection = self._take(address) or await self._connect(address)
        await connection.exchange(request, receiver, pace)

    async def aclose(self) -> None:
        for connection in tuple(self._open):
            connection.close()
        if self._sweep is not None:
            self._sweep.cancel()

    def _take(self, address: Address) -> ProviderConnection | None:
        """Return the idle connection that was used last, if any; one that is too old is closed."""
        idle, oldest = self._idle.get((address.host, address.port)), asyncio.get_running_loop().time() - KEEP_SECONDS
        while idle:
            connection = idle.pop()
            if connection.is_open and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    async def _connect(self, address: Address) -> ProviderConnection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._space()
                self._opening += 1
                try:
                    return await self._opened(address)
                finally:
                    self._opening -= 1
        except TimeoutError as error:
            raise Unreachable("ConnectTimeout") from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a host that is not a name
            raise Unreachable(type(error).__name__) from error

    async def _space(self) -> None:
        """Wait until a connection may be opened."""
        while len(self._open) + self._opening >= self._most:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            self._close_idle()
            try:
                await waiter
            finally:
                if waiter in self._waiting:
                    self._waiting.remove(waiter)

    async def _opened(self, address: Address) -> ProviderConnection:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
        connected = await aiohappyeyeballs.start_connection(found, happy_eyeballs_delay=NEXT_ADDRESS_SECONDS)
        try:
            _, connection = await loop.create_connection(
                lambda: ProviderConnection(self._rests, self._lost),
                sock=connected,
                ssl=tls() if address.is_tls else None,
                server_hostname=address.host if address.is_tls else None,
            )
        except BaseException:
            connected.close()
            raise
        self._open[connection] = (address.host, address.port)
        return connection

    # --- connections that rest or end ------------------------------------------------------------------

    def _rests(self, connection: ProviderConnection) -> None:
        if self._waiting or connection not in self._open:
            connection.close()
            return
        self._idle[self._open[connection]].append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._close_old)

    def _lost(self, connection: ProviderConnection) -> None:
        server = self._open.pop(connection, None)
        if server is not None and connection in self._idle.get(server, ()):
            self._idle[server].remove(connection)
        for waiter in self._waiting[:1]:
            if not waiter.done():
                waiter.set_result(None)

    def _close_old(self) -> None:
        """Close the connections that have been idle for KEEP_SECONDS."""
        loop = asyncio.get_running_loop()
        self._sweep = None
        for server, idle in tuple(self._idle.items()):
            kept = [each for each in idle if each.idle_since > loop.time() - KEEP_SECONDS]
            for connection in idle[: len(idle) - len(kept)]:
                connection.close()
            self._idle[server] = kept
            if not kept:
                del self._idle[server]
        if self._idle:
            self._sweep = loop.call_later(SWEEP_SECONDS, self._close_old)

    def _close_idle(self) -> None:
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()


@lru_cache(maxsize=4096)
def _address(url: str) -> Address:
    """Read a URL. Raises Unreachable if it is not valid."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise Unreachable("a wrong URL") from error
    is_tls = parsed.scheme == "https"
    host = parsed.raw_host.decode("ascii")
    if not host or parsed.scheme not in {"http", "https"}:
        raise Unreachable("a wrong URL")
    head = f"POST {parsed.raw_path.decode('ascii')} HTTP/1.1\r\nhost: {parsed.netloc.decode('ascii')}\r\n"
    return Address(host.strip("[]"), parsed.port or (443 if is_tls else 80), is_tls, head)


@lru_cache(maxsize=256)
def _head(address: Address, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Return the head of a request up to the length of its body.

    Raises Unreachable for a header that contains a line break or is not text.
    """
    lines = [f"{name}: {value}\r\n" for name, value in {**DEFAULT_HEADERS, **dict(headers)}.items()]
    if any(line.find("\n") != len(line) - 1 or line.count("\r") != 1 for line in lines):
        raise Unreachable("a header with a line break")
    try:
        return f"{address.head}{''.join(lines)}".encode()
    except UnicodeEncodeError as error:
        raise Unreachable("a header with half a character") from error
