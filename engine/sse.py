"""Server-sent events from bytes, by the specification: CR, LF or CRLF, comments, frames cut anywhere."""

import codecs
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass

from engine.errors import Garbled

MOST_FRAME_CHARS = 8_000_000


@dataclass(frozen=True, slots=True)
class Frame:
    event: str
    data: str


class LineSplitter:
    """Whole lines out of pieces of bytes, even where a piece ends inside a character or a CRLF."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._rest = ""

    def feed(self, piece: bytes, *, final: bool = False) -> list[str]:
        text = self._rest + self._decode(piece, final)
        # A CR at the very end may be half of a CRLF: it waits for what comes next.
        held = "\r" if text.endswith("\r") and not final else ""
        text = text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = text.split("\n")
        self._rest = rest + held
        if len(self._rest) > MOST_FRAME_CHARS:
            raise Garbled("a line without an end")
        return lines

    @property
    def rest(self) -> str:
        return self._rest


async def frames(pieces: AsyncIterable[bytes]) -> AsyncIterator[Frame]:
    """Every frame with data, as it comes. An unfinished last frame is given too: some send errors that way."""
    lines = LineSplitter()
    event, data = "", list[str]()
    async for piece in pieces:
        for line in lines.feed(piece):
            if line:
                event = _field(line, event, data)
            elif data:
                yield Frame(event, "\n".join(data))
                event, data = "", []
            else:
                event = ""
    for line in [*lines.feed(b"", final=True), lines.rest]:
        if line:
            event = _field(line, event, data)
    if data:
        yield Frame(event, "\n".join(data))


def _field(line: str, event: str, data: list[str]) -> str:
    """Take one line in; the event's name as it is now. A bare JSON line counts as data."""
    if line.startswith(":"):
        return event
    name, _, value = line.partition(":")
    value = value.removeprefix(" ")
    if name == "data":
        data.append(value)
    elif name == "event":
        return value
    elif line.lstrip()[:1] in {"{", "[", "<"}:
        data.append(line)
    return event
