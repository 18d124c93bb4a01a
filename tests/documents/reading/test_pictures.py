"""Picture files: damaged ones are refused, unusual ones become JPEGs, the others stay as they are."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from documents.reading import pictures
from documents.reading.file_content import FileContent, Flaw, UnreadableFileError
from tests.documents.reading import files


def made(kind: str, mode: str = "RGB", size: tuple[int, int] = (64, 48), colour: Any = 0, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **options)
    return out.getvalue()


def noisy(kind: str, size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    """Return a picture whose data is long enough to be cut."""
    out = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def moving(kind: str) -> bytes:
    out = io.BytesIO()
    first, *others = (Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue"))
    first.save(out, kind, save_all=True, append_images=others)
    return out.getvalue()


def png(size: tuple[int, int], *, depth: int, colour: int, pixels: bytes) -> bytes:
    """Return a PNG of a kind that Pillow does not write."""
    head = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(pixels)), (b"IEND", b""))
    written = (struct.pack(">I", len(d)) + name + d + struct.pack(">I", zlib.crc32(name + d)) for name, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(written)


def pixel(found: FileContent, at: tuple[int, int] = (5, 5)) -> tuple[int, ...]:
    """Return the red, green and blue of a pixel, roughly."""
    with Image.open(io.BytesIO(found.pictures[0].data)) as opened:
        colour = opened.convert("RGB").getpixel(at)
    assert isinstance(colour, tuple)
    return tuple(round(value / 16) for value in colour)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
def test_sound_picture_stays_as_it_is(kind: str) -> None:
    data = noisy(kind)
    (found,) = pictures.read(data).pictures
    assert (found.data, found.width, found.height) == (data, 64, 48)
    assert found.media_type == f"image/{kind.lower()}"


@pytest.mark.parametrize("share", [0.999, 0.7, 0.3, 0.02])
@pytest.mark.parametrize(
    "data",
    [
        noisy("JPEG"),
        noisy("JPEG", progressive=True),
        noisy("PNG"),
        noisy("GIF"),
        noisy("WEBP"),
        noisy("JPEG", (6500, 40)),
    ],
)
def test_truncated_picture_is_refused_as_damaged(data: bytes, share: float) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        pictures.read(data[: min(len(data) - 40, int(len(data) * share))])
    assert caught.value.flaw is Flaw.BROKEN


def test_picture_with_overwritten_data_is_refused_as_damaged() -> None:
    data = bytearray(noisy("PNG"))
    data[len(data) // 3 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 3)
    with pytest.raises(UnreadableFileError) as caught:
        pictures.read(bytes(data))
    assert caught.value.flaw is Flaw.BROKEN


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_first_picture_of_an_animation_becomes_a_jpeg(kind: str) -> None:
    found = pictures.read(moving(kind))
    assert (len(found.pictures), found.is_whole, found.unit) == (1, False, "frames")
    assert found.pictures[0].media_type == "image/jpeg"
    assert pixel(found)[1:] == (0, 0)


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (made("JPEG", "CMYK", colour=(0, 255, 255, 0)), (16, 0, 0)),
        (made("TIFF", "CMYK", colour=(0, 255, 255, 0)), (16, 0, 0)),
        (made("PNG", "I;16", colour=32768), (8, 8, 8)),
        (made("TIFF", "I;16", colour=2048), (8, 8, 8)),
        (made("TIFF", "F", colour=0.5), (8, 8, 8)),
        (made("TIFF", "RGBA", colour=(0, 0, 0, 0)), (16, 16, 16)),
        (made("BMP", "P", colour=0), (0, 0, 0)),
    ],
)
def test_picture_of_an_unusual_depth_becomes_a_jpeg_of_the_same_colours(data: bytes, colour: tuple[int, ...]) -> None:
    found = pictures.read(data)
    assert found.pictures[0].media_type == "image/jpeg"
    assert found.is_whole
    assert pixel(found) == colour


def test_png_of_16_bits_a_colour_becomes_a_jpeg() -> None:
    row = b"\0" + b"\xff\xff\0\0\0\0" * 9
    data = png((9, 9), depth=16, colour=2, pixels=row * 9)
    assert pictures.read(data).pictures[0].media_type == "image/jpeg"
    assert pixel(pictures.read(data))[0] == 16


def test_png_without_its_end_is_written_anew() -> None:
    data = noisy("PNG")
    assert pictures.read(data[:-12]).pictures[0].media_type == "image/jpeg"


def test_turned_jpeg_stands_upright() -> None:
    (found,) = pictures.read(files.picture("JPEG", (60, 30), turned=6)).pictures
    assert (found.width, found.height) == (30, 60)


def test_pages_of_a_fax_are_all_read_up_to_a_limit() -> None:
    out = io.BytesIO()
    first, *others = (Image.new("L", (20, 30), number) for number in range(12))
    first.save(out, "TIFF", save_all=True, append_images=others)
    found = pictures.read(out.getvalue())
    assert (len(found.pictures), found.unit, found.shown, found.total) == (10, "pages", 10, 12)


def test_gigantic_picture_is_refused_and_a_gigantic_jpeg_made_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MOST_PIXELS", 12_000_000)
    jpeg = pictures.read(made("JPEG", "L", (9000, 3000))).pictures[0]
    assert (jpeg.width, jpeg.height) == (1568, 523)
    for kind, mode in (("PNG", "L"), ("TIFF", "1")):
        with pytest.raises(UnreadableFileError) as caught:
            pictures.read(made(kind, mode, (9000, 3000)))
        assert caught.value.flaw is Flaw.HUGE


def test_png_that_declares_gigantic_sides_is_not_decoded() -> None:
    with pytest.raises(UnreadableFileError) as caught:
        pictures.read(png((60_000, 60_000), depth=8, colour=0, pixels=bytes(100)))
    assert caught.value.flaw is Flaw.HUGE


@pytest.mark.parametrize(
    ("data", "flaw"), [(b"\x00\x00\x00\x18ftypheic\x00\x00", Flaw.PICTURE), (b"II*\x00 x", Flaw.PICTURE)]
)
def test_picture_of_another_kind_that_does_not_open_is_told(data: bytes, flaw: Flaw) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        pictures.read(data)
    assert caught.value.flaw is flaw


def test_large_picture_becomes_a_smaller_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LARGE_BYTES", 10)
    (found,) = pictures.read(noisy("PNG", (3000, 1500))).pictures
    assert (found.media_type, found.width, found.height) == ("image/jpeg", 1568, 784)
