"""Tool calls of one choice; the shapes of whole streams are in the dialects' tests."""

import pytest

from engine.chat import ToolCallDelta
from engine.errors import Garbled
from engine.providers.streams.tool_calls import MOST_CALLS, MOST_HELD_CHARS, CallPiece, ToolCalls


def test_first_delta_waits_for_arguments_and_later_ones_have_nothing_else() -> None:
    calls = ToolCalls()
    assert calls.take([CallPiece(0, "a", "look")]) == []
    assert calls.take([CallPiece(0, "", "", '{"x"')]) == [ToolCallDelta(0, "a", "look", '{"x"')]
    assert calls.is_cut
    assert calls.take([CallPiece(0, "a", "look", ":1}")]) == [ToolCallDelta(0, arguments=":1}")]
    assert (calls.is_cut, calls.take([CallPiece(0, "a", "look", '{"x":1}')]), calls.end()) == (False, [], [])


def test_call_is_announced_when_the_next_one_begins() -> None:
    calls = ToolCalls()
    calls.take([CallPiece(0, "a", "look")])
    assert calls.take([CallPiece(1, "b", "find")]) == [ToolCallDelta(0, "a", "look")]
    assert calls.end() == [ToolCallDelta(0, arguments="{}"), ToolCallDelta(1, "b", "find", "{}")]
    assert calls.end() == []


def test_message_adds_only_what_has_not_come() -> None:
    calls = ToolCalls()
    calls.take([CallPiece(0, "a", "look", '{"x"')])
    whole = [CallPiece(None, "z", "look", '{"x":1}'), CallPiece(None, "b", "find", "{}")]
    assert calls.take_message(whole) == [ToolCallDelta(0, arguments=":1}")]
    assert calls.end() == [ToolCallDelta(1, "b", "find", "{}")]


def test_number_of_calls_and_nameless_arguments_are_bounded() -> None:
    calls = ToolCalls()
    calls.take([CallPiece(n, f"i{n}", "f", '{"a":1}') for n in range(MOST_CALLS)])
    with pytest.raises(Garbled):
        calls.take([CallPiece(MOST_CALLS, "x", "f", "{}")])
    nameless = ToolCalls()
    nameless.take([CallPiece(0, "a", "", "x" * MOST_HELD_CHARS)])
    with pytest.raises(Garbled):
        nameless.take([CallPiece(0, "", "", "x")])
    with pytest.raises(Garbled):
        nameless.end()
