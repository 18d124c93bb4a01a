"""PTB's HTTP requests, sent over the engine's connections, because httpx's client would use most of the CPU."""

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from json import dumps
from typing import Any, cast

import msgspec
from telegram._utils.defaultvalue import DEFAULT_NONE, DefaultValue
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest, RequestData

from engine.errors import ProviderError
from engine.providers.http import connections
from engine.providers.transport.pool import ConnectionPool
from engine.providers.transport.receiver import Transport
from engine.providers.transport.through_httpx import HttpxTransport

POOL = 512
SKEW_SECONDS = 60.0
"""The seconds between two comparisons of the clocks."""
_TIMEOUTS = {"connect": 10.0, "read": 20.0, "write": 20.0, "pool": 10.0}
_HEADERS = {
    "user-agent": HTTPXRequest.USER_AGENT,
    "content-type": "application/x-www-form-urlencoded",
    "accept": "*/*",
}
Result = bool | dict[str, Any] | list[dict[str, Any]]
_SUCCESSFUL = range(200, 300)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_UNSAFE = re.compile(rb"[^A-Za-z0-9_.~ -]+")
_TIMED_OUT = frozenset({"ConnectTimeout", "PoolTimeout", "ReadTimeout", "WriteTimeout"})


class _Answer:
    """The Receiver for one answer of the Bot API. Such answers are small."""

    has_begun = True

    def __init__(self) -> None:
        self.status, self.date = 0, ""
        self._pieces: list[bytes] = []

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        self.status, self.date = status, headers.get("date", "")

    def feed(self, piece: bytes) -> bool:
        self._pieces.append(piece)
        return False

    def end(self) -> None:
        """Do nothing: the caller notices that the exchange has ended."""

    @property
    def body(self) -> bytes:
        return b"".join(self._pieces)


class FormRequest(HTTPXRequest):
    """Posts forms over the engine's connections. Files, and all requests behind a proxy, use httpx's client."""

    def __init__(self, proxy: str = "") -> None:
        """`proxy`: the address of an HTTP or SOCKS proxy; "" for none."""
        self.clock_skew_seconds: float | None = None
        """Telegram's time minus this machine's, by the Date header of a recent answer."""
        self._skew_known_until = 0.0
        through_httpx = connections(proxy)
        self._by_httpx: Transport = HttpxTransport(through_httpx)
        self._transport: Transport = self._by_httpx if proxy else ConnectionPool(POOL)
        super().__init__(
            connection_pool_size=POOL,
            httpx_kwargs={"transport": through_httpx, "trust_env": False},
            read_timeout=_TIMEOUTS["read"],
            write_timeout=_TIMEOUTS["write"],
            connect_timeout=_TIMEOUTS["connect"],
            pool_timeout=_TIMEOUTS["pool"],
        )

    async def shutdown(self) -> None:
        await self._transport.aclose()
        await self._by_httpx.aclose()
        await super().shutdown()

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
        """Return status and body. Raises TimedOut and NetworkError, like PTB's own class.

        For a form, `read_timeout` includes the time to connect.
        """
        if request_data is None or request_data.contains_files or self._client.is_closed:
            timeouts = {"read": read_timeout, "write": write_timeout, "connect": connect_timeout, "pool": pool_timeout}
            named = {f"{name}_timeout": seconds for name, seconds in timeouts.items()}
            return await super().do_request(url, method, request_data, **named)
        seconds = _TIMEOUTS["read"] if isinstance(read_timeout, DefaultValue) else read_timeout
        answer = await self.posted(url, urlencoded(request_data.json_parameters), seconds)
        return answer.status, answer.body

    async def call(self, url: str, fields: Mapping[str, object], seconds: float = _TIMEOUTS["read"]) -> Result:
        """Post plain fields, and return the result; PTB's own steps before and after take longer than the request.

        Raises TelegramError.
        """
        if self._client.is_closed:
            return await self.post(url, form(fields))
        try:
            answer = await self.posted(url, _encoded(fields), seconds)
        except TelegramError:
            raise
        except Exception as error:
            raise NetworkError(f"the request failed: {error!r}") from error
        if answer.status not in _SUCCESSFUL:
            return await _Refused(answer).post(url)
        result: Result = self.parse_json_payload(answer.body)["result"]
        return result

    async def posted(self, url: str, body: bytes, seconds: float | None) -> _Answer:
        """Post a form. Raises TimedOut and NetworkError."""
        transport = self._by_httpx if "@" in url else self._transport  # the URL contains a password for the server
        answer = _Answer()
        try:
            async with asyncio.timeout(seconds):
                await transport.post(url, _HEADERS, body, answer)
        except TimeoutError as error:
            raise TimedOut from error
        except ProviderError as error:
            if error.detail in _TIMED_OUT:
                raise TimedOut from error
            raise NetworkError(f"{type(error).__name__}: {error.detail}") from error
        self._note_time(answer.date)
        return answer

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        try:
            return _decode(payload)
        except ValueError:
            return HTTPXRequest.parse_json_payload(payload)  # replaces bytes that are no UTF-8, or raises TelegramError

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


class _Refused(HTTPXRequest):
    """A request that was answered with an error, for which PTB raises one of its own."""

    def __init__(self, answer: _Answer) -> None:  # without a client
        self._answer = answer

    async def do_request(self, *_: Any, **__: Any) -> tuple[int, bytes]:
        return self._answer.status, self._answer.body


def _encoded(fields: Mapping[str, object]) -> bytes:
    """Return fields of plain values, as JSON knows them, as a form. Those that are None are left out."""
    given = ((name, value) for name, value in fields.items() if value is not None)
    return b"&".join([name.encode() + b"=" + _quoted(_as_bytes(value)) for name, value in given])


def _as_bytes(value: object) -> bytes:
    return value.encode() if isinstance(value, str) else _encode(value)


def urlencoded(fields: Mapping[str, str]) -> bytes:
    """Return fields with plain names as a form; `urllib.parse.urlencode` takes several times longer for a text."""
    return b"&".join([name.encode() + b"=" + _quoted(value.encode()) for name, value in fields.items()])


def _quoted(text: bytes) -> bytes:
    return _UNSAFE.sub(lambda found: b"%" + found[0].hex("%").encode(), text).replace(b" ", b"+")


async def post(bot: ExtBot[int], method: str, fields: Mapping[str, object]) -> Result:
    """Call a method without PTB's objects and without the rate limiter. Raises TelegramError."""
    request, url = bot.request, f"{bot.base_url}/{method}"
    return await (request.call(url, fields) if isinstance(request, FormRequest) else request.post(url, form(fields)))


@dataclass(slots=True)
class _PlainForm:
    """The part of PTB's RequestData that requests read, without an object for each field."""

    parameters: dict[str, Any]
    contains_files, multipart_data = False, None

    @property
    def json_parameters(self) -> dict[str, str]:
        return {name: value if isinstance(value, str) else dumps(value) for name, value in self.parameters.items()}


def form(fields: Mapping[str, object]) -> RequestData:
    """Return fields of plain values, as JSON knows them. Those that are None are left out."""
    plain = _PlainForm({name: value for name, value in fields.items() if value is not None})
    return cast("RequestData", plain)
