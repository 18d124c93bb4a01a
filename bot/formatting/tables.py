"""Tables in a monospaced block, aligned by character width; wide ones as a list of records."""

from collections.abc import Sequence

from bot.formatting.characters import width
from bot.formatting.styled import StyledSpan, StyledText, StyledWriter

MOST_COLUMNS_OF_TEXT = 72
_EMPTY = StyledText()
Row = Sequence[StyledText]


def write_table(out: StyledWriter, rows: Sequence[Row], aligned: Sequence[str]) -> None:
    """Write a table; the first row is its head.

    Links are repeated below it, because monospaced text can't contain them.
    """
    columns = max((len(row) for row in rows), default=0)
    full = [[*row, *[_EMPTY] * (columns - len(row))] for row in rows]
    widths = [max(width(row[column].text) for row in full) for column in range(columns)]
    if sum(widths) + 3 * (columns - 1) > MOST_COLUMNS_OF_TEXT and len(full) > 1 and columns > 1:
        _write_records(out, full)
        return
    start = len(out)
    lines = [_line(row, widths, aligned) for row in full]
    lines.insert(1, "|".join("-" * (each + 2) for each in widths)[1:-1])
    out.write("\n".join(lines))
    out.style("pre", start)
    _write_links(out, full)


def write_rows(out: StyledWriter, rows: Sequence[Row]) -> None:
    """Write a table whose next rows are unknown, so that no row changes the ones above it."""
    out.write("\n".join(" | ".join(cell.text for cell in row).rstrip(" |") for row in rows))


def _line(row: Row, widths: Sequence[int], aligned: Sequence[str]) -> str:
    kinds = [*aligned, *["None"] * len(row)]
    return " | ".join(map(_padded, row, widths, kinds)).rstrip()


def _padded(cell: StyledText, columns: int, aligned: str) -> str:
    spare = columns - width(cell.text)
    left = spare if aligned == "Right" else spare // 2 if aligned == "Center" else 0
    return " " * left + cell.text + " " * (spare - left)


def _write_links(out: StyledWriter, rows: Sequence[Row]) -> None:
    found = [(cell.text[span.start : span.end], span) for row in rows for cell in row for span in _links(cell)]
    for number, (text, span) in enumerate(found):
        if number:
            out.write(" · ")
        else:
            out.gap(1)
        start = out.write(text)
        out.style("text_link", start, url=span.url)


def _links(cell: StyledText) -> list[StyledSpan]:
    return [span for span in cell.spans if span.kind == "text_link"]


def _write_records(out: StyledWriter, rows: Sequence[Row]) -> None:
    """Write the head on one line, then each row: its first cell in bold, and a line for each further cell."""
    head, *body = rows
    start = out.write(" | ".join(name.text for name in head))
    out.style("italic", start)
    for row in body:
        out.gap(2)
        start = len(out)
        out.append(row[0])
        out.style("bold", start)
        for name, cell in zip(head[1:], row[1:], strict=True):
            if cell.text:
                out.gap(1)
                out.write(f"• {name.text}: " if name.text else "• ")
                out.append(cell)
