"""Office files, and archives of other kinds."""

import io
import zipfile

import pytest

from documents.reading import file_content, office
from documents.reading.file_content import Flaw, UnreadableFileError
from tests.documents.reading import files

ENTITIES = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def test_word_file_has_its_paragraphs_and_tables_in_order() -> None:
    found = office.read(files.word("First line", "Second line", table=(("a", "b"), ("c", "d"))))
    assert found.text == "First line\nSecond line\na | b\nc | d"
    assert found.is_whole


def test_workbook_has_a_heading_for_each_sheet_and_a_line_for_each_row() -> None:
    found = office.read(files.excel({"Sums": [["name", "sum"], ["Ann", 3], [None, None], ["Bao", 4.5]], "More": [[1]]}))
    assert found.text == "[sheet Sums]\nname\tsum\nAnn\t3\nBao\t4.5\n[sheet More]\n1"


def test_slides_are_in_the_order_of_their_numbers() -> None:
    found = office.read(files.slides(*(f"slide text {number}" for number in range(1, 12))))
    assert found.text.splitlines()[:4] == ["[slide 1]", "slide text 1", "[slide 2]", "slide text 2"]
    assert found.text.endswith("[slide 11]\nslide text 11")


def test_open_document_has_its_paragraphs() -> None:
    assert office.read(files.open_document("One", "Two")).text == "One\nTwo"


@pytest.mark.parametrize(
    "data",
    [
        files.word(*["some words"] * 9),
        files.excel({"s": [["some words"]] * 9}),
        files.slides(*["some words"] * 9),
        files.open_document(*["some words"] * 9),
    ],
)
def test_long_file_is_read_in_part(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_content, "MOST_CHARS", 40)
    found = office.read(data)
    assert (len(found.text), found.shown, found.total, found.is_whole) == (40, 40, 0, False)


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (files.archive({"a.txt": "words"}), Flaw.KIND),
        (files.archive({"word/document.xml": "<broken"}), Flaw.BROKEN),
        (files.word("x")[:200], Flaw.BROKEN),
        (b"PK\x03\x04", Flaw.BROKEN),
        (files.word(""), Flaw.EMPTY),
        (files.archive({"content.xml": "a" * 5_000_000}), Flaw.BROKEN),
        (files.open_document("&b;", before=ENTITIES), Flaw.BROKEN),
        (files.open_document("&a;", before=OUTSIDE), Flaw.BROKEN),
        (files.archive({"ppt/presentation.xml": "", "ppt/slides/slide1.xml": ENTITIES + "<d>&b;</d>"}), Flaw.BROKEN),
    ],
)
def test_flaw_is_named(data: bytes, flaw: Flaw) -> None:
    with pytest.raises(UnreadableFileError) as caught:
        office.read(data)
    assert caught.value.flaw is flaw


def test_encrypted_archive_is_locked() -> None:
    data = bytearray(files.archive({"word/document.xml": "x"}))
    data[data.rfind(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(UnreadableFileError) as caught:
        office.read(bytes(data))
    assert caught.value.flaw is Flaw.LOCKED


def test_bomb_is_refused_and_a_repetitive_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    repetitive = files.word(*["the same words again and again"] * 3000)
    assert office.read(repetitive).text.startswith("the same words")
    monkeypatch.setattr(office, "SMALL_BYTES", 100_000)
    with pytest.raises(UnreadableFileError) as caught:
        office.read(files.archive({"content.xml": f"<d>{'a' * 500_000}</d>"}))
    assert caught.value.flaw is Flaw.BROKEN


def test_archive_of_too_many_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(office, "MOST_FILES", 3)
    with pytest.raises(UnreadableFileError):
        office.read(files.word("x"))


def test_word_file_with_entities_expands_none_of_them() -> None:
    body = ENTITIES + '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
    body += "<w:p><w:r><w:t>see &b; here</w:t></w:r></w:p></w:body></w:document>"
    with zipfile.ZipFile(io.BytesIO(files.word("x"))) as made:
        parts = {name: made.read(name) for name in made.namelist()}
    found = office.read(files.archive({**parts, "word/document.xml": body}))
    assert "aaaa" not in found.text
