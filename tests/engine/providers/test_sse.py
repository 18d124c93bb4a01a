from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Garbled
from engine.providers.sse import Frame, LineSplitter, frames

BODY = "event: a\ndata: một\ndata: 二\n\n: note\n\ndata:🌊\n\ndata:  two spaces\n\nevent: lost\n\ndata: last"


async def read(raw: bytes, *cuts: int) -> list[Frame]:
    async def pieces() -> AsyncIterator[bytes]:
        at = 0
        for cut in [*sorted(cuts), len(raw)]:
            yield raw[at:cut]
            at = cut

    return [frame async for frame in frames(pieces())]


WHOLE = [Frame("a", "một\n二"), Frame("", "🌊"), Frame("", " two spaces"), Frame("", "last")]


async def test_frames_as_the_specification_has_them() -> None:
    assert await read(BODY.encode()) == WHOLE
    assert await read(b"\xef\xbb\xbf" + BODY.encode()) == WHOLE


@given(st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 90), max_size=8))
async def test_where_the_bytes_are_cut_does_not_matter(ending: str, cuts: list[int]) -> None:
    assert await read(BODY.replace("\n", ending).encode(), *cuts) == WHOLE


@pytest.mark.parametrize("pretty", ['{"a": 1}', '{\n "a": 1\n}', '{\n\n "a": 1\n\n}\n\n'])
async def test_bare_json_is_a_frame_however_it_is_laid_out(pretty: str) -> None:
    [frame] = await read(pretty.encode())
    assert frame.data.replace("\n", "").replace(" ", "") == '{"a":1}'


async def test_an_array_is_its_elements_and_an_event_after_bare_json_is_another() -> None:
    assert [frame.data for frame in await read(b'[{"a": 1},\n{"b": 2}]')] == ['{"a": 1}', '{"b": 2}']
    assert [frame.data for frame in await read(b'{"a": 1}\ndata: x\n\n')] == ['{"a": 1}', "x"]


async def test_what_never_ends_is_garbage() -> None:
    lines = LineSplitter()
    for _ in range(8):
        lines.feed(b"x" * 1_000_000)
    with pytest.raises(Garbled):
        lines.feed(b"x")


def test_half_a_character_waits_for_its_other_half() -> None:
    lines = LineSplitter()
    assert lines.feed("🌊".encode()[:2]) == []
    assert lines.feed("🌊".encode()[2:] + b"\n") == ["🌊"]
    assert lines.feed(b"\xff\n") == ["\ufffd"]
