"""The kind of a file by its content."""

import pytest

from documents.reading.kinds import Kind, is_html, kind_of, picture_type
from tests.documents.reading import files

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (files.pdf("x"), Kind.PDF),
        (b"\n\n%PDF-1.4", Kind.PDF),
        (files.archive({"a": "b"}), Kind.ZIP),
        (files.archive({}), Kind.ZIP),
        (OLE + b"WordDocument", Kind.OLD_OFFICE),
        (OLE + "EncryptedPackage".encode("utf-16-le"), Kind.LOCKED_OFFICE),
        (files.picture("JPEG"), Kind.PICTURE),
        (files.picture("PNG"), Kind.PICTURE),
        (files.picture("GIF"), Kind.PICTURE),
        (files.picture("WEBP"), Kind.PICTURE),
        (files.picture("BMP"), Kind.OTHER_PICTURE),
        (files.picture("TIFF"), Kind.OTHER_PICTURE),
        (files.picture("HEIF"), Kind.HEIC),
        (b"\x00\x00\x00\x18ftypmif1\x00\x00", Kind.HEIC),
        (files.picture("AVIF"), Kind.AVIF),
        (b"\xef\xbb\xbf <!DOCTYPE HTML><p>", Kind.HTML),
        (b"<html lang=en>", Kind.HTML),
        (b"BMW is a car", Kind.TEXT),
        (b"<svg></svg>", Kind.TEXT),
        (b"RIFF and rafters", Kind.TEXT),
        (b"", Kind.TEXT),
    ],
)
def test_kind_is_told_by_the_content(data: bytes, kind: Kind) -> None:
    assert kind_of(data) is kind
    assert (picture_type(data) is not None) == (kind is Kind.PICTURE)
    assert is_html(data) == (kind is Kind.HTML)


@pytest.mark.parametrize(("kind", "name"), [("JPEG", "jpeg"), ("PNG", "png"), ("GIF", "gif"), ("WEBP", "webp")])
def test_picture_has_the_media_type_of_its_content(kind: str, name: str) -> None:
    assert picture_type(files.picture(kind)) == f"image/{name}"
