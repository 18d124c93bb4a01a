"""Facts that are derived from messages, deltas and answers."""

import pytest

from engine.chat import (
    Delta,
    Image,
    Message,
    Options,
    Role,
    Text,
    ToolCallDelta,
    Usage,
    says,
)
from engine.completion import Choice, Completion


def test_text_of_a_message_leaves_out_its_pictures() -> None:
    assert Message(Role.USER, (Text("a"), Image("data:,"), Text("b"))).text == "ab"
    assert says(Role.USER, "hi") == Message(Role.USER, (Text("hi"),))


@pytest.mark.parametrize(
    ("response_format", "wanted"),
    [
        (None, False),
        ({}, False),
        ({"type": "text"}, False),
        ({"type": "json_object"}, True),
        ({"type": "json_schema"}, True),
    ],
)
def test_json_is_wanted_by_either_json_format(response_format: dict[str, object] | None, wanted: bool) -> None:
    assert Options(response_format=response_format).wants_json is wanted


@pytest.mark.parametrize(
    ("delta", "content"),
    [
        (Delta("a"), True),
        (Delta(tool_calls=(ToolCallDelta(0),)), True),
        (Delta(thinking="hm"), False),
        (Delta(logprobs={}), False),
        (Delta(), False),
    ],
)
def test_text_and_tool_calls_are_content(delta: Delta, content: bool) -> None:
    assert delta.is_content is content


def test_tokens_are_input_and_output() -> None:
    assert Usage(10, 5, cached_tokens=4, reasoning_tokens=3).tokens == 15


def test_text_of_a_completion_is_its_first_choice() -> None:
    assert Completion("p", "m", (Choice("a"), Choice("b")), Usage(1, 1)).text == "a"
    assert Completion("p", "m", (), Usage(1, 1)).text == ""
