"""Plain frames are read quickly; all others are left to the general reader."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chat import Chunk, Delta, TextDeltas
from engine.errors import ProviderError
from engine.providers.dialects.openai_stream import OpenAIStreamReader
from engine.providers.registry import specs
from engine.providers.sse import Frame, FrameSplitter
from engine.providers.streams.answer_reading import read_frames
from engine.providers.streams.plain_chunks import plain_chunk
from engine.providers.streams.think_tags import ThinkingHabits


def chunk(delta: dict[str, Any], choice: dict[str, Any] | None = None, **more: Any) -> str:
    choices = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **(choice or {})}]
    return json.dumps({"object": "chat.completion.chunk", "model": "m", "choices": choices, **more})


def frame(data: str, event: str = "") -> Frame:
    return Frame(event, data)


USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
PLAIN = chunk({"role": "assistant", "content": "sea \u00e9\n", "refusal": None}, id="1", usage=None, service_tier="x")


@pytest.mark.parametrize(
    "data",
    [
        PLAIN,
        chunk({"content": "a"}, {"index": 2}),
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": None}),
        chunk({}, {"finish_reason": "stop"}),
        chunk({}, usage=USAGE),
        chunk({}, choices=[], usage=USAGE),
    ],
)
def test_text_ends_and_usage_are_plain(data: str) -> None:
    assert plain_chunk(frame(data)) is not None


@pytest.mark.parametrize(
    "data",
    [
        chunk({"content": [{"type": "text", "text": "a"}]}),
        chunk({"content": "a", "reasoning_content": "b"}),
        chunk({"content": "a", "thinking_blocks": []}),
        chunk({"content": "a", "tool_calls": [{"index": 0}]}),
        chunk({"content": "a"}, {"logprobs": {"content": []}}),
        chunk({"content": "a"}, {"index": "0"}),
        chunk({"content": "a"}, {"index": -1}),
        chunk({"content": "a"}, {"usage": {"prompt_tokens": 1}}),
        chunk({"content": "a"}, {"message": {"content": "a"}}),
        chunk({"content": "a"}, error={"message": "broken"}),
        chunk({"content": "a"}, x_groq={"usage": {}}),
        chunk({"content": "a"}, object="error"),
        chunk({"content": "a"}, choices=[]),
        chunk({}, choices=[], usage=USAGE, detail="broken"),
        chunk({}, choices=[], usage=USAGE, message="broken", code=5),
        chunk({"content": "a"}, timings={"prompt_n": 1, "predicted_n": 1}),
        chunk({"content": "a"}, base_resp={"status_code": 1004}),
        chunk({}, {"finish_reason": "stop", "native_finish_reason": "safety"}),
        chunk({"content": "a"})[:-1],
        '{"object": "chat.completion.chunk", "choices": [{"delta": {"content": "\\ud800"}}]}',
        "[DONE]",
        "",
    ],
)
def test_any_other_frame_is_left_to_the_general_reader(data: str) -> None:
    assert plain_chunk(frame(data)) is None


def test_frame_that_is_nested_too_deep_is_left_to_the_general_reader() -> None:
    assert plain_chunk(frame('{"x": ' + "[" * 15_000)) is None


def test_named_and_long_frames_are_left_to_the_general_reader() -> None:
    assert plain_chunk(frame(PLAIN, event="error")) is None
    assert plain_chunk(frame(chunk({"content": "a" * 20_000}))) is None


def read(frames: list[str], provider: str = "openai", model: str = "m") -> list[Chunk | str]:
    """Return the chunks of a stream, up to and including its error."""
    spec = specs()[provider]
    reader = OpenAIStreamReader(spec, model, ThinkingHabits(spec.is_self_hosted), has_stop_sequences=True)
    found: list[Chunk | str] = []
    try:
        for data in frames:
            found += reader.read(frame(data))
        found += reader.end()
    except ProviderError as error:
        found.append(repr(error))
    return found


def general(data: str) -> str:
    """Return the same frame with a field that only the general reader knows."""
    found = json.dumps({**json.loads(data), "x_groq": {}})
    assert plain_chunk(frame(found)) is None
    return found


_FRAMES = st.sampled_from(
    [
        PLAIN,
        *(chunk({"content": text}) for text in ("b", " ", "<thi", "<think>no", "</think>", "a long text of a reply")),
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "other"}, model="other"),
        chunk({"content": "second"}, {"index": 1}),
        chunk({"content": "far"}, {"index": -3}),
        chunk({"content": "b"}, usage=USAGE),
        chunk({"content": "a long text of a reply"}, {"finish_reason": "stop"}),
        *(chunk({}, {"finish_reason": reason}) for reason in ("stop", "MAX_TOKENS", "null", "", "safety", "odd")),
        chunk({"content": ""}, {"finish_reason": "network_error"}),
        *(chunk({}, choices=[], usage=usage) for usage in (USAGE, {"promptTokens": 5}, {"cost": 0.5, **USAGE}, {})),
        chunk({}, {"finish_reason": "stop"}, usage={"prompt_tokens": 0, "completion_tokens": 7}),
        chunk({"content": "\ud83d"}),
        chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a": '}}]}),
        chunk({"reasoning_content": "hm"}),
    ]
)
_MODELS = st.sampled_from([("openai", "m"), ("openrouter", "google/gemini-3-pro"), ("local", "deepseek-r1")])


@given(st.lists(_FRAMES, max_size=8), _MODELS)
def test_plain_frames_give_the_chunks_that_the_general_reader_gives(frames: list[str], model: tuple[str, str]) -> None:
    assert read(frames, *model) == read([general(data) for data in frames], *model)


@given(st.lists(_FRAMES, max_size=12))
def test_frames_that_come_together_give_the_chunks_of_frames_that_come_alone(frames: list[str]) -> None:
    habits = ThinkingHabits(is_self_hosted=False)
    reader = OpenAIStreamReader(specs()["openai"], "m", habits, has_stop_sequences=True)
    body = "".join(f"data: {each}\n\n" for each in frames).encode()
    chunks, error = read_frames(reader, FrameSplitter().feed(body, reader.runs), final=True)
    together: list[Chunk | str] = []
    for each in chunks:
        together += [Delta(text, each.index) for text in each.texts] if isinstance(each, TextDeltas) else [each]
    assert together + ([repr(error)] if error else []) == read(frames)


def test_more_choices_than_allowed_are_garbled_in_plain_frames_too() -> None:
    frames = [chunk({"content": "a"}, {"index": number}) for number in range(130)]
    assert read(frames) == read([general(data) for data in frames])


def test_text_within_a_think_tag_is_no_plain_text() -> None:
    found = read([chunk({"content": text}) for text in ("<think>", "sum ", "</think>", "answer")])
    assert "".join(each.text for each in found if isinstance(each, Delta)) == "answer"


def test_message_that_repeats_plain_text_adds_nothing() -> None:
    whole = {"message": {"role": "assistant", "content": "a bc"}, "finish_reason": "stop"}
    found = read([chunk({"content": "a"}), chunk({"content": " b"}), chunk({"content": "c"}), chunk({}, whole)])
    assert [each.text for each in found if isinstance(each, Delta) and each.text] == ["a", " b", "c"]
