"""PTB's HTTP requests, passed to the httpx-aiohttp transport directly: httpx's client would cost most of the CPU."""

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx
from httpx_aiohttp import AiohttpTransport
from telegram._utils.defaultvalue import DEFAULT_NONE, DefaultValue
from telegram.error import NetworkError, TimedOut
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest, RequestData
from telegram.request._requestparameter import RequestParameter

from engine.providers.http import tls

POOL = 512
SKEW_SECONDS = 60.0
"""The time after which the clocks are compared again."""
_TIMEOUTS = {"connect": 10.0, "read": 20.0, "write": 20.0, "pool": 10.0}
_HEADERS = httpx.Headers(
    {"user-agent": HTTPXRequest.USER_AGENT, "content-type": "application/x-www-form-urlencoded", "accept": "*/*"}
)
_address = lru_cache(maxsize=256)(httpx.URL)


class FormRequest(HTTPXRequest):
    """Posts forms by the transport alone. Files go through httpx's client."""

    def __init__(self, proxy: str = "") -> None:
        """`proxy`: the address of an HTTP or SOCKS proxy; "" for none."""
        limits = httpx.Limits(max_connections=POOL, max_keepalive_connections=64)
        self.clock_skew_seconds: float | None = None
        """Telegram's time minus this machine's, by the Date header of a recent answer."""
        self._skew_known_until = 0.0
        self._transport = _transport(limits, proxy)
        super().__init__(
            connection_pool_size=POOL,
            httpx_kwargs={"transport": self._transport, "trust_env": False},
            read_timeout=_TIMEOUTS["read"],
            write_timeout=_TIMEOUTS["write"],
            connect_timeout=_TIMEOUTS["connect"],
            pool_timeout=_TIMEOUTS["pool"],
        )

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = DEFAULT_NONE,
        write_timeout: Any = DEFAULT_NONE,
        connect_timeout: Any = DEFAULT_NONE,
        pool_timeout: Any = DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Return status and body. Raises TimedOut and NetworkError, like PTB's own class."""
        timeouts = {"read": read_timeout, "write": write_timeout, "connect": connect_timeout, "pool": pool_timeout}
        if request_data is None or request_data.contains_files or self._client.is_closed:
            named = {f"{name}_timeout": seconds for name, seconds in timeouts.items()}
            return await super().do_request(url, method, request_data, **named)
        body = urlencode(request_data.json_parameters).encode()
        request = httpx.Request(
            method, _address(url), headers=_HEADERS, content=body, extensions={"timeout": _chosen(timeouts)}
        )
        try:
            response = await self._transport.handle_async_request(request)
            self._note_time(response.headers.get("date", ""))
            try:
                return response.status_code, await response.aread()
            finally:
                await response.aclose()
        except httpx.TimeoutException as error:
            raise TimedOut from error
        except httpx.HTTPError as error:
            raise NetworkError(f"{type(error).__name__}: {error}") from error

    def _note_time(self, date: str) -> None:
        """Compare Telegram's clock with this machine's, once a minute."""
        if time.monotonic() < self._skew_known_until:
            return
        try:
            there = parsedate_to_datetime(date)
        except ValueError:
            return
        self.clock_skew_seconds = there.timestamp() - time.time()
        self._skew_known_until = time.monotonic() + SKEW_SECONDS


def _transport(limits: httpx.Limits, proxy: str) -> httpx.AsyncBaseTransport:
    """Return aiohttp's connections, which cost the least CPU; through a proxy httpx's own, which knows SOCKS."""
    if proxy:
        return httpx.AsyncHTTPTransport(verify=tls(), proxy=proxy, limits=limits)
    return AiohttpTransport(verify=tls(), limits=limits)


async def post(bot: ExtBot[int], method: str, fields: Mapping[str, object]) -> object:
    """Call a method without PTB's objects and without the rate limiter. Raises TelegramError."""
    data = RequestData([parameter(name, value) for name, value in fields.items()])
    return await bot.request.post(f"{bot.base_url}/{method}", data)


def parameter(name: str, value: object) -> RequestParameter:
    return RequestParameter.from_input(name, value)


def _chosen(timeouts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _TIMEOUTS[name] if isinstance(seconds, DefaultValue) else seconds for name, seconds in timeouts.items()
    }
