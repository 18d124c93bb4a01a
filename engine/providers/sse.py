"""Server-sent events in the body of a response.

The parser follows the specification: CR, LF or CRLF, comments, frames cut anywhere. Bare JSON is read too, on one line
or several: a complete answer if a server ignores `stream`, one array of all frames, an error after the last frame.

The work is linear in the number of bytes, and the numbers of frames, values and lines are limited.
"""

import codecs
import json
from collections.abc import Iterator
from typing import NamedTuple

from engine.errors import Garbled
from engine.json_limits import has_too_many_values, open_brackets
from engine.providers.text_template import RunReader, TextRun

MOST_FRAME_CHARS = 8_000_000
MOST_FRAMES = 150_000  # in one body; an answer has at most one frame for each of its tokens
MOST_LINES = 4 * MOST_FRAMES
MOST_ELEMENTS = 4_000  # in one array, whose elements are read in one step
_CHECKED_CHARS = 200_000  # a shorter frame can't have too many values
_SHORT_CHARS = 16_384
_NEVER_COMPLETE = 2**60
_PLAIN_STARTS = ("data: {", "data: [DONE]")


_FIELDS = frozenset({"data", "event", "id", "retry"})
_AROUND_FIELDS = " \t\0\ufeff"  # some proxies indent their lines


class Frame(NamedTuple):
    event: str
    data: str


class LineSplitter:
    """Splits pieces of bytes into lines, even if a piece ends within a character or a CRLF."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None  # None while each piece is valid UTF-8 by itself
        self._has_begun = False
        self._parts: list[str] = []
        self._chars = 0
        self._held = ""

    def feed(self, piece: bytes, *, final: bool = False) -> list[str]:
        """Return the lines that `piece` completes. Raises Garbled for a line that is too long."""
        return self.split(self.decode(piece, final=final))

    def decode(self, piece: bytes, *, final: bool = False) -> str:
        """Return the text of `piece` with LF for each line end, ready for `split`."""
        text = self._held + self._decoded(piece, final=final)
        self._held = ""
        if "\r" in text:
            # A CR at the very end may be half of a CRLF: it is held back until the next piece.
            if text.endswith("\r") and not final:
                text, self._held = text[:-1], "\r"
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text

    def _decoded(self, piece: bytes, *, final: bool) -> str:
        if self._decoder is None:
            try:
                text = piece.decode()
            except UnicodeDecodeError:
                self._decoder = codecs.getincrementaldecoder("utf-8" if self._has_begun else "utf-8-sig")("replace")
            else:
                has_mark, self._has_begun = not self._has_begun, self._has_begun or bool(piece)
                return text.removeprefix("\ufeff") if has_mark else text
        return self._decoder.decode(piece, final)

    def split(self, text: str) -> list[str]:
        """Return the lines that `text` completes. Raises Garbled for a line that is too long."""
        *lines, rest = text.split("\n")
        if lines:
            if self._parts:
                lines[0] = "".join((*self._parts, lines[0]))
                self._parts.clear()
            self._chars = 0
        if rest:
            self._parts.append(rest)  # joined only at the end of the line, so that a long line is copied once
            self._chars += len(rest)
            if self._chars > MOST_FRAME_CHARS:
                raise Garbled("a line without an end")
        return lines

    @property
    def rest(self) -> str:
        return "".join(self._parts) + self._held

    @property
    def has_long_rest(self) -> bool:
        """True if an unfinished line is long: joining it to each further piece would take too long."""
        return self._chars > _SHORT_CHARS

    def take_rest(self) -> str:
        """Return the unfinished line, and forget it."""
        if not self._parts:
            return ""
        rest = "".join(self._parts)
        self._parts.clear()
        self._chars = 0
        return rest


class _FrameBuilder:
    """Builds frames from lines.

    `brackets`: open brackets of bare JSON; a blank line ends the frame if there are none.
    """

    def __init__(self) -> None:
        self._event, self._data, self._chars = "", list[str](), 0
        self._bare = False
        self._brackets = 0

    def take(self, line: str, found: list[Frame]) -> None:
        """Add one line; append the frames that it completes to `found`."""
        if not line:
            if not self._bare or self._brackets <= 0:
                self.end(found)
            return
        if self._bare and not line.startswith(("data:", "event:")):
            self._brackets += open_brackets(line)
            self._add(line)
            return
        if self._bare:
            self.end(found)
        self._field(line, found)

    @property
    def is_empty(self) -> bool:
        """True if no frame has begun."""
        return not (self._data or self._event)

    def end(self, found: list[Frame]) -> None:
        """Append the unfinished frame to `found`. Raises Garbled for a frame with too many values."""
        if not self._data:
            self._event = ""
            return
        event, data, bare = self._event, "\n".join(self._data), self._bare
        self._event, self._data, self._chars, self._bare, self._brackets = "", [], 0, False, 0
        if len(data) > _CHECKED_CHARS and has_too_many_values(data):
            raise Garbled("a frame with too many values")
        if bare:
            found.extend(Frame(event, each) for each in _elements(data))
        else:
            found.append(Frame(event, data))

    def _field(self, line: str, found: list[Frame]) -> None:
        if line.startswith(":"):
            return
        name, _, value = line.partition(":")
        if name not in _FIELDS:
            name = name.strip(_AROUND_FIELDS).lower()
        value = value.removeprefix(" ")
        if name == "data":
            # some servers write the prefix twice
            value = value.removeprefix("data:").lstrip() if value.startswith("data:") else value
            if self._data and self._is_whole and value.startswith(("{", "[DONE]")):
                self.end(found)  # some servers send no blank line between frames
            self._add(value)
        elif name == "event":
            self._event = value
        elif name == "error" and value.startswith("{"):  # llama.cpp sent errors so until 2025
            self.end(found)
            self._event = name
            self._add(value)
        elif not self._data and (first := line.lstrip()[:1]) in {"{", "[", "<"}:
            self._bare = True
            self._brackets = _NEVER_COMPLETE if first == "<" else open_brackets(line)
            self._add(line)

    @property
    def _is_whole(self) -> bool:
        """True if the data so far is one line that looks like a complete JSON object."""
        first = self._data[0]
        return len(self._data) == 1 and first[:1] == "{" and first.rstrip()[-1:] == "}"

    def _add(self, line: str) -> None:
        self._data.append(line)
        self._chars += len(line) + 1
        if self._chars > MOST_FRAME_CHARS:
            raise Garbled("a frame without an end")


class FrameSplitter:
    """Splits pieces of a body into its frames."""

    def __init__(self) -> None:
        self._lines, self._builder = LineSplitter(), _FrameBuilder()
        self._frames_left, self._lines_left = MOST_FRAMES, MOST_LINES

    def feed(self, piece: bytes, runs: RunReader | None = None) -> Iterator[Frame | TextRun]:
        """Yield the frames that `piece` completes. Raises Garbled above a limit.

        Frames that fit `runs` come as runs. It may learn from a frame while the next ones are waiting.
        """
        text = self._lines.decode(piece)
        if "\n\n" in text and self._builder.is_empty and not self._lines.has_long_rest:
            text = self._lines.take_rest() + text
            begin = 0
            while True:
                if runs is not None and runs.is_known:
                    texts, begin = runs.take(text, begin)
                    if texts:
                        self._count(len(texts), 2 * len(texts))
                        yield TextRun(texts)
                end = text.find("\n\n", begin)
                if not _is_plain(text, begin, end):
                    break
                self._count(1, 2)
                yield Frame("", text[begin + 6 : end])
                begin = end + 2
            text = text[begin:]
        if text:
            yield from self._take_lines(text)

    def _take_lines(self, text: str) -> list[Frame]:
        found = list[Frame]()
        lines = self._lines.split(text)
        self._count(0, len(lines))
        for line in lines:
            self._builder.take(line, found)
        self._count(len(found), 0)
        return found

    def end(self) -> list[Frame]:
        """Return the frames left at the end of the body, even an unfinished one: some servers send errors so."""
        found = list[Frame]()
        for line in (*self._lines.feed(b"", final=True), self._lines.rest):
            if line:
                self._builder.take(line, found)
        self._builder.end(found)
        self._count(len(found), 0)
        return found

    def _count(self, frames: int, lines: int) -> None:
        self._frames_left -= frames
        self._lines_left -= lines
        if self._frames_left < 0:
            raise Garbled("a body with too many frames")
        if self._lines_left < 0:
            raise Garbled("a body with too many lines")


def _is_plain(text: str, begin: int, end: int) -> bool:
    """Return whether a block is a frame with a single `data` line, as nearly all are; `end` -1: the end is unknown yet.

    Reading these blocks separately takes a third of the time of reading their lines.
    """
    if not begin < end <= begin + _CHECKED_CHARS or not text.startswith(_PLAIN_STARTS, begin):
        return False
    return text.find("\n", begin, end) < 0


def _elements(text: str) -> list[str]:
    """Return the frames of bare JSON: the elements of an array one by one. Raises Garbled for too many."""
    if not text.lstrip().startswith("["):
        return [text]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return [text]
    if len(found) > MOST_ELEMENTS:
        raise Garbled("an array with too many elements")
    try:
        return [json.dumps(each) for each in found]
    except RecursionError:
        return [text]


_EVENTS = frozenset({"ping", "heartbeat", "keepalive", "keep-alive", "keep_alive"})
_TEXTS = frozenset({"", "null", "ping", "pong", "heartbeat", "keepalive", "keep-alive"})


def is_heartbeat(frame: Frame) -> bool:
    """Return whether a frame, which is no JSON object, is a heartbeat: by its event name or by its data."""
    return frame.event.strip().lower() in _EVENTS or frame.data.strip().lower() in _TEXTS
