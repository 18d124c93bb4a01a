"""Streams of the stand-ins: sent word by word, with the faults of the mode that was set."""

from collections.abc import AsyncIterator

import httpx
import pytest

from sandbox.providers.exchange import StandInFrame
from sandbox.providers.registry import plain_stand_ins
from sandbox.providers.stand_in import StandIn
from sandbox.providers.streams import CUT_AFTER_WORDS, ConnectionBroken, array, stream, whole
from tests.sandbox.providers.asking import OPENAI_LIKE, PROVIDERS, Asking, said

FRAMES = [StandInFrame(b"data: begin\n\n"), *[StandInFrame(b"data: w\n\n", word=True)] * 20]
END = StandInFrame(b"data: [DONE]\n\n")


def stand_in(mode: str) -> StandIn:
    found = StandIn("one", plain_stand_ins()["openai"]("One"))
    found.switch(mode)
    return found


async def received(pieces: AsyncIterator[bytes]) -> tuple[list[bytes], bool]:
    """Return the pieces, and whether the connection broke after them."""
    got: list[bytes] = []
    try:
        async for piece in pieces:
            got += [piece]
    except ConnectionBroken:
        return got, True
    return got, False


@pytest.mark.parametrize(
    ("mode", "words", "breaks"),
    [("up", 20, False), ("down", 0, True), ("cut", CUT_AFTER_WORDS, True), ("stall", CUT_AFTER_WORDS, True)],
)
async def test_stream_breaks_where_its_mode_says(mode: str, words: int, breaks: bool) -> None:
    got, broke = await received(stream(stand_in(mode), [*FRAMES, END], lambda: 0.0, 0.0))
    assert (got.count(b"data: w\n\n"), broke) == (words, breaks)
    assert (END.data in got) is not breaks


async def test_short_stream_is_cut_at_its_half() -> None:
    got, broke = await received(stream(stand_in("cut"), FRAMES[:5], lambda: 0.0, 0.0))
    assert (got.count(b"data: w\n\n"), broke) == (2, True)


async def test_mode_may_change_within_a_stream() -> None:
    found = stand_in("up")
    pieces = stream(found, FRAMES, lambda: 0.0, 0.0)
    await anext(pieces)
    found.switch("down")
    assert await received(pieces) == ([], True)


async def test_error_within_a_stream_is_its_last_piece() -> None:
    found = stand_in("stream_error")
    got, broke = await received(stream(found, [*FRAMES, END], lambda: 0.0, 0.0))
    assert (got[-1], broke) == (next(found.provider.broken()), False)


@pytest.mark.parametrize(("mode", "pieces", "breaks"), [("up", 1, False), ("cut", 1, True), ("down", 0, True)])
async def test_whole_body_breaks_where_its_mode_says(mode: str, pieces: int, breaks: bool) -> None:
    got, broke = await received(whole(stand_in(mode), {"a": "b"}, 0.0))
    assert (len(got), broke) == (pieces, breaks)
    assert (b"".join(got) == b'{"a": "b"}') is not breaks


async def test_stream_without_events_is_one_array() -> None:
    frames = iter([StandInFrame(b'data: {"a":1}\r\n\r\n'), StandInFrame(b'data: {"b":2}\r\n\r\n')])
    assert await received(array(frames)) == ([b'[{"a":1},\r\n{"b":2}]'], False)


@pytest.mark.parametrize("name", PROVIDERS)
async def test_stall_ends_in_a_broken_connection(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "stall")
    with pytest.raises(httpx.TransportError):
        await asking(name)


@pytest.mark.parametrize("name", OPENAI_LIKE)
async def test_one_broken_event_among_whole_ones(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "malformed")
    lines = [line[6:] for line in (await asking(name)).text.splitlines() if line.startswith("data: {")]
    broken = [line for line in lines if not line.endswith("}")]
    assert len(broken) == 1


@pytest.mark.parametrize("name", OPENAI_LIKE)
async def test_without_the_end_marker_all_else_is_there(asking: Asking, name: str) -> None:
    asking.stand_ins.set_mode(name, "no_done")
    frames = await asking.frames(name)
    assert "[DONE]" not in frames
    assert "stand-in for" in said(name, frames)
