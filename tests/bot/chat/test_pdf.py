import pytest

from bot.chat import pdf as reading
from bot.chat.pdf import text_of


def pdf(text: str, pages: int = 1) -> bytes:
    """Return a PDF with the same line of text on each page."""
    stream = f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode()
    kids = " ".join(f"{4 + number} 0 R" for number in range(pages))
    page = f"<</Type/Page/Parent 2 0 R/Contents {4 + pages} 0 R/Resources<</Font<</F1 3 0 R>>>>/MediaBox[0 0 600 800]>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Kids[{kids}]/Count {pages}>>".encode(),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        *[page.encode()] * pages,
        b"<</Length %d>>stream\n%s\nendstream" % (len(stream), stream),
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    return out + (
        b"xref\n0 %d\n0000000000 65535 f \n%strailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n"
        % (size, table, size, len(out))
    )


async def test_text_of_each_page_is_extracted() -> None:
    assert await text_of(pdf("Tides", pages=2)) == "Tides\n\nTides"


@pytest.mark.parametrize("data", [b"", b"no pdf", pdf("x")[:40]])
async def test_broken_file_has_no_text(data: bytes) -> None:
    assert await text_of(data) is None


async def test_slow_file_is_given_up_and_its_process_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_SECONDS", 0.001)
    assert await text_of(pdf("x", pages=50)) is None
