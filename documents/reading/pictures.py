"""Picture files, read whole so that no damaged one reaches a model; as JPEGs where models need them so."""

import io
from typing import cast

from PIL import Image, ImageOps

from documents.reading.file_content import FileContent, Flaw, Picture, UnreadableFileError
from documents.reading.kinds import Kind, kind_of, picture_type

LONGEST_SIDE, MOST_PIXELS, MOST_PAGES = 1568, 60_000_000, 10
LARGE_BYTES = 3_500_000
LONGEST_SIDE_AS_IT_IS = 7000
"""Some APIs refuse pictures with a side over 8000 pixels."""
_FORMATS = ("BMP", "TIFF", "JPEG", "PNG", "GIF", "WEBP", "HEIF", "AVIF")
_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_DEEP_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "F"})
_TOPS = (1, 255, 4095, 65535)
"""The usual values of white, by depth."""
_PNG_DEPTH, _DEEP, _PNG_END = 24, 16, b"IEND"
_ORIENTATION, _UPRIGHT = 0x0112, 1


def read(data: bytes) -> FileContent:
    """Return a picture, or the first pages of a TIFF. Raises UnreadableFileError."""
    kind = kind_of(data)
    Image.MAX_IMAGE_PIXELS = None  # the limit is checked below, with a sentence of its own
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
            return _content(opened, data)
    except (UnreadableFileError, MemoryError):
        raise
    except Exception as error:  # damaged pictures can raise any error
        raise UnreadableFileError(Flaw.BROKEN if kind is Kind.PICTURE else Flaw.PICTURE) from error


def _content(image: Image.Image, data: bytes) -> FileContent:
    size = image.size
    shrunk = min(1.0, 2 * LONGEST_SIDE / max(size))
    image.draft("RGB", (round(image.width * shrunk), round(image.height * shrunk)))  # decodes a large JPEG in part
    if image.width * image.height > MOST_PIXELS:
        raise UnreadableFileError(Flaw.HUGE)
    if image.format == "TIFF":
        return _pages(image)
    is_moving = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
    image.load()
    fits = not is_moving and len(data) <= LARGE_BYTES and max(size) <= LONGEST_SIDE_AS_IT_IS
    if fits and picture_type(data) and _is_plain(image, data):
        shown = Picture(data, *size, picture_type(data) or "image/jpeg")
    else:
        shown = _jpeg(image)
    return FileContent(pictures=(shown,), unit="frames", shown=1, total=0 if is_moving else 1)


def _pages(image: Image.Image) -> FileContent:
    total = int(getattr(image, "n_frames", 1))
    pictures = []
    for number in range(min(total, MOST_PAGES)):
        image.seek(number)
        if image.width * image.height > MOST_PIXELS:
            raise UnreadableFileError(Flaw.HUGE)
        pictures.append(_jpeg(image))
    return FileContent(
        pictures=tuple(pictures), unit="pages" if total > 1 else "frames", shown=len(pictures), total=total
    )


def _is_plain(image: Image.Image, data: bytes) -> bool:
    """Return True for the pictures that every model's API takes: 8 bits, whole, no CMYK, upright without metadata."""
    is_odd = image.format == "PNG" and (data[_PNG_DEPTH] == _DEEP or _PNG_END not in data[-len(_PNG_END) - 8 :])
    is_upright = image.getexif().get(_ORIENTATION, _UPRIGHT) == _UPRIGHT
    return image.format != "MPO" and image.mode in _MODES and not is_odd and is_upright


def _jpeg(image: Image.Image) -> Picture:
    flat = _flat(ImageOps.exif_transpose(image))
    flat.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    flat.save(out, "JPEG", quality=85)
    return Picture(out.getvalue(), *flat.size)


def _flat(image: Image.Image) -> Image.Image:
    """Return the picture in RGB: grey values of any depth scaled to 8 bits, transparent parts white."""
    if image.mode in _DEEP_MODES:
        return _eight_bits(image).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    coloured = image.convert("RGBA")
    white = Image.new("RGBA", coloured.size, "white")
    return Image.alpha_composite(white, coloured).convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Return grey values of more bits, or fractions, as 8 bits; Pillow's own conversion would cut them to white."""
    grey = image.convert("F")
    low, high = cast("tuple[float, float]", grey.getextrema())
    low = min(0.0, low)
    scale = 255 / (next((top for top in _TOPS if high <= top), high) - low)
    return grey.point(lambda value: value * scale - low * scale).convert("L")
