"""StreamReader and AnswerReading: the response to one call, turned into chunks or a refusal while it arrives."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from engine.chat import Chunk, Delta, Finish, Finished, TextDeltas, Usage
from engine.errors import Garbled, ProviderError, StreamCut
from engine.ports import AnswerSink, LimitHeaders
from engine.providers.leaks.markup_leaks import MarkupLeaks
from engine.providers.limit_headers import parse_limits
from engine.providers.mending.answers import AnswerMending
from engine.providers.refusals import json_or_text, refusal
from engine.providers.sse import Frame, FrameSplitter
from engine.providers.streams.glued_frames import MOST_LINES
from engine.providers.text_template import RunReader, TextRun


class StreamReader(ABC):
    """Reads one stream; each dialect has its own. It never waits: all frames of one network read are read at once.

    `has_ended`: the end marker has arrived, and everything after it is ignored. `has_finished`: a finish reason has
    arrived. `is_json`: the body is one JSON value, by its media type.
    """

    has_ended = False
    has_finished = False
    is_json = False

    @property
    def runs(self) -> RunReader | None:
        """The reader of frames that `read_texts` reads in runs; None if all frames are read one by one."""
        return None

    def read_texts(self, texts: list[str]) -> Chunk:
        """Return the texts of a run of frames as one chunk of choice 0; a dialect may know a better index."""
        return TextDeltas(texts)

    @abstractmethod
    def read(self, frame: Frame) -> Sequence[Chunk]:
        """Return the chunks of one frame. Raises the ProviderError of an error frame, and Garbled.

        An end without content is not an error here: AttemptContent decides whether it is an answer.
        """

    def read_each(self, event: str, frames: Sequence[str]) -> list[Chunk]:
        """Return the chunks of several frames that came as one. Raises Garbled for too many or unreadable ones."""
        if len(frames) > MOST_LINES:
            raise Garbled("a frame of too many lines")
        found: list[Chunk] = []
        for data in frames:
            if not self.has_ended:
                found += self.read(Frame(event, data))
        return found

    def take_usage(self) -> Sequence[Chunk]:
        """Return the usage that the frames of one network read reported, if `read` did not return it."""
        return ()

    @property
    def awaits_usage(self) -> bool:
        """True if a complete answer came without its usage, which some servers send after the end marker."""
        return False

    def read_usage(self, frame: Frame) -> Sequence[Chunk]:  # noqa: ARG002 - a dialect overrides it
        """Return the usage in a frame after the end marker or of a failure; everything else in it is ignored."""
        return ()

    def end(self) -> Sequence[Chunk]:
        """Return the chunks that were held back until the end. Raises a ProviderError for an answer that was cut."""
        return ()

    def check_end(self) -> None:
        """Raise StreamCut if the body ended without a proper end."""
        if not self.has_ended and not self.has_finished:
            raise StreamCut("no end marker, no finish reason")


def ended_at_limit(choices: int) -> Sequence[Chunk]:
    """Return the end of an answer whose output limit was used up before any content."""
    return tuple(Finished(Finish.LENGTH, number) for number in range(choices))


MOST_ERROR_BYTES = 64_000
LATE_USAGE_SECONDS = 0.5  # longest wait for usage after the end marker
_FIRST_BAD_STATUS = 300
_BLANKS = b"\xef\xbb\xbf \t\r\n"
_READ_ERRORS = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError)


class AnswerReading:
    """The Receiver of one call: passes chunks on to `sink`, and never waits.

    `is_taken`: the provider has accepted the request. `has_begun`: content or reasoning has arrived. `limits`: the
    rate-limit headers of the response. `late`: the timeout of the call, which is set to wait for usage after the end
    marker or the failure. `failure`: the error of an unreadable answer, while its usage is waited for.
    """

    def __init__(
        self,
        reader: StreamReader,
        mending: AnswerMending | None,
        sink: AnswerSink,
        leaks: MarkupLeaks | None = None,
    ) -> None:
        self._reader, self._mending, self._sink, self._leaks = reader, mending, sink, leaks
        self._splitter = FrameSplitter()
        self._status, self._headers = 0, dict[str, str]()
        self._error_body: bytearray | None = None
        self._may_be_page = False
        self.is_taken = self.has_begun = False
        self.failure: Garbled | None = None
        self.limits: LimitHeaders | None = None
        self.late: asyncio.Timeout | None = None

    def head(self, status: int, headers: Mapping[str, str]) -> None:
        """Take status and headers of the response."""
        self.limits = limits_of(headers)
        if status >= _FIRST_BAD_STATUS:
            self._status, self._headers, self._error_body = status, dict(headers), bytearray()
            return
        kind = headers.get("content-type", "")
        self._status, self._may_be_page = status, "html" in kind
        self._reader.is_json = kind.startswith("application/json")
        if not self._may_be_page:
            self._take()

    def feed(self, piece: bytes) -> bool:
        """Take a piece of the body; return True if no more is needed: after the end marker and the usage.

        Raises Garbled, or the ProviderError in the piece.
        """
        if self._error_body is not None:
            return self._is_error_full(self._error_body, piece)
        if self._may_be_page and (beginning := piece.lstrip(_BLANKS)):
            self._check_page(beginning)
        frames = self._splitter.feed(piece, self._reader.runs)
        if self.failure is not None:
            self._await_usage(frames, self.failure)
            return False
        self._pass_on(frames, final=False)
        if not self._reader.has_ended:
            return False
        if not self._reader.awaits_usage or self.late is None:
            return True
        self._wait_a_little(self.late)
        return False

    def _wait_a_little(self, late: asyncio.Timeout) -> None:
        if late.when() is None:
            late.reschedule(asyncio.get_running_loop().time() + LATE_USAGE_SECONDS)

    def end(self) -> None:
        """Take the end of the body. Raises a ProviderError for an answer that was cut, or for a refused request."""
        if self._error_body is not None:
            raise self.refusal()
        if self._may_be_page:
            self._check_page(b"<")
        if self.failure is not None:
            self._await_usage(self._splitter.end(), self.failure)
            raise self.failure
        self._pass_on(self._splitter.end(), final=True)
        self._reader.check_end()

    @property
    def is_refused(self) -> bool:
        return self._error_body is not None

    def refusal(self) -> ProviderError:
        """Return the error of a response with a bad status, from the part of its body that has arrived."""
        body = bytes((self._error_body or b"")[:MOST_ERROR_BYTES])
        return refusal(self._status, json_or_text(body), self._headers)

    def _take(self) -> None:
        self.is_taken = True
        self._sink.taken()

    def _check_page(self, beginning: bytes) -> None:
        """Decide by the first bytes of a body that calls itself HTML: some servers send every stream so."""
        if beginning.startswith(b"<"):
            raise Garbled("a page instead of an answer", status=self._status)
        self._may_be_page = False
        self._take()

    def _is_error_full(self, body: bytearray, piece: bytes) -> bool:
        body += piece
        if len(body) > MOST_ERROR_BYTES:
            raise self.refusal()
        return False

    def _pass_on(self, frames: Iterable[Frame | TextRun], *, final: bool) -> None:
        """Pass the chunks of `frames` on, up to the end marker or an error; then raise that error."""
        frames = iter(frames)
        chunks, error = read_frames(self._reader, frames, final=final)
        is_last = final or self._reader.has_ended
        try:
            if self._leaks is not None:
                chunks = self._leaks.cleaned(chunks, final=is_last)
            if self._mending is not None:
                chunks = self._mending.mended(chunks, final=is_last)
        except Garbled as garbled:
            error, chunks = error or garbled, [chunk for chunk in chunks if isinstance(chunk, Usage)]
        if chunks:
            self.has_begun = self.has_begun or any(isinstance(chunk, Delta | TextDeltas) for chunk in chunks)
            self._sink.add(chunks)
        if error is not None:
            self._fail(error, chunks, frames, is_last=is_last)

    def _fail(
        self, error: ProviderError, chunks: Sequence[Chunk], frames: Iterator[Frame | TextRun], *, is_last: bool
    ) -> None:
        """Raise the error. That of an unreadable answer waits a little for the usage, which the provider bills."""
        has_usage = any(isinstance(chunk, Usage) for chunk in chunks)
        if not isinstance(error, Garbled) or not self.has_begun or self.late is None:
            raise error
        self.failure = error
        self._await_usage(frames, error)
        if has_usage or is_last:
            raise error
        self._wait_a_little(self.late)

    def _await_usage(self, frames: Iterable[Frame | TextRun], error: Garbled) -> None:
        """Pass on the usage in the frames after `error`; raise it once the usage has come."""
        found = usage_in(self._reader, frames)
        if found:
            self._sink.add(found)
            raise error


def read_frames(
    reader: StreamReader, frames: Iterable[Frame | TextRun], *, final: bool = False
) -> tuple[Sequence[Chunk], ProviderError | None]:
    """Return the chunks of `frames` up to the end marker or an error, and that error.

    The error is Garbled for a frame of unknown shape. `final`: no frames follow.
    """
    found: list[Chunk] = []
    error = _read_into(found, reader, frames, final=final)
    found += reader.take_usage()
    return found, error


def _read_into(
    found: list[Chunk], reader: StreamReader, frames: Iterable[Frame | TextRun], *, final: bool
) -> ProviderError | None:
    is_open, frames = not reader.has_ended, iter(frames)
    try:
        if is_open:
            _read_to_end_marker(found, reader, frames)
        if is_open and (final or reader.has_ended):
            found += reader.end()
    except ProviderError as error:
        return error
    except _READ_ERRORS as error:
        garbled = Garbled(f"not in this dialect ({type(error).__name__})")
        garbled.__cause__ = error
        return garbled
    if reader.has_ended:
        found += _after_end(reader, frames)
    return None


def _read_to_end_marker(found: list[Chunk], reader: StreamReader, frames: Iterator[Frame | TextRun]) -> None:
    frame: Frame | TextRun | None = None
    try:
        for frame in frames:
            if isinstance(frame, TextRun):
                found.append(reader.read_texts(frame.texts))
                continue
            found += reader.read(frame)
            if reader.has_ended:
                return
    except (ProviderError, *_READ_ERRORS):
        found += usage_in(reader, [] if frame is None else [frame])
        raise


def _after_end(reader: StreamReader, frames: Iterable[Frame | TextRun]) -> Sequence[Chunk]:
    """Return the usage in the frames after the end marker, if none came before it. No error in them counts."""
    return usage_in(reader, frames) if reader.awaits_usage else ()


def usage_in(reader: StreamReader, frames: Iterable[Frame | TextRun]) -> Sequence[Chunk]:
    """Return the first usage in frames that are read for nothing else. No error in them counts."""
    found: list[Chunk] = []
    with suppress(ProviderError):
        for frame in frames:
            if found:
                break
            with suppress(ProviderError, *_READ_ERRORS):
                found += reader.read_usage(frame) if isinstance(frame, Frame) else ()
    return found


def limits_of(headers: Mapping[str, str]) -> LimitHeaders | None:
    """Return the rate limits of a response. Most have none, so one is looked for before all are read."""
    return parse_limits(headers) if any("ratelimit" in name for name in headers) else None
