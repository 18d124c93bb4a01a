"""PDF files: their text, or their first pages as pictures if they are scans."""

import io
import time

import pypdfium2
from pypdfium2.raw import FPDF_ERR_PASSWORD

from documents.reading.file_content import MOST_CHARS, FileContent, Flaw, Picture, UnreadableFileError

MOST_PAGES, MOST_PICTURES = 500, 10
MOST_CPU_SECONDS = 10.0
LONGEST_SIDE = 1568
SCAN_CHARS = 16
"""With fewer characters a page on average a document counts as a scan."""


def read(data: bytes) -> FileContent:
    """Return the text with a heading for each page, or pictures of a scan. Raises UnreadableFileError."""
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        locked = error.err_code == FPDF_ERR_PASSWORD
        raise UnreadableFileError(Flaw.LOCKED if locked else Flaw.BROKEN) from error
    texts = _texts(document)
    length = sum(len(text.strip()) for text in texts)
    if length < SCAN_CHARS * max(1, len(texts)):
        return _scan(document)
    return _text(texts, len(document))


def _texts(document: pypdfium2.PdfDocument) -> list[str]:
    """Return the pages' texts, as many as the limits on length and time allow."""
    texts, length = list[str](), 0
    until = time.process_time() + MOST_CPU_SECONDS
    for number in range(min(len(document), MOST_PAGES)):
        texts.append(_page_text(document, number))
        length += len(texts[-1])
        if length > MOST_CHARS or time.process_time() > until:
            break
    return texts


def _page_text(document: pypdfium2.PdfDocument, number: int) -> str:
    """Return a page's text; empty for a broken page."""
    try:
        page = document[number]
        return str(page.get_textpage().get_text_bounded()).replace("\r\n", "\n")
    except pypdfium2.PdfiumError:
        return ""


def _text(texts: list[str], pages: int) -> FileContent:
    if len(texts) == 1 and len(texts[0]) > MOST_CHARS:
        return FileContent(texts[0][:MOST_CHARS], shown=MOST_CHARS, total=0 if pages > 1 else len(texts[0]))
    if sum(map(len, texts)) > MOST_CHARS:
        texts = texts[:-1]
    headed = [f"[page {number}]\n{text}" for number, text in enumerate(texts, 1) if text.strip()]
    return FileContent("\n\n".join(headed), unit="pages", shown=len(texts), total=pages)


def _scan(document: pypdfium2.PdfDocument) -> FileContent:
    pictures, until = list[Picture](), time.process_time() + MOST_CPU_SECONDS
    for number in range(min(len(document), MOST_PICTURES)):
        pictures.append(_picture(document, number))
        if time.process_time() > until:
            break
    if not pictures:
        raise UnreadableFileError(Flaw.EMPTY)
    return FileContent(pictures=tuple(pictures), unit="pages", shown=len(pictures), total=len(document))


def _picture(document: pypdfium2.PdfDocument, number: int) -> Picture:
    """Render a page. Raises UnreadableFileError."""
    try:
        page = document[number]
        width, height = page.get_size()
        image = page.render(scale=min(4.0, LONGEST_SIDE / max(width, height, 1))).to_pil().convert("RGB")
    except pypdfium2.PdfiumError as error:
        raise UnreadableFileError(Flaw.BROKEN) from error
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return Picture(out.getvalue(), *image.size)
