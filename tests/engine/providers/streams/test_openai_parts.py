"""Parts of a delta or message in OpenAI's shape."""

from typing import Any

import pytest

from engine.errors import Garbled
from engine.providers.streams.openai_parts import MOST_PARTS, Parts, call_pieces, parts_of
from engine.providers.streams.tool_calls import CallPiece


@pytest.mark.parametrize(
    ("delta", "expected"),
    [
        ({}, Parts("", "", "", hides_thinking=False)),
        ({"content": "a", "refusal": "no"}, Parts("a", "no", "", hides_thinking=False)),
        ({"content": {"type": "text", "text": "a"}}, Parts("a", "", "", hides_thinking=False)),
        (
            {"content": [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "no"}, "b", 7, None]},
            Parts("ab", "no", "", hides_thinking=False),
        ),
        ({"content": [{"type": "reference", "reference_ids": [1]}]}, Parts("", "", "", hides_thinking=False)),
        ({"reasoning": {"content": "hm"}}, Parts("", "", "hm", hides_thinking=False)),
        ({"reasoning_details": [{"data": "x"}]}, Parts("", "", "", hides_thinking=True)),
        ({"reasoning_details": [{"text": ""}]}, Parts("", "", "", hides_thinking=False)),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "hm"}]}, Parts("", "", "hm", hides_thinking=False)),
    ],
)
def test_texts_are_read_by_their_kind(delta: dict[str, Any], expected: Parts) -> None:
    assert parts_of(delta) == expected


def test_deep_and_long_parts_are_bounded() -> None:
    deep: Any = "x"
    for _ in range(900):
        deep = [deep]
    assert parts_of({"reasoning": deep}).thinking == ""
    with pytest.raises(Garbled):
        parts_of({"content": ["x"] * (MOST_PARTS + 1)})


def test_calls_are_read_in_older_and_flatter_forms() -> None:
    assert call_pieces({"function_call": {"name": "f", "arguments": "{"}}) == [CallPiece(0, "", "f", "{")]
    assert call_pieces({"tool_calls": [{"id": 7, "name": "f", "arguments": {"a": "ä"}}]}) == [
        CallPiece(None, "7", "f", '{"a":"ä"}')
    ]
    assert call_pieces({"tool_calls": {"index": "2", "function": {"name": "f", "arguments": "null"}}}) == [
        CallPiece(2, "", "f")
    ]
    assert call_pieces({"tool_calls": [{"index": 0}, None, 7]}) == call_pieces({"function_call": None}) == []
    with pytest.raises(Garbled):
        call_pieces({"tool_calls": [{}] * 129})
