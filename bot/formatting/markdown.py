"""Markdown converted to text and entities, split to Telegram's limits without loss of text.

Unlike a parse mode, entities can't fail on a stray `*`. Limits of a message: 4,096 UTF-16 units and 100 entities.
HTML, spoilers and endless lists are escaped first: models write `Vec<String>` and `<div>` as text, which the converter
would delete as HTML. The events of its parser show the places.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from unicodedata import category

import pyromark
from telegram import MessageEntity
from telegramify_markdown import MessageEntity as Span
from telegramify_markdown import RenderConfig, convert, split_entities, utf16_len
from telegramify_markdown.converter import STANDARD_OPTIONS

_MOST_MARKS = (("$", 2_000), ("#", 2_000), ("[", 3_000), ("*_`~", 4_000), ("\n", 4_000), ("<>|", 7_000))
"""The most of these marks in a text that is converted, which takes 0.2 s at the most."""
MOST_UNITS, MOST_ENTITIES = 4096, 100
_NEWLINE = "\n".encode("utf-16-le")
_UNSAFE_LINK = re.compile(r"^(?!https?://|mailto:|tg://|tel:)", re.IGNORECASE)
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Mn"})  # controls, zero-width characters, combining marks
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc")
_BLOCKS = frozenset({"pre", "blockquote", "expandable_blockquote"})
_SOLID = frozenset({"pre", "code"})  # nothing nests in them
MOST_PASSES = 8
_LESS = b"&lt;"
_CODE = re.compile(r"(?:^|\n)(?P<fence>```|~~~).*?(?:\n(?P=fence)|\Z)|`[^`\n]+`", re.DOTALL)
_PIPES = re.compile(rb"(?<!\\)\|(?=\|)|(?<=\|)\|")  # `a || b || c` is no spoiler
_BAR, _ROW = re.compile(rb"(?<!\\)\|"), re.compile(rb"[^\n]+")
_TAG_OPENS = re.compile(r"<(?!https?:|mailto:)")
MOST_LISTS = 8
"""The depth of nested lists. The converter's time grows with it for each line: `- - - - ...` would take for ever."""
_DEEP_LIST = re.compile(rf"^(?:[ \t>]*+(?:[-*+]|\d{{1,9}}[.)])[ \t]++){{{MOST_LISTS + 1}}}", re.MULTILINE)
_MARKER = re.compile(rb"\s*\d*")
_Edit = tuple[int, int, bytes]


@dataclass(frozen=True, slots=True)
class Piece:
    """The text and entities of one message, within every limit."""

    text: str
    entities: tuple[MessageEntity, ...] = ()


def _config() -> RenderConfig:
    config = RenderConfig.isolated()
    for level in (1, 2, 3, 4):
        setattr(config.markdown_symbol, f"heading_level_{level}", "")
    config.markdown_symbol.unordered_list_item = "•"
    return config


_CONFIG = _config()


def render(markdown: str, limit: int = MOST_UNITS) -> list[Piece]:
    """Convert the whole text to as many messages as it takes, at least one.

    A text with more marks than can be converted quickly is sent as it is.
    """
    markdown = clean(markdown)
    if _takes_long(markdown):
        return _visible([Piece(part) for part in _chunks(markdown.strip() or "…", limit)])
    text, spans = convert(escaped(markdown), latex_escape=True, config=_CONFIG)
    if not text.strip():
        return _visible([Piece(part) for part in _chunks(markdown.strip() or "…", limit)])
    text, spans = _blocks_apart(text, _flat(spans))
    pieces: list[Piece] = []
    for part, part_spans in split_entities(text, spans, limit):
        pieces += _under_the_cap(part, [span for span in part_spans if _allowed(span)])
    return _visible(pieces)


def _takes_long(markdown: str) -> bool:
    """Return whether the conversion would stop the event loop: its time grows with the marks, for `$` in square."""
    return any(sum(map(markdown.count, marks)) > most for marks, most in _MOST_MARKS)


def _visible(pieces: list[Piece]) -> list[Piece]:
    """Leave out pieces without visible characters: Telegram refuses them. If none is left, return an ellipsis."""
    return [piece for piece in pieces if any(map(is_visible, piece.text))] or [Piece("…")]


def is_visible(char: str) -> bool:
    """Return False for a character that shows nothing by itself."""
    return not char.isspace() and char not in _FILLERS and category(char) not in _UNSEEN


def clean(text: str) -> str:
    """Remove the characters that Telegram and databases refuse: lone surrogates and NUL."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def with_tail(pieces: list[Piece], tail: str) -> list[Piece]:
    """Append lines in italics to the last message, or as another message if the last one is full."""
    if not tail:
        return pieces
    last, length = pieces[-1], utf16_len(tail)
    start = utf16_len(last.text) + 2
    if start + length > MOST_UNITS or len(last.entities) >= MOST_ENTITIES:
        return [*pieces, Piece(tail, (MessageEntity("italic", 0, length),))]
    mark = MessageEntity("italic", start, length)
    return [*pieces[:-1], Piece(f"{last.text}\n\n{tail}", (*last.entities, mark))]


def plain_head(markdown: str, limit: int = MOST_UNITS) -> str:
    """Return the beginning of the text that fits a draft: it only ever grows, and does not end with blanks."""
    head = clean(markdown[:limit]).rstrip()
    return head if head.isascii() or utf16_len(head) <= limit else _cut(head, limit)


def _allowed(span: Span) -> bool:
    return span.type != "text_link" or is_safe_link(span.url or "")


def is_safe_link(url: str) -> bool:
    return not _UNSAFE_LINK.match(url)


def _under_the_cap(text: str, spans: list[Span]) -> list[Piece]:
    """Split before the entity over the limit: Telegram would leave it unstyled."""
    if len(spans) <= MOST_ENTITIES:
        return [Piece(text, tuple(_entity(span) for span in spans))]
    spans = sorted(spans, key=lambda span: span.offset)
    cut = spans[MOST_ENTITIES].offset
    # Never cut an entity that began before.
    cut = min([cut, *(span.offset for span in spans[:MOST_ENTITIES] if span.offset + span.length > cut)])
    if cut == 0:
        return [Piece(text, tuple(_entity(span) for span in spans[:MOST_ENTITIES]))]
    raw = text.encode("utf-16-le")
    head, tail = raw[: cut * 2].decode("utf-16-le"), raw[cut * 2 :].decode("utf-16-le")
    first = [span for span in spans if span.offset < cut]
    rest = [replace(span, offset=span.offset - cut) for span in spans if span.offset >= cut]
    return [*_under_the_cap(head, first), *_under_the_cap(tail, rest)]


def _flat(spans: list[Span]) -> list[Span]:
    """Leave out entities that Telegram does not nest: quotations in quotations, and any entity in code."""
    kept: list[Span] = []
    solid_until = quote_until = 0
    for span in sorted(spans, key=lambda span: (span.offset, -span.length, span.type not in _BLOCKS)):
        if span.length <= 0 or span.offset < solid_until:
            continue
        end = span.offset + span.length
        if span.type in _SOLID:
            solid_until = end
        elif span.type in _BLOCKS:
            if span.offset < quote_until:
                continue
            quote_until = end
        kept.append(span)
    return kept


def _blocks_apart(text: str, spans: list[Span]) -> tuple[str, list[Span]]:
    """Put each block on its own lines: in a list item the converter joins it to the text around it."""
    units = text.encode("utf-16-le")
    breaks: set[int] = set()
    for span in (span for span in spans if span.type in _BLOCKS):
        end = span.offset + span.length
        if span.offset and _unit(units, span.offset - 1) != _NEWLINE:
            breaks.add(span.offset)
        if end * 2 < len(units) and _NEWLINE not in (_unit(units, end - 1), _unit(units, end)):
            breaks.add(end)
    if not breaks:
        return text, spans
    points = sorted(breaks)
    edges = [0, *points, len(units) // 2]
    parts = [units[start * 2 : end * 2].decode("utf-16-le") for start, end in pairwise(edges)]
    return "\n".join(parts), [_stretched(span, points) for span in spans]


def _unit(units: bytes, at: int) -> bytes:
    return units[at * 2 : at * 2 + 2]


def _stretched(span: Span, points: list[int]) -> Span:
    start, end = span.offset, span.offset + span.length
    offset = start + bisect_right(points, start)
    return replace(span, offset=offset, length=end + bisect_left(points, end) - offset)


def _entity(span: Span) -> MessageEntity:
    data = span.to_dict()
    return MessageEntity(
        data["type"], data["offset"], data["length"], url=data.get("url"), language=data.get("language")
    )


def _cut(text: str, limit: int) -> str:
    return text.encode("utf-16-le")[: limit * 2].decode("utf-16-le", "ignore")


def _chunks(text: str, limit: int) -> list[str]:
    """Split plain text at the limit."""
    found = []
    while text:
        head = _cut(text, limit)
        found.append(head)
        text = text[len(head) :]
    return found


def escaped(markdown: str) -> str:
    """Return the Markdown without HTML, spoilers and endless lists, with headings of list items on their own lines."""
    if _DEEP_LIST.search(markdown):
        data = markdown.encode()
        markdown = _edited(data, list(_deep_items(data))).decode()
    if not any(mark in markdown for mark in ("<", "#", "|")):
        return markdown
    data = markdown.encode()
    for _ in range(MOST_PASSES):  # a block that became text may contain further HTML
        edits = sorted(_edits(data))
        if not edits:
            return data.decode()
        data = _edited(data, edits)
    return _by_pattern(data.decode())


def _edits(data: bytes) -> Iterator[_Edit]:
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


def _deep_items(data: bytes) -> Iterator[_Edit]:
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


def _row_edits(data: bytes, start: int, end: int, columns: int) -> Iterator[_Edit]:
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


def _edited(data: bytes, edits: list[_Edit]) -> bytes:
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
