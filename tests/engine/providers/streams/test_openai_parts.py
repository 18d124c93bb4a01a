"""The parts of a delta in OpenAI's shape, in the forms that servers send."""

from typing import Any

import pytest

from engine.errors import Garbled
from engine.providers.streams.calls.streamed_call import CallPiece
from engine.providers.streams.calls.tool_calls import MOST_CALLS
from engine.providers.streams.openai_parts import MOST_PARTS, Parts, call_pieces, parts_of


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({"content": "Hi"}, Parts("Hi", "", "", False)),
        ({"content": None, "refusal": "No."}, Parts("", "No.", "", False)),
        ({"content": "", "reasoning_content": "hm"}, Parts("", "", "hm", False)),
        ({"content": "4", "reasoning": "hm", "reasoning_content": "hm"}, Parts("4", "", "hm", False)),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, Parts("ab", "", "", False)),
        ({"content": ["a", {"type": "refusal", "refusal": "No."}]}, Parts("a", "No.", "", False)),
        (
            {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"text": "4"}]},
            Parts("4", "", "hm", False),
        ),
        ({"content": [{"type": "image_url", "image_url": {}}]}, Parts("", "", "", False)),
        ({"reasoning_details": [{"text": "hm"}, {"data": "c2VjcmV0"}]}, Parts("", "", "hm", True)),
        ({"thinking_blocks": {"thinking": "hm"}}, Parts("", "", "hm", False)),
    ],
)
def test_parts_of_a_delta(delta: dict[str, Any], expected: Parts) -> None:
    assert parts_of(delta) == expected


def test_texts_nested_deeper_than_any_server_sends_are_empty() -> None:
    nested: Any = "deep"
    for _ in range(1000):
        nested = [nested]
    assert parts_of({"content": [{"type": "thinking", "thinking": nested}]}).thinking == ""


@pytest.mark.parametrize(("count", "is_garbled"), [(MOST_PARTS, False), (MOST_PARTS + 1, True)])
def test_number_of_parts_is_bounded(count: int, is_garbled: bool) -> None:
    delta = {"content": ["a"] * count}
    if is_garbled:
        with pytest.raises(Garbled):
            parts_of(delta)
    else:
        assert len(parts_of(delta).text) == count


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({}, []),
        (
            {"tool_calls": [{"index": 1, "id": "c", "function": {"name": "f", "arguments": '{"a'}}]},
            [CallPiece(1, "c", "f", '{"a')],
        ),
        ({"tool_calls": {"id": "c", "name": "f"}}, [CallPiece(None, "c", "f")]),
        ({"tool_calls": [{"index": "2", "id": 7, "function": {"name": "f"}}]}, [CallPiece(2, "7", "f")]),
        ({"tool_calls": [{"index": True, "id": "c"}]}, [CallPiece(None, "c")]),
        (
            {"tool_calls": [{"function": {"name": "f", "arguments": {"town": "Huế"}}}]},
            [CallPiece(None, "", "f", '{"town":"Huế"}')],
        ),
        ({"tool_calls": [{"function": {"arguments": "null"}}]}, [CallPiece(arguments="null")]),
        ({"tool_calls": [{"index": 0, "function": {}}, "no call"]}, []),
        ({"function_call": {"name": "f", "arguments": "{}"}}, [CallPiece(0, "", "f", "{}")]),
        ({"function_call": "f"}, []),
    ],
)
def test_pieces_of_tool_calls(delta: dict[str, Any], expected: list[CallPiece]) -> None:
    assert call_pieces(delta) == expected


@pytest.mark.parametrize("calls", ["f", 7, [{"id": "c"}] * (MOST_CALLS + 1)])
def test_calls_that_are_no_list_or_too_many_are_garbled(calls: Any) -> None:
    with pytest.raises(Garbled):
        call_pieces({"tool_calls": calls})
