"""Runs of frames that differ only in their text give the same chunks when read together or one by one."""

import asyncio
import json
from collections.abc import Sequence
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chat import Chunk, Delta, Finish, Finished
from engine.ports import ProviderCall
from engine.providers.sse import Frame, FrameSplitter
from engine.providers.streams.answer_reading import read_frames
from engine.providers.text_template import TextRun, TextTemplate
from tests.engine.providers.dialects.wires import ASKED, Wire
from tests.engine.providers.reading import ChunkSink, chunks_of

WORDS = [
    "Hello",
    " world",
    "\n",
    ' "quoted"',
    " back\\slash",
    " một",
    " 🌊",
    "{",
    "}",
    "",
    '"content":"',
    "\t",
    "\x00",
    "a",
]
END = 'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'


def frame(text: str, *, spaced: bool = False, **more: object) -> str:
    chunk = {
        "id": "c",
        "object": "chat.completion.chunk",
        "model": "m",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}],
        **more,
    }
    separators = (", ", ": ") if spaced else (",", ":")
    return f"data: {json.dumps(chunk, separators=separators)}\n\n"


def learned(text: str = "Hi") -> TextTemplate:
    template = TextTemplate()
    template.learn(frame(text)[6:].rstrip("\n"), text)
    return template


def test_run_ends_before_a_frame_of_another_form() -> None:
    template, body = learned(), frame("one") + frame(" two") + frame("x", usage={"a": 1}) + frame("three")
    found, at = template.take(body, 0)
    assert found == ["one", " two"]
    assert template.take(body, at) == ([], at)
    assert body[at:].startswith(frame("x", usage={"a": 1}))


def test_frame_without_its_end_is_left() -> None:
    template, body = learned(), frame("one") + frame("two")[:-1]
    found, at = template.take(body, 0)
    assert (found, body[at:]) == (["one"], frame("two")[:-1])


@pytest.mark.parametrize("text", ["\n", 'a "b"', "\\", "é", "\U0001f30a"])
def test_escaped_text_is_read_as_json(text: str) -> None:
    body = frame("one") + frame(text) + frame("end")
    assert learned().take(body, 0) == (["one", text, "end"], len(body))


@pytest.mark.parametrize(
    "inside", ["", 'x"},"finish_reason":"stop', r"half \ud83d", "\\x", 'a","role":"tool', "line\nbreak", "tab\t"]
)
def test_text_that_is_no_json_text_ends_the_run(inside: str) -> None:
    first = frame("one")
    body = first + first.replace("one", inside) + frame("two")
    assert learned().take(body, 0) == (["one"], len(first))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ('{"content":"a","content":"a"}', "a"),
        ('{"text":"a"}', "a"),
        ('{"content":"b"}', "a"),
        ('{"content":"a\\n"}', "a\n"),
        ('{"id":1,\n"content":"a"}', "a"),
    ],
)
def test_frame_whose_text_has_no_certain_place_teaches_nothing(data: str, text: str) -> None:
    template = TextTemplate()
    template.learn(data, text)
    assert not template.is_known


def test_template_is_forgotten_and_is_not_learned_without_end() -> None:
    template = learned()
    for _ in range(40):
        template.forget()
        assert not template.is_known
        template.learn(frame("Hi")[6:-2], "Hi")
    assert not template.is_known


def test_splitter_asks_the_template_after_each_frame() -> None:
    template, splitter, found = TextTemplate(), FrameSplitter(), list[object]()
    for each in splitter.feed((frame("one") + frame("two") + frame("three") + END).encode(), template):
        found.append(each)
        if isinstance(each, Frame) and len(found) == 1:
            template.learn(each.data, "one")
    assert found[1] == TextRun(["two", "three"])
    assert isinstance(found[-1], Frame)


class Kept(ChunkSink):
    def __init__(self) -> None:
        super().__init__()
        self.kinds: list[type] = []

    def add(self, chunks: Sequence[Chunk]) -> None:
        self.kinds += map(type, chunks)
        super().add(chunks)


@given(
    st.lists(
        st.tuples(st.sampled_from(WORDS), st.booleans(), st.sampled_from([{}, {}, {}, {"usage": None}, {"k": 1}]))
    ),
    st.lists(st.integers(1, 400), max_size=6),
)
def test_answer_is_the_same_however_its_frames_are_cut(
    words: list[tuple[str, bool, dict[str, object]]], cuts: list[int]
) -> None:
    body = (frame("begin") + "".join(frame(w, spaced=spaced, **more) for w, spaced, more in words) + END).encode()
    parts, at = [], 0
    for cut in cuts:
        parts.append(body[at : at + cut])
        at += cut
    wire = Wire("openai", [*parts, body[at:]])
    found = asyncio.run(chunks_of(wire.provider, ProviderCall(ASKED, "m", 100)))
    texts = [chunk.text for chunk in found if isinstance(chunk, Delta) and chunk.text]
    assert texts == ["begin", *(word for word, _, _ in words if word)]
    assert [chunk for chunk in found if isinstance(chunk, Finished)] == [Finished(Finish.STOP)]


DELTAS: list[dict[str, object]] = [
    {},
    {"role": "assistant"},
    {"role": "assistant", "refusal": None},
    {"reasoning_content": None},
    {"reasoning": None, "tool_calls": None},
    {"reasoning_content": "hm"},
    {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]},
    {"refusal": "no"},
]
CHOICES: list[dict[str, object]] = [
    {"finish_reason": None},
    {"logprobs": None, "finish_reason": None},
    {"finish_reason": None, "native_finish_reason": None},
    {"finish_reason": None, "stop_reason": None},
    {"logprobs": {"content": [{"token": "a", "logprob": -1}]}, "finish_reason": None},
    {"finish_reason": ""},
    {"finish_reason": "stop"},
]
CHUNKS: list[dict[str, object]] = [
    {"created": 1, "model": "m"},
    {"created": 1, "model": "m", "system_fingerprint": "fp", "service_tier": "default", "usage": None},
    {"provider": "X", "model": "m"},
    {"model": "m", "x_groq": {"id": "r"}},
    {"model": "m", "p": "abcd"},
    {"model": "other"},
    {"usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}},
    {"error": {"message": "busy", "code": 503}},
    {"note": '"content":"'},
    {"content": "beside"},
]
BETWEEN = ["", "", "", "", ": ping\n\n", "event: message\n", "\n", "data: [DONE]\n\n", "data: {\n\n", "data: {}\n\n"]


@st.composite
def shaped_frames(draw: st.DrawFn) -> str:
    """Return several frames, mostly of one shape, with different texts and choices."""
    delta, body, chunk = (draw(st.sampled_from(each)) for each in (DELTAS, CHOICES, CHUNKS))
    separators, is_ascii = draw(st.sampled_from([(",", ":"), (", ", ": ")])), draw(st.booleans())
    found = ""
    for word, index in draw(st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 2)), min_size=1, max_size=6)):
        choice = {"index": index, "delta": {"content": word, **delta}, **body}
        whole = {"id": "c", "object": "chat.completion.chunk", **chunk, "choices": [choice]}
        found += f"data: {json.dumps(whole, separators=separators, ensure_ascii=is_ascii)}\n\n"
    return found + draw(st.sampled_from(BETWEEN))


def read_in_runs(pieces: list[bytes], *, in_runs: bool) -> tuple[list[Chunk], str]:
    """Return the chunks of a body, with runs split, and the error that ended it."""
    wire, sink, splitter = Wire("openai"), ChunkSink(), FrameSplitter()
    reader = wire.provider.reader(ProviderCall(ASKED, "m", 100))
    for piece in pieces:
        chunks, error = read_frames(reader, splitter.feed(piece, reader.runs if in_runs else None))
        sink.add(chunks)
        if error is not None or reader.has_ended:
            return sink.chunks, repr(error)
    return sink.chunks, ""


@given(st.lists(shaped_frames(), min_size=1, max_size=8), st.lists(st.integers(1, 900), max_size=4))
def test_frames_of_any_shape_are_read_in_runs_as_one_by_one(frames: list[str], cuts: list[int]) -> None:
    body = "".join(frames).encode()
    ends = [0, *accumulate(cuts), len(body)]
    pieces = [body[begin:end] for begin, end in pairwise(ends)]
    assert read_in_runs(pieces, in_runs=True) == read_in_runs(pieces, in_runs=False)


def test_texts_of_several_choices_are_told_apart() -> None:
    frames = [(0, "a"), (1, "b"), (0, "a2"), (1, "b2"), (0, "a3"), (0, "a4"), (1, "b3")]
    body = "".join(frame(text, choices=[{"index": index, "delta": {"content": text}}]) for index, text in frames)
    chunks, error = read_in_runs([body.encode()], in_runs=True)
    assert [(each.index, each.text) for each in chunks if isinstance(each, Delta)] == frames
    assert not error


async def test_run_comes_as_one_chunk() -> None:
    wire, sink = Wire("openai", frame("begin") + "".join(frame(f"w{n} ") for n in range(50)) + END), Kept()
    await wire.provider.stream(ProviderCall(ASKED, "m", 100), sink)
    assert len(sink.kinds) < 10
    assert len([chunk for chunk in sink.chunks if isinstance(chunk, Delta) and chunk.text]) == 51
