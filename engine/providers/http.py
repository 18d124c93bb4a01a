"""HTTP to providers: connection pools, requests, response bodies, network errors as ProviderErrors.

Requests go to httpx's transport directly. With a known URL and known headers, httpx's client would double the CPU of
a call.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from functools import cache, lru_cache

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from engine.errors import FirstTokenLate, Garbled, Unreachable
from engine.providers.body_ends import BodyEnds

MOST_CONNECTIONS = 1000
CONNECT_SECONDS = 10.0
UNPACED_PIECES = 8  # the first pieces are passed on as they come, so that an answer is seen to begin
_NETWORK_ERRORS = (httpx.HTTPError, aiohttp.ClientError, OSError)  # the transport lets some aiohttp errors through
_DEFAULT_HEADERS = {"user-agent": "Farthing", "accept-encoding": "gzip, deflate"}  # both libraries can unpack these
_BODY = "farthing_body"  # the extension of a response that holds its body, once that is being read
_TIMEOUTS = {"timeout": {"connect": CONNECT_SECONDS, "pool": CONNECT_SECONDS, "read": None, "write": None}}


@cache
def tls() -> ssl.SSLContext:
    """Return one shared TLS context: loading the certificate authorities takes 0.05 to 0.2 s."""
    return httpx.create_ssl_context()


def connections(proxy: str | None = None) -> httpx.AsyncBaseTransport:
    """Return a new connection pool. It never retries and has no read timeout: both are the gateway's decision."""
    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=100)
    if proxy:
        return httpx.AsyncHTTPTransport(verify=tls(), proxy=proxy, limits=limits, retries=0)
    return AiohttpTransport(verify=tls(), limits=limits)


@asynccontextmanager
async def post(
    http: httpx.AsyncBaseTransport,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    ends: BodyEnds | None = None,
) -> AsyncIterator[httpx.Response]:
    """Yield a response with its body unread. Raises Unreachable, FirstTokenLate.

    On exit the socket is closed, unless the whole body was read. After a regular exit `ends` first reads on to the end
    of a body that was read in part, without delaying the exit.
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
) -> httpx.Response:
    """Return a response with its body read. Raises Unreachable, and FirstTokenLate after `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            response = await _send(http, "GET", url, headers)
            try:
                await response.aread()
            finally:
                await response.aclose()
    except TimeoutError as error:
        raise FirstTokenLate(f"nothing for {seconds:g} s") from error
    except _NETWORK_ERRORS as error:
        raise _as_provider_error(error) from error
    return response


async def pieces(response: httpx.Response, pause_seconds: float = 0.0) -> AsyncGenerator[bytes, None]:
    """Yield the body: the first pieces as they come, the rest with a pause after each. Raises Unreachable."""
    number = 0
    try:
        response.extensions[_BODY] = body = response.aiter_bytes()
        async for piece in body:
            yield piece
            number += 1
            if pause_seconds and number >= UNPACED_PIECES:
                await _pause(socket_of(response), pause_seconds)
    except _NETWORK_ERRORS as error:
        raise _as_provider_error(error) from error


async def whole_body(response: httpx.Response, most_bytes: int) -> bytes:
    """Return the whole body. Raises Unreachable, and Garbled for a body of over `most_bytes`."""
    body = bytearray()
    async with aclosing(pieces(response)) as incoming:
        async for piece in incoming:
            body += piece
            if len(body) > most_bytes:
                raise Garbled("an answer without end", status=response.status_code)
    return bytes(body)


async def beginning(response: httpx.Response, most_bytes: int) -> bytes:
    """Return the body up to `most_bytes` and the piece that exceeds them, or as much of it as arrives."""
    body = b""
    with suppress(Unreachable):
        async with aclosing(pieces(response)) as found:
            async for piece in found:
                body += piece
                if len(body) > most_bytes:
                    break
    return body


async def _pause(socket: asyncio.ReadTransport | None, seconds: float) -> None:
    """Pause reading, so that the event loop is not woken for each packet; the kernel buffers them."""
    if socket is None:
        return await asyncio.sleep(seconds)
    socket.pause_reading()
    try:
        await asyncio.sleep(seconds)
    finally:
        socket.resume_reading()


def socket_of(response: httpx.Response) -> asyncio.ReadTransport | None:
    """Return the socket a response is read from; None once the body is complete, and through a proxy."""
    under = _aiohttp_response(response)
    connection = under.connection if under is not None else None
    socket = connection.transport if connection is not None else None
    return socket if isinstance(socket, asyncio.ReadTransport) else None


def _has_ended(response: httpx.Response) -> bool:
    """Return whether the whole body has arrived: the connection was then given back already."""
    under = _aiohttp_response(response)
    return response.is_closed or (under is not None and under.connection is None)


def _aiohttp_response(response: httpx.Response) -> aiohttp.ClientResponse | None:
    found: aiohttp.ClientResponse | None = getattr(response.stream, "_aiohttp_response", None)  # no public way to it
    return found


async def _send(
    http: httpx.AsyncBaseTransport, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> httpx.Response:
    try:
        request = httpx.Request(
            method, _parsed_url(url), headers={**_DEFAULT_HEADERS, **headers}, content=body, extensions=_TIMEOUTS
        )
        return await http.handle_async_request(request)
    except _NETWORK_ERRORS as error:
        raise _as_provider_error(error) from error


@lru_cache(maxsize=4096)
def _parsed_url(url: str) -> httpx.URL:
    """Cached, because parsing a URL costs more than sending the request."""
    return httpx.URL(url)


def _as_provider_error(error: Exception) -> Unreachable | FirstTokenLate:
    if isinstance(error, httpx.ReadTimeout):
        return FirstTokenLate(type(error).__name__)
    return Unreachable(type(error).__name__)
