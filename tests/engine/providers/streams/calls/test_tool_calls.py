"""The deltas that ToolCalls makes from the pieces that servers send."""

from collections.abc import Sequence

import pytest

from engine.chat import ToolCallDelta
from engine.errors import Garbled
from engine.providers.streams.calls.streamed_call import MOST_HELD_CHARS, CallPiece
from engine.providers.streams.calls.tool_calls import MOST_CALLS, ToolCalls


def streamed(frames: Sequence[Sequence[CallPiece]]) -> list[ToolCallDelta]:
    """Return the deltas of all frames and of the end."""
    calls = ToolCalls()
    found = [delta for frame in frames for delta in calls.take(frame)]
    return found + calls.end()


def whole(deltas: Sequence[ToolCallDelta]) -> list[tuple[str, str]]:
    """Return name and arguments of each call, joined as clients join them. Only the first delta has id and name."""
    names: dict[int, str] = {}
    arguments: dict[int, str] = {}
    for delta in deltas:
        assert bool(delta.id) == bool(delta.name) == (delta.position not in names)
        names.setdefault(delta.position, delta.name)
        arguments[delta.position] = arguments.get(delta.position, "") + delta.arguments
    assert list(names) == list(range(len(names)))
    return [(names[each], arguments[each]) for each in names]


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([[CallPiece(0, "c", "f", "")], [CallPiece(0, arguments='{"a":')], [CallPiece(0, arguments="1}")]], '{"a":1}'),
        ([[CallPiece(0, "c", "f", '{"a":')], [CallPiece(0, "c", "f", "1}")]], '{"a":1}'),
        ([[CallPiece(None, "c", "f", '{"a":')], [CallPiece(None, "d", "f", "1}")]], '{"a":1}'),
        ([[CallPiece(0, "c", "f", "{}")], [CallPiece(0, arguments='{"a":1}')]], '{"a":1}'),
        ([[CallPiece(0, "c", "f", '{"a":1}')], [CallPiece(1, arguments=" ")]], '{"a":1}'),
        ([[CallPiece(0, "c", "f")]], "{}"),
    ],
)
def test_pieces_of_one_call_are_joined(frames: list[list[CallPiece]], expected: str) -> None:
    assert whole(streamed(frames)) == [("f", expected)]


@pytest.mark.parametrize(
    "frames",
    [
        [[CallPiece(0, "c", "f", '{"a":1}')], [CallPiece(1, "d", "g", '{"b":2}')]],
        [[CallPiece(0, "c", "f", '{"a":1}')], [CallPiece(0, "d", "g", '{"b":2}')]],
        [[CallPiece(None, "", "f", '{"a":1}')], [CallPiece(None, "", "g", '{"b":2}')]],
        [[CallPiece(None, "", "f", '{"a":1}'), CallPiece(None, "", "g", '{"b":2}')]],
        [[CallPiece(3, "c", "f", '{"a":1}')], [CallPiece(7, "d", "g", '{"b":2}')]],
    ],
)
def test_two_calls_stay_two(frames: list[list[CallPiece]]) -> None:
    assert whole(streamed(frames)) == [("f", '{"a":1}'), ("g", '{"b":2}')]


def test_name_in_pieces_goes_out_whole() -> None:
    frames = [[CallPiece(0, "c", "get_")], [CallPiece(0, name="weather")], [CallPiece(0, arguments="{}")]]
    assert whole(streamed(frames)) == [("get_weather", "{}")]


def test_id_is_kept_once_and_made_where_it_is_missing_or_repeated() -> None:
    pieces = [CallPiece(0, "c", "f", "{}"), CallPiece(1, "c", "g", "{}"), CallPiece(2, "", "h", "{}")]
    ids = [delta.id for delta in streamed([pieces]) if delta.name]
    assert ids[0] == "c"
    assert len(set(ids)) == 3
    assert all(ids)


def test_calls_repeated_at_the_end_are_left_out() -> None:
    calls = ToolCalls()
    first = calls.take([CallPiece(0, "c", "f", '{"a":1}')])
    repeated = calls.take([CallPiece(0, "c", "f", '{"a":1}')], at_end=True)
    assert whole([*first, *repeated, *calls.end()]) == [("f", '{"a":1}')]


def test_message_adds_only_the_rest_of_the_calls_that_were_streamed() -> None:
    calls = ToolCalls()
    first = calls.take([CallPiece(0, "c", "f", '{"a":')])
    rest = calls.take_message([CallPiece(0, "c", "f", '{"a":1}'), CallPiece(1, "d", "g", "{}")])
    assert whole([*first, *rest, *calls.end()]) == [("f", '{"a":1}'), ("g", "{}")]


@pytest.mark.parametrize(("arguments", "is_cut"), [('{"a":', True), ('{"a":1}', False), ("", False)])
def test_call_is_cut_where_its_arguments_end_in_the_middle(arguments: str, is_cut: bool) -> None:
    calls = ToolCalls()
    calls.take([CallPiece(0, "c", "f", arguments)])
    assert calls.is_cut is is_cut


def test_call_without_a_name_is_garbled_at_the_end() -> None:
    with pytest.raises(Garbled):
        streamed([[CallPiece(0, "c", "", '{"a":1}')]])


def test_arguments_held_until_the_name_comes_are_bounded() -> None:
    held = '{"a":"' + "x" * (MOST_HELD_CHARS - 6)
    calls = ToolCalls()
    assert calls.take([CallPiece(0, "c", "", held)]) == []
    with pytest.raises(Garbled):
        calls.take([CallPiece(0, "c", "", "x")])


def test_number_of_calls_is_bounded() -> None:
    calls = ToolCalls()
    calls.take([CallPiece(n, f"c{n}", "f", "{}") for n in range(MOST_CALLS)])
    with pytest.raises(Garbled):
        calls.take([CallPiece(MOST_CALLS, "more", "f", "{}")])
