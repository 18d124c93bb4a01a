"""The child process: selection of the reader, and the texts of HTML and pictures."""

import pytest

from documents.reading import child
from documents.reading.file_content import Flaw, UnreadableFileError
from tests.documents.reading import files

PAGE = b"""<!doctype html><html><head><title>T</title><style>p {color: red}</style><script>alert(1)</script></head>
<body><h1>Tides</h1><p>The <b>sea</b> is <a href="https://e.org">wide</a>.</p>
<table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></body></html>"""


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (files.pdf("A page of some words"), "[page 1]\nA page of some words"),
        (files.word("Some words"), "Some words"),
        ("Größe und Übung".encode("cp1252"), "Größe und Übung"),
        (b"id,name\n1,Ann\n", "id,name\n1,Ann\n"),
        (b"<svg><text>hi</text></svg>", "<svg><text>hi</text></svg>"),
    ],
)
def test_file_is_read_by_its_content(data: bytes, text: str) -> None:
    assert child.read(data, "en").text == text


def test_page_becomes_markdown_without_its_code() -> None:
    text = child.read(PAGE, "en").text
    assert "# Tides" in text
    assert "The **sea** is [wide](https://e.org)." in text
    assert "| 1 | 2 |" in text
    assert "alert" not in text
    assert "color" not in text


def test_deeply_nested_page_is_read_without_its_layout() -> None:
    page = b"<html>" + b"<div>" * 2000 + b"The sea is wide." + b"</div>" * 2000
    assert child.read(page, "en").text == "The sea is wide."


def test_large_page_is_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "MOST_HTML_BYTES", 10)
    assert "<h1>Tides</h1>" in child.read(PAGE, "en").text


@pytest.mark.parametrize("kind", ["BMP", "TIFF", "HEIF", "AVIF"])
def test_other_picture_becomes_a_jpeg(kind: str) -> None:
    (found,) = child.read(files.picture(kind, (3000, 1500)), "en").pictures
    assert (found.width, found.height) == (1568, 784)
    assert found.data.startswith(b"\xff\xd8\xff")


def test_picture_of_a_turned_camera_stands_upright() -> None:
    (found,) = child.read(files.picture("JPEG", (600, 300), turned=6), "en").pictures
    assert (found.width, found.height) == (300, 600)


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 Word 97", Flaw.OLD_OFFICE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), Flaw.LOCKED),
        (b"\x00\x00\x00\x18ftypheic\x00\x00", Flaw.PICTURE),
        (b"II*\x00 broken", Flaw.PICTURE),
        (b"\x7fELF" + bytes(300), Flaw.KIND),
        (b"   ", Flaw.EMPTY),
    ],
)
def test_flaw_is_named(data: bytes, flaw: Flaw) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        child.read(data, "en")
    assert caught.value.flaw is flaw
