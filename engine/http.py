"""The wire to a provider: one pooled client each, errors of the network in the engine's words."""

import email.utils
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
from httpx_aiohttp import AiohttpTransport

from engine.errors import FirstTokenLate, Unreachable
from engine.ports import LimitHeaders

MOST_CONNECTIONS = 1000
CONNECT_SECONDS = 10.0
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH_MS_FROM = 1e11


@cache
def tls() -> ssl.SSLContext:
    """One for all: reading the authorities costs 0.05 to 0.2 s each time."""
    return httpx.create_ssl_context()


def client(proxy: str | None = None) -> httpx.AsyncClient:
    """Retries none: the gateway decides. Words are timed by the gateway too, so reads wait as long as they must."""
    timeout = httpx.Timeout(None, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS)
    limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=100)
    if proxy:
        transport: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport(
            verify=tls(), proxy=proxy, limits=limits, retries=0
        )
    else:
        transport = AiohttpTransport(verify=tls(), limits=limits)
    return httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)


@asynccontextmanager
async def post(
    http: httpx.AsyncClient, url: str, headers: Mapping[str, str], body: bytes
) -> AsyncIterator[httpx.Response]:
    """A response whose body is still to be read; leaving closes the socket. Raises Unreachable, FirstTokenLate."""
    request = http.build_request("POST", url, headers=headers, content=body)
    try:
        response = await http.send(request, stream=True)
    except httpx.HTTPError as error:
        raise _unreachable(error) from error
    try:
        yield response
    finally:
        await response.aclose()


async def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it comes; a broken connection is Unreachable."""
    try:
        async for piece in response.aiter_bytes():
            yield piece
    except httpx.HTTPError as error:
        raise _unreachable(error) from error


async def get(http: httpx.AsyncClient, url: str, headers: Mapping[str, str], seconds: float = 15) -> httpx.Response:
    try:
        return await http.get(url, headers=headers, timeout=seconds)
    except httpx.HTTPError as error:
        raise _unreachable(error) from error


def _unreachable(error: httpx.HTTPError) -> Unreachable | FirstTokenLate:
    if isinstance(error, httpx.ReadTimeout):
        return FirstTokenLate(type(error).__name__)
    return Unreachable(type(error).__name__)


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait: `retry-after-ms`, or Retry-After as seconds, fractions or a date."""
    if (told := _number(headers.get("retry-after-ms"))) is not None:
        return told / 1000
    raw = headers.get("retry-after")
    if raw is None or (told := _number(raw)) is not None:
        return None if raw is None else told
    try:
        date = email.utils.parsedate_to_datetime(raw)
    except ValueError:
        return None
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def limits(headers: Mapping[str, str], now: datetime | None = None) -> LimitHeaders | None:
    """x-ratelimit-* and anthropic-ratelimit-*; None where there are none."""
    for prefix, order in (
        ("x-ratelimit", "{prefix}-{what}-{of}"),
        ("anthropic-ratelimit", "{prefix}-{of}-{what}"),
    ):

        def read(what: str, of: str, prefix: str = prefix, order: str = order) -> str | None:
            return headers.get(order.format(prefix=prefix, what=what, of=of))

        if any(read("remaining", of) is not None for of in ("requests", "tokens")):
            return LimitHeaders(
                _whole(read("limit", "requests")),
                _whole(read("remaining", "requests")),
                reset_seconds(read("reset", "requests"), now),
                _whole(read("limit", "tokens")),
                _whole(read("remaining", "tokens")),
                reset_seconds(read("reset", "tokens"), now),
            )
    return None


def reset_seconds(raw: str | None, now: datetime | None = None) -> float | None:
    """`6m0s`, `20ms`, `36s`, plain seconds, RFC 3339, or milliseconds since 1970."""
    if not raw:
        return None
    moment = now or datetime.now(UTC)
    if (number := _number(raw)) is not None:
        return max(0.0, number / 1000 - moment.timestamp()) if number > _EPOCH_MS_FROM else number
    if parts := _DURATION.findall(raw):
        return sum(float(value) * _UNIT_SECONDS[unit] for value, unit in parts)
    try:
        return max(0.0, (datetime.fromisoformat(raw) - moment).total_seconds())
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
