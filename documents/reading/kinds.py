"""The kind of a file, recognized by its content; its name and media type are only hints."""

from enum import StrEnum

HEAD_BYTES = 1024
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_PICTURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_OTHER_PICTURES = (b"BM", b"II*\x00", b"MM\x00*")


class Kind(StrEnum):
    """The ways to read a file."""

    PDF = "pdf"
    ZIP = "zip"
    HTML = "html"
    OLD_OFFICE = "old"
    LOCKED_OFFICE = "locked"
    PICTURE = "picture"
    OTHER_PICTURE = "other_picture"
    HEIC = "heic"
    AVIF = "avif"
    TEXT = "text"


_ISO_BRANDS = dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"), Kind.HEIC) | dict.fromkeys(
    (b"avif", b"avis"), Kind.AVIF
)


def kind_of(data: bytes) -> Kind:
    """Return the kind. TEXT means all other files: decoding shows whether it really is text."""
    head = data[:HEAD_BYTES]
    if b"%PDF-" in head:
        return Kind.PDF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return Kind.ZIP
    if head.startswith(_OLE):
        return Kind.LOCKED_OFFICE if _ENCRYPTED in data else Kind.OLD_OFFICE
    return _picture_kind(head) or (Kind.HTML if is_html(head) else Kind.TEXT)


def picture_type(data: bytes) -> str | None:
    """Return the media type of a picture that every model's API accepts; None for any other file."""
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for magic, kind in _PICTURES if data.startswith(magic)), None)


def is_html(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))


def _picture_kind(head: bytes) -> Kind | None:
    if picture_type(head):
        return Kind.PICTURE
    if head[4:8] == b"ftyp" and head[8:12] in _ISO_BRANDS:
        return _ISO_BRANDS[head[8:12]]
    is_bitmap = head.startswith(_OTHER_PICTURES[0]) and head[6:10] == bytes(4)
    return Kind.OTHER_PICTURE if is_bitmap or head.startswith(_OTHER_PICTURES[1:]) else None
