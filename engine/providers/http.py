"""HTTP to providers: connection pools, requests, response bodies, network errors as ProviderErrors.

Requests go to httpx's transport directly. With a known URL and known headers, httpx's client would double the CPU of
a call.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from functools import cache, lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, cast

import httpx

from engine.chat import AT_ONCE, ReadPace
from engine.errors import FirstTokenLate, Garbled, StreamCut, Unreachable
from engine.providers.body_ends import BodyEnds, network_errors
from engine.providers.inflate import MOST_BODY_BYTES, SLICE_BYTES, inflater_of

if TYPE_CHECKING:
    import aiohttp

MOST_CONNECTIONS = 1000
CONNECT_SECONDS = 10.0
MOST_GET_BYTES = 2_000_000
BUSY_SECONDS = 0.005  # longest time of parsing pieces that have arrived before the event loop runs
DEFAULT_HEADERS = {"user-agent": "Farthing", "accept-encoding": "gzip, deflate"}  # both libraries can unpack these
_BODY = "farthing_body"  # the response extension that holds its body while it is being read
_LOST = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.WriteTimeout, httpx.RemoteProtocolError)
_LOST_BY_AIOHTTP = frozenset({"ClientOSError", "ClientConnectionResetError", "ServerDisconnectedError"})
_TIMEOUTS = {"timeout": {"connect": CONNECT_SECONDS, "pool": CONNECT_SECONDS, "read": None, "write": None}}


@cache
def tls() -> ssl.SSLContext:
    """Return one shared TLS context: loading the certificate authorities takes 0.05 to 0.2 s."""
    return httpx.create_ssl_context()


def connections(proxy: str | None = None) -> httpx.AsyncBaseTransport:
    """Return a new connection pool. It has no retries and no read timeout, because the gateway decides on both."""
    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=100)
    if proxy:
        return httpx.AsyncHTTPTransport(verify=tls(), proxy=proxy, limits=limits, retries=0)
    return AiohttpOnDemand(limits)


class AiohttpOnDemand(httpx.AsyncBaseTransport):
    """aiohttp's connection pool, created at its first request: the library takes 13 MB, and prompts do not need it."""

    def __init__(self, limits: httpx.Limits) -> None:
        self._limits = limits
        self._pool: httpx.AsyncBaseTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._pool is None:
            library = await asyncio.to_thread(import_module, "httpx_aiohttp")  # 0.1 s, not on the event loop
            self._pool = self._pool or library.AiohttpTransport(verify=tls(), limits=self._limits)
        return await self._pool.handle_async_request(request)

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()


@asynccontextmanager
async def post(
    http: httpx.AsyncBaseTransport,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    ends: BodyEnds | None = None,
) -> AsyncIterator[httpx.Response]:
    """Yield a response with its body unread. Raises Unreachable, StreamCut or FirstTokenLate.

    On exit the socket is closed, unless the whole body was read. After a regular exit `ends` first reads the rest of a
    body, in the background.
    """
    response = await _send(http, "POST", url, headers, body)
    try:
        yield response
    except BaseException:
        response.extensions.pop(_BODY, None)
        await response.aclose()
        raise
    begun: AsyncIterator[bytes] | None = response.extensions.pop(_BODY, None)
    if ends is not None and begun is not None and not _has_ended(response):
        await ends.finish(response, begun)
    else:
        await response.aclose()


async def get(
    http: httpx.AsyncBaseTransport, url: str, headers: Mapping[str, str], seconds: float = 15
) -> tuple[httpx.Response, bytes]:
    """Return a response and the first MOST_GET_BYTES of its body.

    Raises Unreachable, StreamCut, Garbled, and FirstTokenLate after `seconds`.
    """
    try:
        async with asyncio.timeout(seconds):
            response = await _send(http, "GET", url, headers)
            try:
                return response, await _up_to(response, MOST_GET_BYTES)
            finally:
                response.extensions.pop(_BODY, None)
                await response.aclose()
    except TimeoutError as error:
        raise FirstTokenLate(f"nothing for {seconds:g} s") from error


async def pieces(
    response: httpx.Response, pace: ReadPace = AT_ONCE, has_begun: Callable[[], bool] = lambda: True
) -> AsyncGenerator[bytes, None]:
    """Yield the unpacked body at `pace`, which counts the reads from when its content `has_begun`.

    A piece has at most SLICE_BYTES even if more has arrived, and the event loop runs between pieces that take long to
    parse. Raises StreamCut, and Garbled for a body that is too large or can't be unpacked.
    """
    number, total, loop = 0, 0, asyncio.get_running_loop()
    worked_since = began = loop.time()
    try:
        response.extensions[_BODY] = body = _raw_body(response)
        inflater = None if response.is_stream_consumed else inflater_of(response.headers)
        async for raw in body:
            for piece in _slices(raw) if inflater is None else inflater.feed(raw):
                total += len(piece)
                if total > MOST_BODY_BYTES:
                    raise Garbled("a body without an end")
                yield piece
                if (now := loop.time()) - worked_since > BUSY_SECONDS:
                    await asyncio.sleep(0)
                    worked_since = now
            number += has_begun()
            if seconds := pace.pause(number, loop.time() - began):
                await _pause(socket_of(response), seconds)
    except network_errors() as error:
        raise _as_provider_error(error) from error


def _raw_body(response: httpx.Response) -> AsyncIterator[bytes]:
    """Return the body as the network delivers it, or the unpacked body if it was read before."""
    return response.aiter_bytes() if response.is_stream_consumed else response.aiter_raw()


def _slices(raw: bytes) -> Sequence[bytes]:
    if len(raw) <= SLICE_BYTES:
        return (raw,)
    return [raw[start : start + SLICE_BYTES] for start in range(0, len(raw), SLICE_BYTES)]


async def whole_body(response: httpx.Response, most_bytes: int) -> bytes:
    """Return the whole body. Raises StreamCut, and Garbled for a body of over `most_bytes`."""
    body = await _up_to(response, most_bytes + 1)
    if len(body) > most_bytes:
        raise Garbled("an answer without end", status=response.status_code)
    return body


async def beginning(response: httpx.Response, most_bytes: int) -> bytes:
    """Return the first `most_bytes` of a body, or as much of it as arrives and can be unpacked."""
    body = bytearray()
    with suppress(StreamCut, Garbled):
        await _read_into(body, response, most_bytes)
    return bytes(body[:most_bytes])


async def _up_to(response: httpx.Response, most_bytes: int) -> bytes:
    """Return the first `most_bytes` of a body. Raises StreamCut, Garbled."""
    body = bytearray()
    await _read_into(body, response, most_bytes)
    return bytes(body[:most_bytes])


async def _read_into(body: bytearray, response: httpx.Response, most_bytes: int) -> None:
    async with aclosing(pieces(response)) as found:
        async for piece in found:
            body += piece
            if len(body) > most_bytes:
                return


async def _pause(socket: asyncio.ReadTransport | None, seconds: float) -> None:
    """Pause reading, so that the event loop is not woken for each packet; the kernel buffers the packets."""
    if socket is None:
        return await asyncio.sleep(seconds)
    socket.pause_reading()
    try:
        await asyncio.sleep(seconds)
    finally:
        socket.resume_reading()


def socket_of(response: httpx.Response) -> asyncio.ReadTransport | None:
    """Return the socket that a response is read from; None if the body is complete, or through a proxy."""
    under = _aiohttp_response(response)
    connection = under.connection if under is not None else None
    socket = connection.transport if connection is not None else None
    # uvloop's sockets are not a subclass of ReadTransport
    return cast("asyncio.ReadTransport", socket) if hasattr(socket, "pause_reading") else None


def _has_ended(response: httpx.Response) -> bool:
    """Return whether the whole body has arrived, so that the connection was returned to the pool."""
    under = _aiohttp_response(response)
    return response.is_closed or (under is not None and under.connection is None)


def _aiohttp_response(response: httpx.Response) -> "aiohttp.ClientResponse | None":
    # there is no public way to it
    found: aiohttp.ClientResponse | None = getattr(response.stream, "_aiohttp_response", None)
    return found


async def _send(
    http: httpx.AsyncBaseTransport, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> httpx.Response:
    try:
        request = httpx.Request(
            method, _parsed_url(url), headers={**DEFAULT_HEADERS, **headers}, content=body, extensions=_TIMEOUTS
        )
        return await http.handle_async_request(request)
    except network_errors() as error:
        raise _as_provider_error(error) from error


@lru_cache(maxsize=4096)
def _parsed_url(url: str) -> httpx.URL:
    """Parse a URL. The result is cached, because parsing takes longer than sending the request."""
    return httpx.URL(url)


def _as_provider_error(error: Exception) -> Unreachable | StreamCut | FirstTokenLate:
    """Return the failure of a connection: a lost one may be due to one model, one that can't be made is not.

    httpx-aiohttp raises ConnectTimeout for some lost ones.
    """
    name = type(error).__name__
    if isinstance(error, httpx.ReadTimeout):
        return FirstTokenLate(name)
    is_lost = isinstance(error, _LOST) or type(error.__cause__).__name__ in _LOST_BY_AIOHTTP
    return StreamCut(name) if is_lost else Unreachable(name)
