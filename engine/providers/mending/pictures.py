"""Pictures in the form that a provider accepts: the media type by the bytes, plain base64, within its limits."""

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass

from engine.chat import ChatRequest, Image
from engine.errors import CapabilityMissing

JPEG, PNG, GIF, WEBP, HEIC, HEIF = "image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/heif"
COMMON_TYPES = frozenset({JPEG, PNG, GIF, WEBP})
MEGABYTE = 1_048_576
_HEAD_CHARS = 64
_SAME_TYPES = {"image/jpg": JPEG, "image/pjpeg": JPEG, "image/x-png": PNG, "image/apng": PNG}
_ISO_BRANDS = {
    b"heic": HEIC,
    b"heix": HEIC,
    b"heim": HEIC,
    b"heis": HEIC,
    b"hevc": HEIC,
    b"mif1": HEIF,
    b"msf1": HEIF,
    b"avif": "image/avif",
    b"avis": "image/avif",
}
_SIGNATURES: tuple[tuple[Callable[[bytes], bool], str], ...] = (
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), PNG),
    (lambda head: head.startswith(b"\xff\xd8\xff"), JPEG),
    (lambda head: head.startswith((b"GIF87a", b"GIF89a")), GIF),
    (lambda head: head[:4] == b"RIFF" and head[8:12] == b"WEBP", WEBP),
    (lambda head: head.startswith(b"BM") and head[6:10] == bytes(4), "image/bmp"),
    (lambda head: head.startswith((b"II*\0", b"MM\0*")), "image/tiff"),
)
_BLANKS = re.compile(r"\s")


@dataclass(frozen=True, slots=True)
class PictureRules:
    """Pictures that a provider accepts: media types, largest size, their number, and whether it fetches URLs itself.

    `most_pixels_of_many`: (number, pixels): of more pictures than that, none may have more pixels a side.
    """

    types: frozenset[str] = COMMON_TYPES
    most_bytes: int = 20 * MEGABYTE
    most_pixels_a_side: int = 0
    takes_addresses: bool = True
    most_pictures: int = 0
    most_pixels_of_many: tuple[int, int] | None = None


def check_number(request: ChatRequest, rules: PictureRules) -> None:
    """Raise CapabilityMissing for more pictures than the provider takes in one request, or too large ones among many.

    A picture of unknown size counts as small.
    """
    pictures = [part for message in request.messages for part in message.parts if isinstance(part, Image)]
    if 0 < rules.most_pictures < len(pictures):
        raise CapabilityMissing(f"takes at most {rules.most_pictures} pictures")
    if rules.most_pixels_of_many is None:
        return
    few, most_pixels = rules.most_pixels_of_many
    if len(pictures) > few and any(max(each.width, each.height) > most_pixels for each in pictures):
        raise CapabilityMissing(f"takes over {few} pictures of at most {most_pixels} pixels a side")


def checked_picture(image: Image, rules: PictureRules) -> tuple[str, str]:
    """Return (media type, base64) of a picture, or ("", address).

    Raises CapabilityMissing if the provider refuses it.
    """
    if image.url[:5].lower() != "data:":
        if not rules.takes_addresses:
            raise CapabilityMissing("takes pictures as data only")
        return "", image.url
    kind, content = _read(image.url)
    if kind not in rules.types:
        raise CapabilityMissing(f"takes no pictures of type {_shown(kind)}")
    if len(content) * 3 // 4 > rules.most_bytes:
        raise CapabilityMissing(f"takes pictures of at most {rules.most_bytes // MEGABYTE} MB")
    if 0 < rules.most_pixels_a_side < max(image.width, image.height):
        raise CapabilityMissing(f"takes pictures of at most {rules.most_pixels_a_side} pixels a side")
    return kind, content


def data_url(kind: str, content: str) -> str:
    """Return a picture as a URL. If `kind` is empty, `content` is a URL already."""
    return f"data:{kind};base64,{content}" if kind else content


def _read(url: str) -> tuple[str, str]:
    """Return the media type of a `data:` URL, by its bytes or else as declared, and the base64 without whitespace."""
    head, comma, content = url.partition(",")
    declared, *parameters = (each.strip().lower() for each in head[5:].split(";"))
    if not comma or "base64" not in parameters:
        raise CapabilityMissing("takes pictures as base64 only")
    if _BLANKS.search(content):
        content = _BLANKS.sub("", content)
    if "-" in content or "_" in content:
        content = content.translate(str.maketrans("-_", "+/"))
    content += "=" * (-len(content) % 4)
    return _sniffed(content) or _SAME_TYPES.get(declared, declared) or JPEG, content


def _sniffed(content: str) -> str:
    """Return the media type by the first bytes; empty if they belong to no known type."""
    try:
        head = base64.b64decode(content[:_HEAD_CHARS])
    except (ValueError, binascii.Error):
        return ""
    if head[4:8] == b"ftyp":
        return _ISO_BRANDS.get(head[8:12], "")
    return next((kind for fits, kind in _SIGNATURES if fits(head)), "")


def _shown(kind: str) -> str:
    """Return a declared media type for an error sentence: the tenant's text, made short and printable."""
    return kind[:40] if kind.isprintable() else "unknown"
