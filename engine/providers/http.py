"""The wire to a provider: one pool of connections each, errors of the network in the engine's words.

httpx's transport is asked without httpx's client: for an address and headers that are known, the client is half the
CPU of a call.
"""

import asyncio
import email.utils
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from engine.errors import FirstTokenLate, Unreachable
from engine.ports import LimitHeaders

MOST_CONNECTIONS = 1000
_BROKEN = (httpx.HTTPError, aiohttp.ClientError, OSError)  # the transport lets some of aiohttp's own through
CONNECT_SECONDS = 10.0
AT_ONCE_PIECES = 8  # the first words are shown, and stopped at, as they come
_HEADERS_OF_OURS = {"user-agent": "Farthing", "accept-encoding": "gzip, deflate"}  # what both libraries can unpack
_TIMEOUTS = {"timeout": {"connect": CONNECT_SECONDS, "pool": CONNECT_SECONDS, "read": None, "write": None}}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATIONS = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH_MS_FROM = 1e11
_EPOCH_SECONDS_FROM = 1e9
LONGEST_WAIT_SECONDS = 86_400.0  # who asks for more is asked again tomorrow


@cache
def tls() -> ssl.SSLContext:
    """One for all: reading the authorities costs 0.05 to 0.2 s each time."""
    return httpx.create_ssl_context()


def connections(proxy: str | None = None) -> httpx.AsyncBaseTransport:
    """Retries none: the gateway decides. Words are timed by the gateway too, so reads wait as long as they must."""
    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=100)
    if proxy:
        return httpx.AsyncHTTPTransport(verify=tls(), proxy=proxy, limits=limits, retries=0)
    return AiohttpTransport(verify=tls(), limits=limits)


@asynccontextmanager
async def post(
    http: httpx.AsyncBaseTransport, url: str, headers: Mapping[str, str], body: bytes
) -> AsyncIterator[httpx.Response]:
    """A response whose body is still to be read; leaving closes the socket. Raises Unreachable, FirstTokenLate."""
    response = await _send(http, "POST", url, headers, body)
    try:
        yield response
    finally:
        await response.aclose()


async def pieces(response: httpx.Response, gulp_seconds: float = 0.0) -> AsyncGenerator[bytes, None]:
    """The body: its beginning as it comes, the rest in gulps so far apart. A broken connection is Unreachable."""
    number = 0
    try:
        async for piece in response.aiter_bytes():
            yield piece
            number += 1
            if gulp_seconds and number >= AT_ONCE_PIECES:
                await _rest(socket_of(response), gulp_seconds)
    except _BROKEN as error:
        raise _unreachable(error) from error


async def _rest(socket: asyncio.ReadTransport | None, seconds: float) -> None:
    """What comes meanwhile waits in the kernel: it wakes nobody."""
    if socket is None:
        return await asyncio.sleep(seconds)
    socket.pause_reading()
    try:
        await asyncio.sleep(seconds)
    finally:
        socket.resume_reading()


def socket_of(response: httpx.Response) -> asyncio.ReadTransport | None:
    """What a response is read from; None when it has all come, and through a proxy, whose transport is another."""
    under: aiohttp.ClientResponse | None = getattr(response.stream, "_aiohttp_response", None)  # not offered publicly
    connection = under.connection if under is not None else None
    socket = connection.transport if connection is not None else None
    return socket if isinstance(socket, asyncio.ReadTransport) else None


async def get(
    http: httpx.AsyncBaseTransport, url: str, headers: Mapping[str, str], seconds: float = 15
) -> httpx.Response:
    """A whole response. Raises Unreachable, FirstTokenLate."""
    try:
        async with asyncio.timeout(seconds):
            response = await _send(http, "GET", url, headers)
            try:
                await response.aread()
            finally:
                await response.aclose()
    except TimeoutError as error:
        raise FirstTokenLate(f"nothing for {seconds:g} s") from error
    except _BROKEN as error:
        raise _unreachable(error) from error
    return response


async def _send(
    http: httpx.AsyncBaseTransport, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
) -> httpx.Response:
    told = {**_HEADERS_OF_OURS, **headers}
    try:
        request = httpx.Request(method, _url(url), headers=told, content=body, extensions=_TIMEOUTS)
        return await http.handle_async_request(request)
    except _BROKEN as error:
        raise _unreachable(error) from error


@lru_cache(maxsize=4096)
def _url(raw: str) -> httpx.URL:
    """Read once: an address costs more to read than to ask."""
    return httpx.URL(raw)


def _unreachable(error: Exception) -> Unreachable | FirstTokenLate:
    if isinstance(error, httpx.ReadTimeout):
        return FirstTokenLate(type(error).__name__)
    return Unreachable(type(error).__name__)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait: `retry-after-ms`, or Retry-After as seconds, fractions or a date; a day at most."""
    if (told := _number(headers.get("retry-after-ms"))) is not None:
        return min(told / 1000, LONGEST_WAIT_SECONDS)
    raw = headers.get("retry-after")
    if raw is None:
        return None
    told = _number(raw)
    if told is None:
        told = _until(raw, now or datetime.now(UTC))
    return None if told is None else min(told, LONGEST_WAIT_SECONDS)


def _until(raw: str, now: datetime) -> float | None:
    try:
        date = email.utils.parsedate_to_datetime(raw)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())


_HEADERS = (
    # (limit, remaining, reset) for requests, then those for tokens
    (
        ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        ("x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ),
    (
        (
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ),
        (
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-tokens-reset",
        ),
    ),
    (
        (),
        (
            "anthropic-ratelimit-input-tokens-limit",
            "anthropic-ratelimit-input-tokens-remaining",
            "anthropic-ratelimit-input-tokens-reset",
        ),
    ),
    (("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"), ()),
)


def limits(
    headers: Mapping[str, str], now: datetime | None = None, *, requests_per_day: bool = False
) -> LimitHeaders | None:
    """x-ratelimit-* and anthropic-ratelimit-*; None where there are none.

    `requests_per_day`: what this provider says of requests is of a day (Groq), so it is no limit per minute.
    """
    for of_requests, of_tokens in _HEADERS:
        requests, tokens = _read(headers, of_requests, now), _read(headers, of_tokens, now)
        if requests[1] is not None or tokens[1] is not None:
            per_minute = None if requests_per_day else requests[0]
            return LimitHeaders(per_minute, requests[1], requests[2], *tokens)
    return None


def _read(
    headers: Mapping[str, str], names: tuple[str, ...], now: datetime | None
) -> tuple[int | None, int | None, float | None]:
    if not names:
        return None, None, None
    limit, left, reset = (headers.get(name) for name in names)
    return _whole(limit), _whole(left), reset_seconds(reset, now)


def reset_seconds(raw: str | None, now: datetime | None = None) -> float | None:
    """`6m0s`, `20ms`, `36s`, plain seconds, RFC 3339, seconds or milliseconds since 1970; a day at most."""
    found = _reset(raw.strip(), now or datetime.now(UTC)) if raw else None
    return None if found is None else min(max(0.0, found), LONGEST_WAIT_SECONDS)


def _reset(raw: str, now: datetime) -> float | None:
    if (number := _number(raw)) is not None:
        if number > _EPOCH_MS_FROM:
            return number / 1000 - now.timestamp()
        return number - now.timestamp() if number > _EPOCH_SECONDS_FROM else number
    if _DURATIONS.fullmatch(raw):
        return sum(float(value) * _UNIT_SECONDS[unit] for value, unit in _DURATION.findall(raw))
    try:
        return (datetime.fromisoformat(raw) - now).total_seconds()
    except (ValueError, TypeError):
        return None


def _number(raw: Any) -> float | None:
    try:
        number = float(raw)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number < float("inf") else None


def _whole(raw: str | None) -> int | None:
    number = _number(raw)
    return None if number is None else int(number)
