"""Runs of frames that differ in their text alone: read at once as they are read one by one."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chat import Chunk, Delta, Finish, Finished
from engine.ports import ProviderCall
from engine.providers.sse import Frame, FrameSplitter
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


async def test_run_comes_as_one_chunk() -> None:
    wire, sink = Wire("openai", frame("begin") + "".join(frame(f"w{n} ") for n in range(50)) + END), Kept()
    await wire.provider.stream(ProviderCall(ASKED, "m", 100), sink)
    assert len(sink.kinds) < 10
    assert len([chunk for chunk in sink.chunks if isinstance(chunk, Delta) and chunk.text]) == 51
