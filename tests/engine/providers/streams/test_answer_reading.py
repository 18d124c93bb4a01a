import json

import pytest

from engine.chat import Delta, TextDeltas
from engine.errors import Garbled, KeyRefused, Overloaded, RateLimited, StreamCut
from engine.providers.refusals import json_or_text
from engine.providers.sse import Frame
from engine.providers.streams.answer_reading import (
    MOST_ERROR_BYTES,
    AnswerReading,
    StreamReader,
    limits_of,
    read_frames,
)
from engine.providers.text_template import TextRun
from tests.engine.providers.reading import ChunkSink


class Words(StreamReader):
    """Reads each frame as a word, except `fail` (an error), `wrong` (an unknown shape) and `done` (the end)."""

    def read(self, frame: Frame) -> list[Delta]:
        if frame.data == "fail":
            raise Overloaded("failed")
        if frame.data == "wrong":
            raise KeyError("choices")
        self.has_ended = frame.data == "done"
        return [] if self.has_ended else [Delta(frame.data)]


def reading() -> tuple[AnswerReading, ChunkSink]:
    sink = ChunkSink()
    return AnswerReading(Words(), None, sink), sink


def test_chunks_of_one_read_come_together_up_to_the_end_marker() -> None:
    found, sink = reading()
    found.head(200, {"content-type": "text/event-stream"})
    assert (found.is_taken, sink.is_taken) == (True, True)
    assert not found.feed(b"data: one\n\ndata: two\n\ndata: thr")
    assert found.feed(b"ee\n\ndata: done\n\ndata: fail\n\n")
    assert (sink.chunks, sink.batches) == ([Delta("one"), Delta("two"), Delta("three")], 2)


def test_begins_with_the_first_content() -> None:
    found, _ = reading()
    found.head(200, {})
    found.feed(b": wait\n\n")
    assert not found.has_begun
    found.feed(b"data: one\n\n")
    found.feed(b": wait\n\n")
    assert found.has_begun


@pytest.mark.parametrize(("word", "error"), [("fail", Overloaded), ("wrong", Garbled)])
def test_chunks_before_an_error_are_passed_on(word: str, error: type[Exception]) -> None:
    found, sink = reading()
    found.head(200, {})
    with pytest.raises(error):
        found.feed(f"data: one\n\ndata: {word}\n\n".encode())
    assert sink.chunks == [Delta("one")]


def test_run_of_texts_is_content_of_the_only_choice() -> None:
    found, error = read_frames(Words(), [TextRun(["one ", "two "]), Frame("", "three")])
    assert (found, error) == ([TextDeltas(["one ", "two "]), Delta("three")], None)


def test_last_frame_may_lack_its_end() -> None:
    found, sink = reading()
    found.head(200, {})
    found.feed(b"data: one\n\ndata: done")
    found.end()
    assert sink.chunks == [Delta("one")]


def test_refusal_is_read_from_its_body() -> None:
    found, sink = reading()
    found.head(401, {"x-ratelimit-remaining-requests": "3"})
    assert (found.is_refused, found.is_taken, sink.is_taken) == (True, False, False)
    assert not found.feed(json.dumps({"error": {"message": "wrong key", "code": "invalid_api_key"}}).encode())
    with pytest.raises(KeyRefused):
        found.end()
    assert found.limits is not None
    assert found.limits.requests_left == 3


def test_refusal_without_an_end_is_read_in_part() -> None:
    found, _ = reading()
    found.head(429, {})
    with pytest.raises(RateLimited):
        found.feed(b"x" * (MOST_ERROR_BYTES + 1))


def test_page_is_no_answer() -> None:
    for beginning in (b"<html>", b"\r\n <!doctype html>", b"\xef\xbb\xbf<p>"):
        found, _ = reading()
        found.head(200, {"content-type": "text/html"})
        found.feed(b"\n ")
        assert not found.is_taken
        with pytest.raises(Garbled, match="page"):
            found.feed(beginning)
        assert not found.is_taken


def test_stream_that_calls_itself_a_page_is_read() -> None:
    found, _ = reading()
    found.head(200, {"content-type": "text/html; charset=utf-8"})
    found.feed(b"\n")
    found.feed(b"data: a\n\n")
    assert found.is_taken
    empty, _ = reading()
    empty.head(200, {"content-type": "text/html"})
    with pytest.raises(Garbled, match="page"):
        empty.end()


def test_helpers() -> None:
    assert json_or_text(b'{"a": 1}') == {"a": 1}
    assert json_or_text(b"\xffno" + b"x" * 400) == "\ufffdno" + "x" * 297
    assert limits_of({"content-type": "x"}) is None


class Reader(StreamReader):
    def read(self, frame: Frame) -> list[Delta]:
        return [Delta(frame.data)]


@pytest.mark.parametrize(("ended", "finished"), [(True, False), (False, True), (True, True)])
def test_end_marker_or_finish_reason_is_a_proper_end(*, ended: bool, finished: bool) -> None:
    reader = Reader()
    reader.has_ended, reader.has_finished = ended, finished
    reader.check_end()


def test_body_without_either_is_cut() -> None:
    reader = Reader()
    reader.read(Frame("", "a"))
    with pytest.raises(StreamCut):
        reader.check_end()
