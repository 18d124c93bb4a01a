"""Plain frames are read quickly; all others are left to the general reader."""

import json
from typing import Any

import pytest

from engine.chat import Chunk, Delta
from engine.providers.dialects.openai_stream import OpenAIStreamReader
from engine.providers.registry import specs
from engine.providers.sse import Frame
from engine.providers.streams.plain_text import PlainText, plain_text
from engine.providers.streams.think_tags import ThinkingHabits


def chunk(delta: dict[str, Any], choice: dict[str, Any] | None = None, **more: Any) -> str:
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **(choice or {})}]
    return json.dumps({"object": "chat.completion.chunk", "model": "m", "choices": choices, **more})


def frame(data: str, event: str = "") -> Frame:
    return Frame(event, data)


PLAIN = chunk({"role": "assistant", "content": "sea \u00e9\n", "refusal": None}, id="1", usage=None, service_tier="x")


def test_text_alone_is_plain() -> None:
    assert plain_text(frame(PLAIN)) == PlainText("sea \u00e9\n", 0, "m")
    assert plain_text(frame(chunk({"content": "a"}, {"index": 2}))) == PlainText("a", 2, "m")


@pytest.mark.parametrize(
    "data",
    [
        chunk({"content": ""}),
        chunk({"role": "assistant"}),
        chunk({"content": None}),
        chunk({"content": [{"type": "text", "text": "a"}]}),
        chunk({"content": "a", "reasoning_content": "b"}),
        chunk({"content": "a", "thinking_blocks": []}),
        chunk({"content": "a", "tool_calls": [{"index": 0}]}),
        chunk({"content": "a"}, {"finish_reason": "stop"}),
        chunk({"content": "a"}, {"logprobs": {"content": []}}),
        chunk({"content": "a"}, {"index": "0"}),
        chunk({"content": "a"}, {"usage": {"prompt_tokens": 1}}),
        chunk({"content": "a"}, {"message": {"content": "a"}}),
        chunk({"content": "a"}, usage={"prompt_tokens": 1}),
        chunk({"content": "a"}, error={"message": "broken"}),
        chunk({"content": "a"}, x_groq={"usage": {}}),
        chunk({"content": "a"}, object="error"),
        chunk({"content": "a"}, choices=[]),
        chunk({"content": "a"})[:-1],
        '{"object": "chat.completion.chunk", "choices": [{"delta": {"content": "\\ud800"}}]}',
        "[DONE]",
        "",
    ],
)
def test_any_other_frame_is_left_to_the_general_reader(data: str) -> None:
    assert plain_text(frame(data)) is None


def test_frame_that_is_nested_too_deep_is_left_to_the_general_reader() -> None:
    assert plain_text(frame('{"x": ' + "[" * 15_000)) is None


def test_named_and_long_frames_are_left_to_the_general_reader() -> None:
    assert plain_text(frame(PLAIN, event="error")) is None
    assert plain_text(frame(chunk({"content": "a" * 20_000}))) is None


def read(frames: list[str]) -> list[Chunk]:
    habits = ThinkingHabits(is_self_hosted=False)
    reader = OpenAIStreamReader(specs()["openai"], "m", habits, has_stop_sequences=False)
    return [each for data in frames for each in reader.read(frame(data))]


def test_plain_frames_give_the_chunks_that_the_general_reader_gives() -> None:
    plain = [PLAIN, chunk({"content": "<think>no"}), chunk({"content": "b"}, model="other"), chunk({"content": "c"})]
    general = [json.dumps({**json.loads(data), "x_groq": {}}) for data in plain]
    assert all(plain_text(frame(data)) is None for data in general)
    assert read(plain) == read(general)


def test_text_within_a_think_tag_is_no_plain_text() -> None:
    found = read([chunk({"content": text}) for text in ("<think>", "sum ", "</think>", "answer")])
    assert "".join(each.text for each in found if isinstance(each, Delta)) == "answer"


def test_message_that_repeats_plain_text_adds_nothing() -> None:
    whole = {"message": {"role": "assistant", "content": "a bc"}, "finish_reason": "stop"}
    found = read([chunk({"content": "a"}), chunk({"content": " b"}), chunk({"content": "c"}), chunk({}, whole)])
    assert [each.text for each in found if isinstance(each, Delta) and each.text] == ["a", " b", "c"]
