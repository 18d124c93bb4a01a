"""Compressed bodies, unpacked in slices."""

import gzip
import zlib

import pytest

from engine.errors import Garbled
from engine.providers import inflate


def test_slices_of_a_packed_body_are_small_and_complete() -> None:
    data = b"abc" * 100_000 + bytes(range(256)) * 100
    for packed in (gzip.compress(data), gzip.compress(data[:1000]) + gzip.compress(data[1000:])):
        inflater = inflate.Inflater("gzip")
        slices = [each for number in range(len(packed)) for each in inflater.feed(packed[number : number + 1])]
        slices_at_once = list(inflate.Inflater("gzip").feed(packed))
        assert b"".join(slices) == b"".join(slices_at_once) == data
        assert max(map(len, slices_at_once)) <= inflate.SLICE_BYTES


@pytest.mark.parametrize("more", [-1, 0, 1, 2 * inflate.SLICE_BYTES])
def test_body_at_the_bounds_of_a_slice_is_complete(more: int) -> None:
    size = inflate.SLICE_BYTES + more
    assert b"".join(inflate.Inflater("gzip").feed(gzip.compress(b"x" * size))) == b"x" * size


@pytest.mark.parametrize("body", [b"data: {}\n\n", b'{"a": 1}', b"\n[]", b": hi\n", b"event: ping\n", b"d" * 40_000])
def test_body_that_is_not_packed_after_all_is_read(body: bytes) -> None:
    inflater = inflate.Inflater("gzip")
    assert b"".join((*inflater.feed(b""), *inflater.feed(body[:1]), *inflater.feed(body[1:]))) == body
    assert max(map(len, inflate.Inflater("x-gzip").feed(body))) <= inflate.SLICE_BYTES


def test_text_that_repeats_itself_is_no_bomb_until_its_size_matters() -> None:
    packed = gzip.compress(b"x" * (inflate.FREE_BYTES - 1), 9)
    assert len(b"".join(inflate.Inflater("gzip").feed(packed))) == inflate.FREE_BYTES - 1
    with pytest.raises(Garbled, match="expands"):
        list(inflate.Inflater("gzip").feed(gzip.compress(b"x" * (inflate.FREE_BYTES + inflate.SLICE_BYTES), 9)))


@pytest.mark.parametrize("encoding", ["", "identity", " IDENTITY ", "UTF-8", "none"])
def test_plain_body_has_no_inflater(encoding: str) -> None:
    assert inflate.inflater_of({"content-encoding": encoding}) is None
    assert inflate.inflater_of({}) is None


@pytest.mark.parametrize("width", [1, 2, 7, 10_000])
@pytest.mark.parametrize("is_raw", [True, False])
def test_deflate_is_read_with_and_without_its_header_in_any_pieces(width: int, *, is_raw: bool) -> None:
    data = b'data: {"choices": []}\n\n' * 50
    packed = zlib.compress(data)[2:-4] if is_raw else zlib.compress(data)
    inflater = inflate.Inflater("deflate")
    pieces = (packed[start : start + width] for start in range(0, len(packed), width))
    assert b"".join(each for piece in pieces for each in inflater.feed(piece)) == data
