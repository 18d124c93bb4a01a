"""The parser's events, corrected: every text arrives, HTML tags for styles become events, links are safe.

Added to the parser's events: {"Formula": Formula}; {"Start": {"Tag": name}} and {"End": {"Tag": name}} of well-nested
HTML tags; "BlockBreak" for a tag that begins or ends a paragraph. Changed: {"Start": {"Item": marker}} with the marker
of the source; {"Start": {"CodeBlock": info string}}; {"Start": {"Link": url}}, where an empty URL means that only the
text is shown.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyromark
from pyromark.event import BrokenLink

from bot.formatting.characters import BREAK, LESS, TOKEN
from bot.formatting.formulas import Formula, is_words
from bot.formatting.html.tags import COMMENT_END, ITEM, PIECE, TITLES, PlainTags, gap_of
from bot.formatting.links import is_safe_link, without_spaces
from bot.formatting.source import OPTIONS, Callout, Source, label_of

_SPOILER, _BARS, _BEFORE_SPOILER = "tg-spoiler", "||", "([{\"'\u201c\u2018\u00ab\u2013\u2014:"
_AFTER_OPERATOR = frozenset(",.;:!?)]}|&=")
_AFTER_NORM = frozenset("_^\u00b2\u2081\u2082")
_NUMBER = re.compile(rb"[ \t>]*(\d{1,9}[.)])")
_WRITTEN = frozenset({"Autolink", "Email"})
_REFERENCES = frozenset({"Reference", "ReferenceUnknown"})
_SILENT = re.compile(r"^(?:mailto|tel):", re.IGNORECASE)
_SHORTCUTS = frozenset({"Shortcut", "ShortcutUnknown", "Collapsed", "CollapsedUnknown"})
_AFTER_CELL = frozenset({"", " ", "|", "\n", LESS})
BULLET = "•"
Event = Any
Parsed = tuple[Event, int]


def parse(source: Source) -> list[Parsed]:
    """Return the events, each with its start in the prepared text, in bytes."""
    return _Reader(source).read()


@dataclass(frozen=True, slots=True)
class _LinkEnd:
    """The texts to add at the end of a link, within and after it, and whether the link shows its own URL."""

    within: str
    after: str
    is_written: bool


class _Reader:
    """Reads the parser's events once, with a stack of the elements and tags that are open."""

    def __init__(self, source: Source) -> None:
        self._source, self._data = source, source.text.encode()
        self._out: list[Parsed] = []
        # an element of Markdown has an empty name; a tag has its name and position
        self._open: list[tuple[str, int]] = []
        self._links: list[_LinkEnd] = []
        self._anchors: list[str] = []
        self._ordered: list[bool] = []
        self._verbatim = self._tables = self._until = 0
        self._plain = PlainTags(self._data)

    def read(self) -> list[Parsed]:
        resolve = self._resolve if self._source.links else None
        events: Any = pyromark.events_with_range(
            self._source.text, options=OPTIONS, merge_text=True, broken_link_callback=resolve
        )
        for event, where in events:
            self._until = where["end"]
            self._read(event, where["start"])
        return self._out

    def _resolve(self, link: BrokenLink) -> tuple[str, str] | None:
        url = self._source.links.get(label_of(self._source.restored(link["reference"])))
        return (url, "") if url and is_safe_link(url) else None

    def _read(self, event: Event, at: int) -> None:
        if isinstance(event, str):
            self._put(event, at)
            return
        kind, value = next(iter(event.items()))
        if kind == "Text":
            self._text(value, at)
        elif kind == "Start":
            self._start(value, at)
        elif kind == "End":
            self._end(value, at)
        elif kind in {"Code", "Html", "InlineHtml"}:
            self._put({"Code" if kind == "Code" else "Text": self._source.restored(value)}, at)
        else:
            self._put(event, at)

    def _put(self, event: Event, at: int) -> None:
        self._out.append((event, at))

    def _put_text(self, text: str, at: int) -> None:
        if text:
            self._out.append(({"Text": text}, at))

    # --- elements -----------------------------------------------------------------------------------

    def _start(self, tag: Any, at: int) -> None:
        name, more = next(iter(tag.items())) if isinstance(tag, dict) else (tag, None)
        self._open.append(("", 0))
        if name in {"Link", "Image"}:
            self._start_link(name, more, at)
            return
        if name == "CodeBlock":
            self._verbatim += 1
            tag = {"CodeBlock": self._source.restored(more["Fenced"]) if isinstance(more, dict) else ""}
        elif name == "List":
            self._ordered.append(more is not None)
        elif name == "Item":
            tag = {"Item": self._marker(at)}
        self._tables += name == "Table"
        self._put({"Start": tag}, at)

    def _end(self, tag: Any, at: int) -> None:
        name = next(iter(tag)) if isinstance(tag, dict) else tag
        while self._open and self._open.pop()[0]:
            """A tag without an end stays text."""
        if name in {"Link", "Image"}:
            self._end_link(name, at)
            return
        self._verbatim -= name == "CodeBlock"
        self._tables -= name == "Table"
        if name == "List":
            self._ordered.pop()
        self._put({"End": tag}, at)

    def _marker(self, at: int) -> str:
        found = _NUMBER.match(self._data, at) if self._ordered[-1] else None
        return found[1].decode() if found else BULLET

    # --- links --------------------------------------------------------------------------------------

    def _start_link(self, name: str, more: Any, at: int) -> None:
        url, kind = without_spaces(self._source.restored(more["dest_url"])), more["link_type"]
        written, short = kind in _WRITTEN, kind in _SHORTCUTS
        is_safe = is_safe_link(url)
        after = "" if written else self._after(more, url, is_safe=is_safe)
        self._put({"Start": {name: url if is_safe else ""}}, at)
        self._put_text("[" if short else "", at)
        self._verbatim += written
        self._links.append(_LinkEnd("]" if short else "", after, written))

    def _after(self, more: Any, url: str, *, is_safe: bool) -> str:
        """Return the parts of a link that would be invisible: a URL that can't be a link, the title, the label."""
        shown = "" if is_safe or more["dest_url"].startswith(("#", BREAK)) else _SILENT.sub("", url)
        label = more["id"] if more["link_type"] in _REFERENCES else ""
        parts = [
            shown and f"({shown})",
            more["title"] and f"({self._source.restored(more['title'])})",
            label and f"[{self._source.restored(label)}]",
        ]
        return "".join(f" {part}" for part in parts if part)

    def _end_link(self, name: str, at: int) -> None:
        link = self._links.pop()
        self._verbatim -= link.is_written
        self._put_text(link.within, at)
        self._put({"End": name}, at)
        self._put_text(link.after, at)

    # --- text ---------------------------------------------------------------------------------------

    def _text(self, text: str, at: int) -> None:
        has_mark = any(mark in text for mark in (LESS, TOKEN, _BARS)) or (
            self._plain.in_comment and COMMENT_END in text
        )
        if self._verbatim or not has_mark:
            self._put_text(self._source.restored(text), at)
            return
        position = 0
        for found in PIECE.finditer(text):
            self._put_text(self._source.restored(self._trimmed(text[position : found.start()])), at)
            self._piece(found, at)
            position = found.end()
        self._put_text(self._source.restored(self._trimmed(text[position:])), at)

    def _trimmed(self, text: str) -> str:
        """Return the text without the spaces that follow the start or end of an HTML block."""
        return text.lstrip(" ") if self._out[-1:] and self._out[-1][0] == "BlockBreak" else text

    def _piece(self, found: re.Match[str], at: int) -> None:
        if found["number"]:
            self._token(self._source.tokens[int(found["number"])], at)
        elif found["bars"]:
            self._bars(found, at)
        elif found["href"]:
            self._anchor(found, at)
        elif found["plain"]:
            self._plain_tag(found, at)
        elif found["comment"]:
            self._comment(found, at)
        else:
            self._tag(found, at)

    def _token(self, token: Formula | Callout, at: int) -> None:
        if isinstance(token, Formula):
            self._put({"Formula": token}, at)
            return
        for event in ({"Start": "Strong"}, {"Text": token.text}, {"End": "Strong"}):
            self._put(event, at)

    def _tag(self, found: re.Match[str], at: int) -> None:
        name = found["tag"].lower()
        if name == "br":
            self._line_break(found, at)
        elif not found["close"]:
            if name in TITLES:
                self._gap(found, at)
            if name != "a":  # a link without an address is read as text
                self._open.append((name, len(self._out)))
            self._put_text(self._source.restored(found[0]), at)
        elif self._is_open(name):
            self._close({"Link": self._anchors.pop()} if name == "a" else {"Tag": name}, at)
            if name in TITLES:
                self._gap(found, at)
        else:
            self._put_text(self._source.restored(found[0]), at)

    def _plain_tag(self, found: re.Match[str], at: int) -> None:
        """Drop a tag without a style, and separate its content from the text around it."""
        if not self._plain.is_markup(found, at, self._until):
            self._put_text(self._source.restored(found[0]), at)
            return
        self._gap(found, at)
        if found["plain"].lower() == ITEM and not found["close"]:
            self._put_text(f"{BULLET} ", at)

    def _gap(self, found: re.Match[str], at: int) -> None:
        gap = gap_of((found["plain"] or found["tag"]).lower())
        ends_cell = found["close"] and self._plain.after(found, self._until) in _AFTER_CELL
        if gap and not self._tables:
            self._put(gap, at)
        elif gap and not ends_cell and self._out[-1][0] not in ({"Start": "TableCell"}, "HardBreak"):
            self._put("HardBreak", at)

    def _comment(self, found: re.Match[str], at: int) -> None:
        """Read `<!--` and `-->`: the content of a comment is shown without them."""
        if not self._plain.is_comment(found, self._until):
            self._put_text(self._source.restored(found[0]), at)
        elif not self._plain.in_comment and self._plain.after(found, self._until).isalnum():
            self._put_text(" ", at)

    def _is_open(self, name: str) -> bool:
        """Return True if the innermost open element or tag is this tag."""
        return bool(self._open) and self._open[-1][0] == name

    def _close(self, element: Event, at: int) -> None:
        """End the innermost tag: the text at its start becomes the start of an element."""
        place = self._open.pop()[1]
        self._out[place] = ({"Start": element}, self._out[place][1])
        self._put({"End": "Link" if "Link" in element else element}, at)

    def _anchor(self, found: re.Match[str], at: int) -> None:
        """Read `<a href="...">`, which is a link if it is closed, and if its URL can be one."""
        url = self._source.restored(found["href"])
        if is_safe_link(url) and not self._links and not any(name == "a" for name, _ in self._open):
            self._open.append(("a", len(self._out)))
            self._anchors.append(url)
        self._put_text(self._source.restored(found[0]), at)

    def _bars(self, found: re.Match[str], at: int) -> None:
        """Read `||`: the start or end of a spoiler, or an operator."""
        text, start, end = found.string, found.start(), found.end()
        before, after = text[start - 1 : start] if start else "", text[end : end + 1]
        if self._is_open(_SPOILER) and not before.isspace() and not after.isalnum():
            if after not in _AFTER_NORM and is_words("".join(self._text_since(self._open[-1][1]))):
                self._close({"Tag": _SPOILER}, at)
            else:
                self._open.pop()
                self._put_text(_BARS, at)
            return
        is_first = not before or before.isspace() or before in _BEFORE_SPOILER
        is_word = not after.isspace() and after not in _AFTER_OPERATOR
        if is_first and is_word and not self._tables and all(name != _SPOILER for name, _ in self._open):
            self._open.append((_SPOILER, len(self._out)))
        self._put_text(_BARS, at)

    def _text_since(self, place: int) -> Iterator[str]:
        """Yield the texts after the one at `place`."""
        for event, _ in self._out[place + 1 :]:
            if isinstance(event, dict) and "Text" in event:
                yield event["Text"]

    def _line_break(self, found: re.Match[str], at: int) -> None:
        """Write a `<br>`.

        Between words with spaces the text talks about the tag, so it stays text, except in tables.
        """
        around = found.string[max(0, found.start() - 1) : found.end() + 1]
        if self._tables or not (around.startswith(" ") and around.endswith(" ")):
            self._put("HardBreak", at)
        else:
            self._put_text(self._source.restored(found[0]), at)
