"""Server-sent events in the body of a response.

They are read by the specification: CR, LF or CRLF, comments, frames cut anywhere. Bare JSON is read too, on one line
or several: a whole answer where a server ignores `stream`, one array of all frames, an error after the last frame.
"""

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import Garbled

MOST_FRAME_CHARS = 8_000_000


@dataclass(frozen=True, slots=True)
class Frame:
    event: str
    data: str


class LineSplitter:
    """Splits pieces of bytes into lines, also where a piece ends within a character or a CRLF."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._rest = ""

    def feed(self, piece: bytes, *, final: bool = False) -> list[str]:
        text = self._rest + self._decode(piece, final)
        if "\r" in text:
            # A CR at the very end may be half of a CRLF: it is held back until the next piece.
            held = "\r" if text.endswith("\r") and not final else ""
            text = text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n")
        else:
            held = ""
        *lines, rest = text.split("\n")
        self._rest = rest + held
        if len(self._rest) > MOST_FRAME_CHARS:
            raise Garbled("a line without an end")
        return lines

    @property
    def rest(self) -> str:
        return self._rest


class _FrameBuilder:
    """Builds frames from lines."""

    def __init__(self) -> None:
        self._event, self._data, self._chars = "", list[str](), 0
        self._bare = False

    def take(self, line: str) -> Iterator[Frame]:
        """Add one line. Yields the frame that it ends."""
        if not line:
            if not self._bare or _is_json(self._text):
                yield from self.end()
            return
        if self._bare and not line.startswith(("data:", "event:")):
            self._add(line)
            return
        if self._bare:
            yield from self.end()
        self._field(line)

    def end(self) -> Iterator[Frame]:
        event, data = self._event, self._text
        had_data, bare = bool(self._data), self._bare
        self._event, self._data, self._chars, self._bare = "", [], 0, False
        if bare:
            yield from (Frame(event, each) for each in _elements(data))
        elif had_data:
            yield Frame(event, data)

    @property
    def _text(self) -> str:
        return "\n".join(self._data)

    def _field(self, line: str) -> None:
        if line.startswith(":"):
            return
        name, _, value = line.partition(":")
        if name == "data":
            self._add(value.removeprefix(" "))
        elif name == "event":
            self._event = value.removeprefix(" ")
        elif not self._data and line.lstrip()[:1] in {"{", "[", "<"}:
            self._bare = True
            self._add(line)

    def _add(self, line: str) -> None:
        self._data.append(line)
        self._chars += len(line)
        if self._chars > MOST_FRAME_CHARS:
            raise Garbled("a frame without an end")


class FrameSplitter:
    """Splits pieces of a body into its frames."""

    def __init__(self) -> None:
        self._lines, self._builder = LineSplitter(), _FrameBuilder()

    def feed(self, piece: bytes) -> list[Frame]:
        """Return the frames that `piece` completes."""
        take = self._builder.take
        return [frame for line in self._lines.feed(piece) for frame in take(line)]

    def end(self) -> list[Frame]:
        """Return the frames left at the end of the body, also an unfinished last one: some servers send errors so."""
        left = [*self._lines.feed(b"", final=True), self._lines.rest]
        found = [frame for line in left if line for frame in self._builder.take(line)]
        return [*found, *self._builder.end()]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _elements(text: str) -> list[str]:
    """Return the frames of bare JSON: the elements of an array one by one."""
    if not text.lstrip().startswith("["):
        return [text]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    return [json.dumps(each) for each in found]
