"""Rich messages: converts HTML to blocks like Telegram, within its limits. Media are not supported."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sandbox.telegram.html import STYLES
from sandbox.telegram.params import Params, decoded, is_true
from sandbox.telegram.refusals import refuse
from sandbox.telegram.rich_messages.rich_html import BLOCKS, HEADINGS, Element, parsed

MOST_CHARS, MOST_BLOCKS, MOST_DEPTH, MOST_COLUMNS = 32_768, 500, 16, 20
_STYLES = {**STYLES, "mark": "marked", "sub": "subscript", "sup": "superscript"}
_SCHEMES = ("http://", "https://", "mailto:", "tel:", "tg://", "#")
_SOURCES = ("html", "markdown", "blocks")
Json = dict[str, Any]


def rich_message(params: Params) -> Json:
    """Return the content of the message. Raises the refusals for invalid HTML, empty messages and exceeded limits."""
    given = decoded(params, "rich_message", dict)
    if [name for name in _SOURCES if given.get(name)] != ["html"]:
        raise refuse("rich_source")
    size = _Size()
    blocks = [size.block(each) for each in _blocks(parsed(str(given["html"])), 1, size)]
    if not blocks:
        raise refuse("rich_content")
    size.check()
    return {"blocks": blocks, "is_rtl": True} if is_true(given.get("is_rtl")) else {"blocks": blocks}


@dataclass(slots=True)
class _Size:
    """Counters of everything that has a limit."""

    chars: int = 0
    blocks: int = 0
    depth: int = 0
    columns: int = 0

    def block(self, found: Json) -> Json:
        self.blocks += 1
        return found

    def at(self, depth: int) -> None:
        self.depth = max(self.depth, depth)

    def check(self) -> None:
        if self.chars > MOST_CHARS:
            raise refuse("rich_text")
        if self.blocks > MOST_BLOCKS:
            raise refuse("rich_blocks")
        if self.depth > MOST_DEPTH:
            raise refuse("rich_depth")
        if self.columns > MOST_COLUMNS:
            raise refuse("rich_columns")


def _blocks(element: Element, depth: int, size: _Size) -> Iterator[Json]:
    """Return the blocks. Text between blocks becomes paragraphs."""
    for is_block, group in groupby(element.children, key=_is_block):
        run = list(group)
        if is_block:
            yield from (_block(each, depth, size) for each in run if isinstance(each, Element))
        elif any(not isinstance(each, str) or each.strip() for each in run):
            yield _textual(Element("p", {}, run), depth, size)


def _is_block(child: Element | str) -> bool:
    return isinstance(child, Element) and child.tag in BLOCKS


def _block(element: Element, depth: int, size: _Size) -> Json:
    size.at(depth)
    return _READERS.get(element.tag, _textual)(element, depth, size)


def _divider(*_: Any) -> Json:
    return {"type": "divider"}


def _list(element: Element, depth: int, size: _Size) -> Json:
    return {"type": "list", "items": _required([*_items(element, depth, size)])}


def _quotation(element: Element, depth: int, size: _Size) -> Json:
    return {"type": "blockquote", "blocks": _required([size.block(b) for b in _blocks(element, depth + 1, size)])}


def _textual(element: Element, depth: int, size: _Size) -> Json:
    text, tag = _filled(element, depth, size), element.tag
    if tag in HEADINGS:
        return {"type": "heading", "text": text, "size": int(tag[1])}
    return {"type": "footer" if tag == "footer" else "paragraph", "text": text}


def _items(element: Element, depth: int, size: _Size) -> Iterator[Json]:
    number = int(element.attributes.get("start") or 1)
    for item in element.elements("li"):
        size.at(depth + 1)
        number = int(item.attributes.get("value") or number)
        inner = [size.block(each) for each in _blocks(item, depth + 2, size)]
        label = {"label": f"{number}.", "value": number} if element.tag == "ol" else {"label": "•"}
        yield size.block({**label, "blocks": _required(inner)})
        number += 1


def _table(element: Element, depth: int, size: _Size) -> Json:
    rows = [[_cell(cell, depth + 2, size) for cell in row.elements("th", "td")] for row in element.elements("tr")]
    for row in rows:
        size.block({})
        size.columns = max(size.columns, sum(cell.get("colspan", 1) for cell in row))
    flags = {f"is_{name}": True for name in ("bordered", "striped") if name in element.attributes}
    return {"type": "table", "cells": _required(rows), **flags}


def _cell(cell: Element, depth: int, size: _Size) -> Json:
    size.at(depth)
    align = cell.attributes.get("align")
    if align not in {None, "left", "center", "right"}:
        raise refuse("start_tag", tag=cell.tag, offset=cell.at)
    text = _text(cell, depth, size)
    return {
        **({"text": text} if text else {}),
        **({"is_header": True} if cell.tag == "th" else {}),
        "align": align or "left",
        "valign": "top",
    }


def _preformatted(element: Element, depth: int, size: _Size) -> Json:
    inner = element.children[0] if len(element.children) == 1 else None
    code = inner if isinstance(inner, Element) and inner.tag == "code" else element
    language = (code.attributes.get("class") or "").removeprefix("language-")
    text = _filled(code, depth + (code is not element), size)
    return {"type": "pre", "text": text, **({"language": language} if language else {})}


def _filled(element: Element, depth: int, size: _Size) -> Any:
    text = _text(element, depth, size)
    if not element.plain.strip():
        raise refuse("rich_content")
    return text


def _text(element: Element, depth: int, size: _Size) -> Any:
    """Return RichText: a string, an object that contains RichText, or a list."""
    size.at(depth)
    found = [_piece(each, depth + 1, size) for each in element.children]
    return found[0] if len(found) == 1 else found


def _piece(piece: Element | str, depth: int, size: _Size) -> Any:
    if isinstance(piece, str):
        size.chars += len(piece)
        return piece
    if piece.tag == "br":
        size.chars += 1
        return "\n"
    if piece.tag == "a":
        url = piece.attributes.get("href") or ""
        if not url.lower().startswith(_SCHEMES):
            raise refuse("rich_url")
        return {"type": "url", "text": _text(piece, depth, size), "url": url}
    if piece.tag not in _STYLES:
        raise refuse("start_tag", tag=piece.tag, offset=piece.at)
    return {"type": _STYLES[piece.tag], "text": _text(piece, depth, size)}


def _required(found: list[Any]) -> list[Any]:
    if not found:
        raise refuse("rich_content")
    return found


_READERS: dict[str, Callable[[Element, int, _Size], Json]] = {
    "hr": _divider,
    "ul": _list,
    "ol": _list,
    "blockquote": _quotation,
    "table": _table,
    "pre": _preformatted,
}
