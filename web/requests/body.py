"""Request bodies: limits on their length, encoding, pace and JSON values."""

import asyncio
import re
import zlib
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass

from starlette.types import Message, Receive

from web.errors import HttpProblem, bad_request
from web.requests.body_memory import BodyHold, BodyMemory

WHOLE_BODY = "farthing.whole_body"
"""The ASGI extension of main/http/protocol.py: a short body that came before the request began."""
MOST_BODY_BYTES = 20 * 1024 * 1024
SHORT_BYTES = 64 * 1024
"""A body of this length is parsed in a moment, whatever it holds."""
MOST_VALUES = 200_000
FREE_SECONDS = 5.0
LEAST_BYTES_PER_SECOND = 10_000
WHOLE_SECONDS = 60.0
_STEP_BYTES = 256 * 1024
_FIRST_BYTES = 1024 * 1024
_MOST_MEMBERS = 16
# matches an unclosed string too, so that the search takes linear time
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)

TOO_SLOW = HttpProblem(
    408,
    "The body came too slowly: after 5 s it must come at 10 kB/s or better, and whole within 60 s.",
    code="request_timeout",
)
NOT_UTF8 = HttpProblem(
    400, "The body is not UTF-8 text. If it is compressed, name its encoding in Content-Encoding.", code="invalid_utf8"
)
TOO_LARGE = HttpProblem(413, "The body is over 20 MiB. Send a smaller request.", code="request_too_large")


class ClientLeft(Exception):
    """The client disconnected before its request was complete."""


@dataclass(frozen=True, slots=True)
class BodyReader:
    """Reads complete bodies. `monotonic` returns seconds."""

    memory: BodyMemory
    monotonic: Callable[[], float]

    async def read(self, headers: Mapping[bytes, bytes], receive: Receive, owner: Hashable) -> bytes:
        """Return the expanded body. Raises ClientLeft, or HttpProblem 400, 408, 413, 415 or 503."""
        length, inflater = declared_length(headers), _inflater(headers)
        async with self.memory.hold(owner) as hold:
            await hold.grow_to(_FIRST_BYTES if length is None or inflater is not None else length)
            parts = _Parts(hold)
            begun, received, more = self.monotonic(), 0, True
            while more:
                allowed = min(WHOLE_SECONDS, FREE_SECONDS + received / LEAST_BYTES_PER_SECOND)
                message = await _receive(receive, begun + allowed - self.monotonic())
                if self.monotonic() > begun + allowed:
                    raise TOO_SLOW.new()
                data, more = message.get("body", b""), message.get("more_body", False)
                received += len(data)
                paused = self.monotonic()
                await parts.add(data, inflater)
                begun += self.monotonic() - paused  # time in which we let the client wait does not count
            if inflater is not None:
                inflater.end()
            body = parts.joined()
            if len(body) > SHORT_BYTES and not is_utf8(body):
                raise NOT_UTF8.new()
            if await has_too_many_values(body):
                raise bad_request(None, f"The body has over {MOST_VALUES:,} JSON values.")
            return body


class _Parts:
    """The received pieces of a body, decompressed."""

    def __init__(self, hold: BodyHold) -> None:
        self._hold = hold
        self._parts: list[bytes] = []
        self._size = 0

    async def add(self, data: bytes, inflater: "_Inflater | None") -> None:
        """Add `data`, decompressed in steps with the event loop running in between.

        Raises HttpProblem 400, 413 or 503.
        """
        if inflater is None:
            await self._append(data)
            return
        inflater.feed(data)
        while part := inflater.next():
            await self._append(part)
            await asyncio.sleep(0)

    async def _append(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MOST_BODY_BYTES:
            raise TOO_LARGE.new()
        if self._size > self._hold.count:
            await self._hold.grow_to(MOST_BODY_BYTES)
        self._parts.append(part)

    def joined(self) -> bytes:
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


def declared_length(headers: Mapping[bytes, bytes]) -> int | None:
    """Return the Content-Length; None if the body comes in chunks, 0 if there is no body.

    Raises HttpProblem 400 or 413.
    """
    length = headers.get(b"content-length")
    if b"transfer-encoding" in headers:
        if length is not None:
            raise HttpProblem(400, "The request has both Content-Length and Transfer-Encoding. Send one of them.")
        return None
    if length is None:
        return 0
    if not length.isdigit():
        raise HttpProblem(400, "The Content-Length header is not a number.")
    if len(length) > len(str(MOST_BODY_BYTES)) + 10 or int(length) > MOST_BODY_BYTES:
        raise TOO_LARGE.new()
    return int(length)


async def _receive(receive: Receive, seconds: float) -> Message:
    try:
        async with asyncio.timeout(seconds):
            message = await receive()
    except TimeoutError:
        raise TOO_SLOW.new() from None
    if message["type"] == "http.disconnect":
        raise ClientLeft
    return message


class _Inflater:
    """One gzip or deflate body, decompressed in steps."""

    def __init__(self, kind: bytes) -> None:
        self._kind = kind
        self._stream: zlib._Decompress | None = None
        self._rest = b""
        self._members = 0

    def feed(self, data: bytes) -> None:
        self._rest += data

    def next(self) -> bytes:
        """Return up to _STEP_BYTES of the data fed so far; b"" if more is needed. Raises HttpProblem 400."""
        part = b""
        while not part and len(self._rest) > (1 if self._stream is None else 0):
            stream = self._stream = self._stream or self._begin_member()
            try:
                part = stream.decompress(self._rest, _STEP_BYTES)
            except zlib.error:
                raise self._broken() from None
            self._rest = stream.unconsumed_tail
            if stream.eof and stream.unused_data:
                self._rest, self._stream = stream.unused_data, None
        return part

    def end(self) -> None:
        """Raise HttpProblem 400 if the body is incomplete."""
        if self._rest or self._stream is None or not self._stream.eof:
            raise self._broken()

    def _begin_member(self) -> "zlib._Decompress":
        """Return the decompressor for the next member.

        A gzip file may have several; nothing may follow a deflate stream.
        """
        self._members += 1
        if self._members > (_MOST_MEMBERS if self._kind == b"gzip" else 1):
            raise self._broken()
        return zlib.decompressobj(self._window_bits())

    def _window_bits(self) -> int:
        """Return zlib's window bits. HTTP's "deflate" has a zlib header, but some clients send the bare stream."""
        if self._kind == b"gzip":
            return 16 + zlib.MAX_WBITS
        first, second = self._rest[0], self._rest[1]
        has_header = first & 0x0F == zlib.DEFLATED and (first << 8 | second) % 31 == 0
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS

    def _broken(self) -> HttpProblem:
        kind = self._kind.decode()
        return bad_request(None, f"Content-Encoding says {kind}, but the body is not valid {kind} data.")


def _inflater(headers: Mapping[bytes, bytes]) -> _Inflater | None:
    """Return a decompressor for the body's encoding, None for a plain body. Raises HttpProblem 415."""
    kind = headers.get(b"content-encoding", b"").strip().lower()
    if kind in {b"", b"identity"}:
        return None
    if kind in {b"gzip", b"x-gzip", b"deflate"}:
        return _Inflater(kind.removeprefix(b"x-"))
    shown = kind.decode("latin-1")[:40]
    raise HttpProblem(
        415,
        f"The Content-Encoding {shown!r} is not supported: send gzip, deflate or none.",
        code="unsupported_encoding",
        more_headers={"accept-encoding": "gzip, deflate"},
    )


def is_utf8(raw: bytes) -> bool:
    """Return whether a body is UTF-8 without NUL, as all JSON is. In UTF-16 no values could be counted unparsed."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in raw


async def has_too_many_values(raw: bytes) -> bool:
    """Return True if parsing would block the event loop: 20 MiB of `[]` take seconds and half a gigabyte.

    Strings are cut out in steps before counting. Each is a value or a name, so half of their number is counted.
    """
    if _count_separators(raw) <= MOST_VALUES and raw.count(b'"') <= 4 * MOST_VALUES:
        return False
    values = strings = 0
    carry = b""
    for start in range(0, len(raw), _STEP_BYTES):
        step = carry + raw[start : start + _STEP_BYTES]
        escape = b"\\" if (len(step) - len(step.rstrip(b"\\"))) % 2 else b""  # the escape belongs to the next step
        # The mark `|` remains only outside of a string, that is, if its quote has ended one.
        text, count = _STRING.subn(b"", step.removesuffix(escape) + b'"|')
        values, strings = values + _count_separators(text), strings + count - 1
        if values > MOST_VALUES or strings > 2 * MOST_VALUES:
            return True
        carry = (b'"' if text.endswith(b"|") else b"") + escape
        await asyncio.sleep(0)
    return False


def _count_separators(raw: bytes) -> int:
    return raw.count(b",") + raw.count(b"[") + raw.count(b"{")
