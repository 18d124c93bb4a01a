"""Files of every kind, made for tests."""

import io
import zipfile
from collections.abc import Mapping

import docx
import openpyxl
import pillow_heif
from fpdf import FPDF
from PIL import ExifTags, Image


def pdf(*pages: str, password: str = "") -> bytes:
    made = FPDF()
    made.set_font("helvetica", size=12)
    for text in pages:
        made.add_page()
        made.multi_cell(0, 8, text)
    if password:
        made.set_encryption(owner_password=password, user_password=password)
    return bytes(made.output())


def scan(pages: int) -> bytes:
    made = FPDF()
    for number in range(pages):
        made.add_page()
        made.image(Image.new("RGB", (60, 80), (number, 90, 90)), 10, 10, 100)
    return bytes(made.output())


def word(*paragraphs: str, table: tuple[tuple[str, ...], ...] = ()) -> bytes:
    made = docx.Document()
    for paragraph in paragraphs:
        made.add_paragraph(paragraph)
    if table:
        grid = made.add_table(len(table), len(table[0]))
        for row, cells in zip(grid.rows, table, strict=True):
            for cell, text in zip(row.cells, cells, strict=True):
                cell.text = text
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def excel(sheets: Mapping[str, list[list[object]]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def archive(files: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return out.getvalue()


def slides(*texts: str) -> bytes:
    space = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    files = {
        f"ppt/slides/slide{number}.xml": f"<p {space}><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p>"
        for number, text in enumerate(texts, 1)
    }
    return archive({"ppt/presentation.xml": "<p/>", **files})


def open_document(*paragraphs: str, before: str = "") -> bytes:
    space = 'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    body = "".join(f"<text:p>{paragraph}</text:p>" for paragraph in paragraphs)
    return archive(
        {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": f"{before}<d {space}>{body}</d>"}
    )


def picture(kind: str, size: tuple[int, int] = (30, 20), turned: int = 1) -> bytes:
    """Return a picture. `turned`: the EXIF orientation, 6 for a camera held upright."""
    pillow_heif.register_heif_opener()
    out, exif = io.BytesIO(), Image.Exif()
    exif[ExifTags.Base.Orientation] = turned
    Image.new("RGB", size, (9, 90, 9)).save(out, kind, **({"exif": exif} if turned > 1 else {}))
    return out.getvalue()
