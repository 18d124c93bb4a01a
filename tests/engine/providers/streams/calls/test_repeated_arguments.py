from collections.abc import Sequence

import pytest

from engine.chat import Finish
from engine.providers.streams.calls.repeated_arguments import RepeatedArguments
from tests.engine.providers.shapes.chunks import call, calling, choice, counted, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, outcome_of

PARIS = '{"city":"Paris"}'
REPEATED = [
    [PARIS[:end] for end in range(1, len(PARIS) + 1)],
    ["{", '{"city"', '{"city":', '{"city":"Pa', PARIS],
    ['{"city":', PARIS],
    ['{"city":', '{"city":', PARIS, PARIS],
    ['{"city":"Par', '{"city":"Par', PARIS],
    ["", "{", "", PARIS],
]
LOOK = '{"city":"Paris","day":"Monday"}'
ANEW = [
    ['{"city":"Paris"{"city":"Paris","day":"Monday"}'],
    ['{"city":"Pa', 'ris"{"city":"Paris","day":"Monday"}'],
    ['{"city":"Paris"{"city":"Paris","da', 'y":"Monday"}'],
    ["{", '"city":"Paris"', '{"city":"Paris","day":"Monday"}'],
]
NESTED = [
    ['{"a":', '{"a":1}}'],
    ['{"a":', '{"a":1}', "}"],
    ['{"a":', '{"a":', "1}}"],
    ['{"a":[', '{"a":[1]}', "]}"],
    ['{"a":[1,', '{"a":[1,2]}', "]}"],
    ['{"a":"{', "{", '{"}'],
    ['{"city":{"city":{"city":1}}}'],
    ['{"city":[{"city":1},', '{"city":1}]}'],
    ['{"city":"x","b":{"city":"x"', "}}"],
]


async def arguments_of(pieces: Sequence[str], width: int) -> object:
    first = calling(call("get_weather", "", index=0, id="a"))
    frames = (calling(call(None, piece, index=0)) for piece in pieces)
    return await outcome_of(Shape("", stream(first, *frames, choice("tool_calls"), counted()), Answer()), width)


@pytest.mark.parametrize("pieces", REPEATED)
async def test_pieces_that_repeat_all_earlier_ones_are_read_once(pieces: Sequence[str]) -> None:
    for width in WIDTHS:
        found = await arguments_of(pieces, width)
        assert found == Answer(calls=(("a", "get_weather", PARIS),), finish=Finish.TOOL_CALLS)


@pytest.mark.parametrize("pieces", ANEW)
async def test_piece_that_begins_anew_is_read_once(pieces: Sequence[str]) -> None:
    for width in WIDTHS:
        found = await arguments_of(pieces, width)
        assert found == Answer(calls=(("a", "get_weather", LOOK),), finish=Finish.TOOL_CALLS)


@pytest.mark.parametrize("pieces", NESTED)
async def test_inner_object_may_begin_as_the_outer_one(pieces: Sequence[str]) -> None:
    for width in WIDTHS:
        found = await arguments_of(pieces, width)
        assert found == Answer(calls=(("a", "get_weather", "".join(pieces)),), finish=Finish.TOOL_CALLS)


async def test_two_calls_may_repeat_their_arguments_with_id_and_name() -> None:
    calls = (("a", "get_weather", PARIS), ("b", "get_time", '{"city":"Rome"}'))
    frames = (
        calling(*(call(name, text[:end], index=n, id=id_) for n, (id_, name, text) in enumerate(calls)))
        for end in (1, 8, 12, 20)
    )
    shape = Shape("", stream(*frames, choice("tool_calls"), counted()), Answer())
    assert await outcome_of(shape) == Answer(calls=calls, finish=Finish.TOOL_CALLS)


def test_piece_that_is_not_decided_is_held_back() -> None:
    repeated = RepeatedArguments()
    assert (repeated.new_part('{"a":', '{"a":'), repeated.is_undecided) == ("", True)
    assert (repeated.rest('{"a":'), repeated.is_undecided) == ('{"a":', False)
