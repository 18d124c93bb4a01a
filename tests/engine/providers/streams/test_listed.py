import json
from typing import Any

import pytest

from engine.chat import Finish
from engine.errors import Garbled
from engine.providers.streams.listed import listed
from tests.engine.providers.dialects.wires import data
from tests.engine.providers.shapes.chunks import call, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

CALL = call("get_weather", '{"city":"Paris"}', index=0, id="a")
CALLED = Answer(calls=(("a", "get_weather", '{"city":"Paris"}'),), finish=Finish.TOOL_CALLS)
HI = Answer("Hi there")
GEMINI_COUNTS = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
END = (choice("tool_calls"), counted())


def gemini(candidates: Any) -> str:
    return data({"candidates": candidates, "usageMetadata": GEMINI_COUNTS})


def candidate(parts: Any) -> dict[str, Any]:
    return {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}


SHAPES = [
    Shape("calls are a JSON text", stream(choice(tool_calls=json.dumps([CALL])), *END), CALLED),
    Shape("one call as a JSON text", stream(choice(tool_calls=json.dumps(CALL)), *END), CALLED),
    Shape("an empty text as the list of calls", stream(choice(tool_calls=" "), said("Hi there"), *END), HI),
    Shape("a text that is no list of calls", stream(choice(tool_calls="get_weather()"), *END), Garbled),
    Shape("calls by their numbers (PHP)", stream(choice(tool_calls={"0": CALL}), *END), CALLED),
    Shape(
        "choices by their numbers (PHP)",
        stream({"choices": {"0": {"delta": {"content": "Hi there"}, "finish_reason": "stop"}}}, counted()),
        HI,
    ),
    Shape(
        "one choice without a list",
        stream({"choices": {"index": 0, "delta": {"content": "Hi there"}, "finish_reason": "stop"}}, counted()),
        HI,
    ),
    Shape("choices are null among others", stream({"choices": [None]}, said("Hi there", "stop"), counted()), HI),
    Shape("one candidate without a list", gemini(candidate([{"text": "Hi there"}])), HI, "gemini"),
    Shape("one part without a list", gemini([candidate({"text": "Hi there"})]), HI, "gemini"),
    Shape("parts by their numbers", gemini([candidate({"0": {"text": "Hi "}, "2": {"text": "there"}})]), HI, "gemini"),
    Shape("parts are texts", gemini([candidate(["Hi ", "there"])]), HI, "gemini"),
    Shape("the content is a text", gemini([{"content": "Hi there", "finishReason": "STOP"}]), HI, "gemini"),
    Shape(
        "the content is a list",
        gemini([{**candidate([]), "content": [{"parts": [{"text": "Hi there"}]}]}]),
        HI,
        "gemini",
    ),
    Shape(
        "Claude's content is one block",
        json.dumps(
            {
                "type": "message",
                "content": {"type": "text", "text": "Hi there"},
                "stop_reason": "end_turn",
                "usage": {"input_tokens": 9, "output_tokens": 3},
            }
        ),
        HI,
        "anthropic",
        content_type="application/json",
    ),
]


@each(SHAPES)
async def test_object_in_the_place_of_a_list_is_read(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome


@pytest.mark.parametrize("found", [None, "", {}, [], [None]])
def test_nothing_is_an_empty_list(found: Any) -> None:
    assert list(listed(found)) == []


@pytest.mark.parametrize("found", ["x", 5, True])
def test_other_values_are_garbled(found: Any) -> None:
    with pytest.raises(Garbled):
        listed(found)
