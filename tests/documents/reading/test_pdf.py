"""PDF files: text, scans, locked and broken ones."""

import pytest

from documents.reading import pdf
from documents.reading.file_content import Flaw, UnreadableFileError
from tests.documents.reading import files


def test_text_has_a_heading_for_each_page() -> None:
    found = pdf.read(files.pdf("Hello tide, how are you?", "The second page of it"))
    assert "[page 1]\nHello tide" in found.text
    assert "[page 2]\nThe second page" in found.text
    assert (found.unit, found.shown, found.total, found.is_whole) == ("pages", 2, 2, True)


def test_scan_becomes_pictures_of_its_first_pages() -> None:
    found = pdf.read(files.scan(12))
    assert (len(found.pictures), found.shown, found.total, found.is_whole) == (10, 10, 12, False)
    assert found.text == ""
    assert all(each.data.startswith(b"\xff\xd8\xff") for each in found.pictures)
    assert max(found.pictures[0].width, found.pictures[0].height) in range(1500, 1570)


def test_long_document_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_CHARS", 1000)
    found = pdf.read(files.pdf(*["words of a page " * 20] * 6))
    assert (found.shown, found.total) == (3, 6)
    assert "[page 3]" in found.text
    assert "[page 4]" not in found.text


def test_page_that_is_too_long_alone_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_CHARS", 50)
    found = pdf.read(files.pdf("words of a page " * 20, "more"))
    assert (len(found.text), found.unit, found.shown, found.total) == (50, "chars", 50, 0)


def test_slow_document_is_read_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_CPU_SECONDS", -1)
    assert pdf.read(files.pdf("a page of some words", "another one of them")).shown == 1
    assert pdf.read(files.scan(3)).shown == 1


def test_number_of_pages_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST_PAGES", 2)
    found = pdf.read(files.pdf(*["words of a page of text"] * 3))
    assert (found.shown, found.total) == (2, 3)


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (files.pdf("secret words in here", password="key"), Flaw.LOCKED),
        (b"%PDF-1.4 broken", Flaw.BROKEN),
        (b"no pdf", Flaw.BROKEN),
    ],
)
def test_flaw_is_named(data: bytes, flaw: Flaw) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        pdf.read(data)
    assert caught.value.flaw is flaw
