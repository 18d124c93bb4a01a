"""Office files: Word, Excel, PowerPoint and OpenDocument. All are ZIP files of XML."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping

from defusedxml import ElementTree

from documents.reading.file_content import Collected, FileContent, Flaw, UnreadableFileError

MOST_UNPACKED_BYTES = 200_000_000
MOST_RATIO, SMALL_BYTES = 200, 50_000_000
"""A part above SMALL_BYTES that is compressed by more than MOST_RATIO is refused as a bomb. Real XML has a ratio of
about ten, repetitive XML a higher one."""
MOST_FILES = 20_000
_SLIDE = re.compile(r"ppt/slides/slide(\d+)\.xml")
_DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_ODF_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"


def read(data: bytes) -> FileContent:
    """Return the text of an office file. Raises UnreadableFileError, also for ZIP files of another kind."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_size(archive)
            return _reader(archive)(data, archive)
    except UnreadableFileError:
        raise
    except MemoryError as error:
        raise UnreadableFileError(Flaw.SLOW) from error
    except Exception as error:  # the libraries raise any error for damaged files
        raise UnreadableFileError(Flaw.BROKEN) from error


def _check_size(archive: zipfile.ZipFile) -> None:
    """Raise UnreadableFileError for a decompression bomb or an encrypted archive."""
    files = archive.infolist()
    if any(file.flag_bits & 1 for file in files):
        raise UnreadableFileError(Flaw.LOCKED)
    unpacked = sum(file.file_size for file in files)
    bomb = any(file.file_size > SMALL_BYTES and file.file_size > MOST_RATIO * file.compress_size for file in files)
    if bomb or unpacked > MOST_UNPACKED_BYTES or len(files) > MOST_FILES:
        raise UnreadableFileError(Flaw.BROKEN)


def _reader(archive: zipfile.ZipFile) -> Callable[[bytes, zipfile.ZipFile], FileContent]:
    names = set(archive.namelist())
    for member, reader in _READERS.items():
        if member in names:
            return reader
    raise UnreadableFileError(Flaw.KIND)


def _document(data: bytes, _: zipfile.ZipFile) -> FileContent:
    """Return the paragraphs and tables of a Word file, in their order."""
    import docx  # noqa: PLC0415 - each library is loaded for its own files only
    from docx.table import Table  # noqa: PLC0415

    found = Collected()
    for block in docx.Document(io.BytesIO(data)).iter_inner_content():
        for line in _rows(block) if isinstance(block, Table) else [block.text]:
            found.add(line)
        if found.is_full:
            break
    return found.reading()


def _rows(table: object) -> Iterator[str]:
    for row in table.rows:  # type: ignore[attr-defined]
        yield " | ".join(cell.text.replace("\n", " ") for cell in row.cells)


def _workbook(data: bytes, _: zipfile.ZipFile) -> FileContent:
    """Return the values of an Excel file: a heading for each sheet, a line for each row."""
    import openpyxl  # noqa: PLC0415

    found = Collected()
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    for sheet in book.worksheets:
        found.add(f"[sheet {sheet.title}]")
        for row in sheet.iter_rows(values_only=True):
            values = ["" if value is None else str(value) for value in row]
            if any(values):
                found.add("\t".join(values).rstrip("\t"))
            if found.is_full:
                return found.reading()
    return found.reading()


def _slides(_: bytes, archive: zipfile.ZipFile) -> FileContent:
    found = Collected()
    slides = {int(match[1]): name for name in archive.namelist() if (match := _SLIDE.fullmatch(name))}
    for number, name in sorted(slides.items()):
        found.add(f"[slide {number}]")
        for paragraph in ElementTree.fromstring(archive.read(name)).iter(f"{_DRAWING}p"):
            if line := "".join(run.text or "" for run in paragraph.iter(f"{_DRAWING}t")):
                found.add(line)
        if found.is_full:
            break
    return found.reading()


def _open_document(_: bytes, archive: zipfile.ZipFile) -> FileContent:
    """Return the paragraphs and headings of an OpenDocument file, and the cells of its tables."""
    found = Collected()
    for element in ElementTree.fromstring(archive.read("content.xml")).iter():
        if element.tag in {f"{_ODF_TEXT}p", f"{_ODF_TEXT}h"}:
            found.add("".join(element.itertext()))
        if found.is_full:
            break
    return found.reading()


_READERS: Mapping[str, Callable[[bytes, zipfile.ZipFile], FileContent]] = {
    "word/document.xml": _document,
    "xl/workbook.xml": _workbook,
    "ppt/presentation.xml": _slides,
    "content.xml": _open_document,
}
"""The readers, by the file in the archive that identifies the format."""
