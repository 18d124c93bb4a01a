"""Escaping of Markdown: HTML, spoilers and endless lists become text before the conversion.

Models write `Vec<String>` and `<div>` as text. The converter would delete it as HTML, a block up to the next blank
line. The events of its parser show the places.
"""

import re
from collections.abc import Iterator

import pyromark
from telegramify_markdown.converter import STANDARD_OPTIONS

MOST_PASSES = 8
_LESS = b"&lt;"
_CODE = re.compile(r"(?:^|\n)(?P<fence>```|~~~).*?(?:\n(?P=fence)|\Z)|`[^`\n]+`", re.DOTALL)
_PIPES = re.compile(rb"(?<!\\)\|(?=\|)|(?<=\|)\|")  # `a || b || c` is no spoiler
_BAR, _ROW = re.compile(rb"(?<!\\)\|"), re.compile(rb"[^\n]+")
_TAG_OPENS = re.compile(r"<(?!https?:|mailto:)")
MOST_LISTS = 8
"""The depth of nested lists. The converter's time grows with it for each line: `- - - - ...` would take for ever."""
DEEP_LIST = re.compile(rf"^(?:[ \t>]*+(?:[-*+]|\d{{1,9}}[.)])[ \t]++){{{MOST_LISTS + 1}}}", re.MULTILINE)
_MARKER = re.compile(rb"\s*\d*")
Edit = tuple[int, int, bytes]


def escaped(markdown: str) -> str:
    """Return the Markdown without HTML, spoilers and endless lists, with headings of list items on their own lines."""
    if DEEP_LIST.search(markdown):
        data = markdown.encode()
        markdown = _edited(data, list(_deep_items(data))).decode()
    data = markdown.encode()
    for _ in range(MOST_PASSES):  # a block that became text may contain further HTML
        edits = sorted(_edits(data))
        if not edits:
            return data.decode()
        data = _edited(data, edits)
    return _by_pattern(data.decode())


def _edits(data: bytes) -> Iterator[Edit]:
    """Find HTML, spoilers, rows with too many cells and headings that continue a line."""
    after_text = False
    for event, where in pyromark.events_with_range(data.decode(), options=STANDARD_OPTIONS):
        start = where["start"]
        began = event.get("Start") if isinstance(event, dict) else None
        if isinstance(event, dict) and "InlineHtml" in event:
            yield start, start + 1, _LESS
        elif began == "HtmlBlock":
            opens = data.index(b"<", start)
            yield opens, opens + 1, _LESS
        elif after_text and isinstance(began, dict) and "Heading" in began:
            line = data.rfind(b"\n", 0, start) + 1
            if line and not data[line:start].strip():
                yield line, line, b"\n"
        elif isinstance(began, dict) and "Table" in began:
            columns = len(began["Table"])
            for row in _ROW.finditer(data, start, where["end"]):
                yield from _row_edits(data, row.start(), row.end(), columns)
        elif isinstance(event, dict) and "Text" in event:
            yield from ((pipe.start(), pipe.start(), b"\\") for pipe in _PIPES.finditer(data, start, where["end"]))
        after_text = isinstance(event, dict) and bool(event.keys() & {"Text", "Code", "InlineHtml"})


def _deep_items(data: bytes) -> Iterator[Edit]:
    """Escape the markers of list items deeper than MOST_LISTS."""
    depth = 0
    for event, where in pyromark.events_with_range(data.decode(), options=STANDARD_OPTIONS):
        if not isinstance(event, dict):
            continue
        began, ended = event.get("Start"), event.get("End")
        depth += isinstance(began, dict) and "List" in began
        depth -= isinstance(ended, dict) and "List" in ended
        if began == "Item" and depth > MOST_LISTS:
            marker = _MARKER.match(data, where["start"])
            assert marker is not None
            yield marker.end(), marker.end(), b"\\"


def _row_edits(data: bytes, start: int, end: int, columns: int) -> Iterator[Edit]:
    """Keep the cells beyond the last column as text in it, and separate adjacent bars: two would begin a spoiler."""
    bars = [bar.start() for bar in _BAR.finditer(data, start, end)]
    if bars and not data[start : bars[0]].strip(b" \t>"):
        columns += 1
    within = bars[: columns - 1]
    beyond = bars[columns - 1 :]
    if beyond and not data[beyond[-1] + 1 : end].strip():
        beyond.pop()
    yield from ((bar, bar, b"\\") for bar in beyond)
    yield from ((bar + 1, bar + 1, b" ") for bar in within if data[bar + 1 : bar + 2] == b"|")


def _edited(data: bytes, edits: list[Edit]) -> bytes:
    out, position = [], 0
    for start, end, new in edits:
        out += [data[position:start], new]
        position = end
    return b"".join([*out, data[position:]])


def _by_pattern(markdown: str) -> str:
    """Escape every `<` outside code, for HTML nested deeper than MOST_PASSES."""
    out, position = [], 0
    for code in _CODE.finditer(markdown):
        out += [_TAG_OPENS.sub("&lt;", markdown[position : code.start()]), code.group()]
        position = code.end()
    return "".join([*out, _TAG_OPENS.sub("&lt;", markdown[position:])])
