"""The child process that reads one file from stdin and writes the result to stdout, with limited memory and CPU time.

The only argument is the language of the sender. The process ends when its parent ends, because stdin then closes.
"""

import json
import os
import resource
import sys

from documents.reading.file_content import FileContent, Flaw, UnreadableFileError, text_content
from documents.reading.kinds import Kind, kind_of

MOST_CPU_SECONDS, MOST_BYTES = 25, 1_500_000_000
NICENESS = 15
MOST_HTML_BYTES = 3_000_000


def read(data: bytes, language: str) -> FileContent:
    """Return a file's text or pictures. Raises UnreadableFileError. A library is loaded only for files that need it."""
    kind = kind_of(data)
    if kind is Kind.PDF:
        from documents.reading import pdf  # noqa: PLC0415

        return pdf.read(data)
    if kind is Kind.ZIP:
        from documents.reading import office  # noqa: PLC0415

        return office.read(data)
    if kind is Kind.HEIC:
        from pillow_heif import register_heif_opener  # noqa: PLC0415

        register_heif_opener(thumbnails=False)
    if kind in {Kind.PICTURE, Kind.OTHER_PICTURE, Kind.HEIC, Kind.AVIF}:
        from documents.reading import pictures  # noqa: PLC0415

        return pictures.read(data)
    if kind in _FLAWS:
        raise UnreadableFileError(_FLAWS[kind])
    return _text(data, language, is_html=kind is Kind.HTML)


def _text(data: bytes, language: str, *, is_html: bool) -> FileContent:
    from documents.reading.encodings import decoded  # noqa: PLC0415

    text = decoded(data, language)
    if text is None:
        raise UnreadableFileError(Flaw.KIND)
    if not is_html or len(data) > MOST_HTML_BYTES:
        return text_content(text)
    return text_content(_markdown(text))


def _markdown(page: str) -> str:
    """Return an HTML page as Markdown, without its code and pictures."""
    from bs4 import BeautifulSoup  # noqa: PLC0415
    from markdownify import MarkdownConverter  # noqa: PLC0415

    soup = BeautifulSoup(page, "html.parser")
    for element in soup(["script", "style", "template", "noscript"]):
        element.decompose()
    try:
        shown = MarkdownConverter(strip=["img"], heading_style="ATX").convert_soup(soup)
    except RecursionError:  # raised for elements nested a thousand levels deep
        shown = soup.get_text("\n")
    return "\n".join(line for each in shown.splitlines() if (line := each.rstrip()))


_FLAWS = {
    Kind.OLD_OFFICE: Flaw.OLD_OFFICE,
    Kind.LOCKED_OFFICE: Flaw.LOCKED,
}


def main() -> None:
    """Read stdin, and write the result, or the reason for failing, as JSON."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
    data = sys.stdin.buffer.read()
    try:
        out = read(data, sys.argv[1] if len(sys.argv) > 1 else "en").to_json()
    except UnreadableFileError as error:
        out = json.dumps({"flaw": error.flaw.value}).encode()
    except (MemoryError, RecursionError):
        out = json.dumps({"flaw": Flaw.SLOW.value}).encode()
    sys.stdout.buffer.write(out)


if __name__ == "__main__":
    main()
