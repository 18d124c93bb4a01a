import json
from typing import Any

import pytest

from engine.chat import Finish, Served
from engine.errors import Garbled, KeyRefused, Overloaded, ProviderError, StreamCut
from engine.providers.dialects.gemini_stream import GeminiStreamReader
from engine.providers.sse import Frame, FrameSplitter
from engine.providers.streams.answer_reading import read_frames
from engine.providers.text_template import TextRun
from tests.engine.providers.dialects.frames import frame
from tests.engine.providers.dialects.wires import Wire, calls, data, finishes, text, usage
from tests.engine.providers.reading import ChunkSink


async def test_frames_with_crlf_are_read_to_the_finish_reason() -> None:
    body = data(frame("Chào "), frame("🌊"), frame(finish="STOP", modelVersion="gemini-2.5"), end="\r\n\r\n").encode()
    for width in (1, 3, len(body)):
        found = await Wire("gemini", [body[n : n + width] for n in range(0, len(body), width)]).chunks()
        assert (text(found), finishes(found)) == ("Chào 🌊", [Finish.STOP])
        assert Served("gemini-2.5") in found
    with pytest.raises(StreamCut):
        await Wire("gemini", data(frame("Chào"))).chunks()


@pytest.mark.parametrize(
    ("reason", "ours"),
    [("STOP", Finish.STOP), ("MAX_TOKENS", Finish.LENGTH), ("CONTINUATION", Finish.LENGTH), ("NEW", Finish.STOP)]
    + [
        (reason, Finish.REFUSED)
        for reason in (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_OTHER",
        )
    ],
)
async def test_finish_reason_is_mapped_to_a_finish(reason: str, ours: Finish) -> None:
    assert finishes(await Wire("gemini", data(frame("a", finish=reason))).chunks()) == [ours]


@pytest.mark.parametrize(
    "reason",
    ["OTHER", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "MISSING_THOUGHT_SIGNATURE"],
)
async def test_some_finish_reasons_are_failures(reason: str) -> None:
    with pytest.raises(Overloaded):
        await Wire("gemini", data(frame("a"), frame(finish=reason))).chunks()


async def test_disabled_account_is_a_refused_key() -> None:
    with pytest.raises(KeyRefused):
        await Wire("gemini", data(frame(finish="PUP_LIMITED_DISABLED"))).chunks()


async def test_blocked_prompt_is_an_answer() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 8}}
    found = await Wire("gemini", data(blocked)).chunks()
    assert (finishes(found), text(found)) == ([Finish.REFUSED], "")
    assert usage(found) is not None


@pytest.mark.parametrize("indent", [None, 2])
async def test_error_within_a_200_is_read_as_frame_list_or_bare_json(indent: int | None) -> None:
    error = {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}
    for last in (data(error), json.dumps(error, indent=indent), json.dumps([error], indent=indent), data([error])):
        for before in ("", data(frame("a"), end="\r\n\r\n")):
            with pytest.raises(Overloaded):
                await Wire("gemini", before + last).chunks()


@pytest.mark.parametrize("indent", [None, 2])
async def test_array_of_frames_and_whole_answer_are_read(indent: int | None) -> None:
    frames = [frame("a"), frame("b", finish="STOP", usageMetadata={"promptTokenCount": 3})]
    found = await Wire("gemini", json.dumps(frames, indent=indent)).chunks()
    assert (text(found), finishes(found)) == ("ab", [Finish.STOP])
    assert text(await Wire("gemini", json.dumps(frame("ab", finish="STOP"), indent=indent)).chunks()) == "ab"


async def test_usage_adds_the_thinking_tokens() -> None:
    last = {
        "promptTokenCount": 20,
        "toolUsePromptTokenCount": 5,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 11,
    }
    first = {"promptTokenCount": 20, "candidatesTokenCount": 1}
    found = usage(
        await Wire("gemini", data(frame("a", usageMetadata=first), frame(finish="STOP", usageMetadata=last))).chunks()
    )
    assert found is not None
    assert (found.input_tokens, found.output_tokens, found.cached_tokens, found.reasoning_tokens) == (25, 18, 4, 11)


async def test_function_calls_come_whole() -> None:
    call = {"functionCall": {"name": "look", "args": {"a": 1}}}
    found = await Wire("gemini", data(frame("so", call, finish="STOP"))).chunks()
    assert calls(found) == [("look", '{"a":1}')]
    assert finishes(found) == [Finish.TOOL_CALLS]


@pytest.mark.parametrize(
    "bad",
    [{"candidates": 5}, {"candidates": [7]}, frame(7), {"candidates": [{"content": 5}]}, {"promptFeedback": "x"}],
)
async def test_frame_of_another_shape_is_garbled(bad: Any) -> None:
    with pytest.raises(Garbled):
        await Wire("gemini", data(frame("a"), bad, frame(finish="STOP"))).chunks()


async def test_html_page_and_empty_body_are_failures() -> None:
    for body in ("", "<html>", "[]"):
        with pytest.raises(ProviderError):
            await Wire("gemini", body).chunks()


def _frame(text: str = "so", *, usage: object = None, model: object = "m", part: object = None, **more: object) -> str:
    candidate = {"content": {"parts": [part or {"text": text}], "role": "model"}, "index": 0, **more}
    counts = usage or {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}
    return json.dumps({"candidates": [candidate], "usageMetadata": counts, "modelVersion": model})


@pytest.mark.parametrize(
    "frames",
    [
        [_frame("a"), _frame("b"), _frame("c", finishReason="STOP")],
        [_frame(), _frame("")],
        [_frame(), _frame(model="other"), _frame(model="other")],
        [_frame(), _frame(model=None), _frame(model=7)],
        [_frame(), _frame(index=1), _frame(index=-1), _frame(index=1.0), _frame(index=None)],
        [
            _frame(),
            _frame(part={"text": "hm", "thought": True}),
            _frame(part={"functionCall": {"name": "f", "id": "c1"}}),
        ],
        [_frame(), _frame(usage={"promptTokenCount": 4, "candidatesTokenCount": 0, "totalTokenCount": 9}), _frame()],
        [_frame(), _frame(usage={"promptTokenCount": "4"}), _frame(usage=[1])],
        [_frame("é\ud800"), _frame("\ud800"), _frame("ü\u2028")],
        [_frame(), *[_frame(finishReason=None)] * 40, _frame("z")],
    ],
)
@pytest.mark.parametrize("pieces", [1, 2, 9])
def test_frames_with_one_text_are_read_like_any_other(frames: list[str], pieces: int) -> None:
    body = "".join(f"data: {each}\n\n" for each in frames).encode("utf-8", "surrogatepass")
    width = -(-len(body) // pieces)
    parts = [body[begin : begin + width] for begin in range(0, len(body), width)]
    assert _read(parts, in_runs=True) == _read(parts, in_runs=False)


def _read(pieces: list[bytes], *, in_runs: bool) -> tuple[list[object], str]:
    """Return the chunks of each read, with runs split, and the error that ended the body."""
    reader, splitter, found = GeminiStreamReader(has_stop_sequences=False), FrameSplitter(), list[object]()
    for piece in pieces:
        sink = ChunkSink()
        chunks, error = read_frames(reader, splitter.feed(piece, reader.runs if in_runs else None))
        sink.add(chunks)
        found.append(sink.chunks)
        if error is not None:
            return found, repr(error)
    return found, str(reader._counts.first("totalTokenCount"))


def test_frames_are_read_in_runs() -> None:
    body = "".join(f"data: {_frame(text)}\n\n" for text in "abcd") + f"data: {_frame(finishReason='STOP')}\n\n"
    reader = GeminiStreamReader(has_stop_sequences=False)
    found: list[object] = []
    for each in FrameSplitter().feed(body.encode(), reader.runs):
        found.append(each)
        if isinstance(each, Frame):
            reader.read(each)
    assert [each for each in found if isinstance(each, TextRun)] == [TextRun(["b", "c", "d"])]
