"""HTML tags in an answer: those with a style, those without one, and the rule for which of these are markup."""

import re
from collections import Counter

from bot.formatting.characters import LESS, TOKEN, TOKEN_END

TITLES = ("h1", "h2", "h3", "h4", "h5", "h6", "summary")
STYLES = (
    *("b", "code", "del", "em", "i", "ins", "kbd", "mark", "s", "small"),
    *("strike", "strong", "sub", "sup", "tg-spoiler", "u"),
    *TITLES,
)
INLINE = ("abbr", "bdi", "bdo", "big", "cite", "dfn", "font", "samp", "span", "tt")
_BLOCKS = (
    *("address", "article", "aside", "blockquote", "center", "details", "div", "dl", "figcaption", "figure", "footer"),
    *("header", "hr", "main", "nav", "ol", "p", "section", "table", "tbody", "tfoot", "thead", "ul"),
)
_LINES = ("dd", "dt", "td", "th", "tr")
ITEM, COMMENT_END = "li", "-->"
PLAIN = (*INLINE, *_BLOCKS, *_LINES, ITEM)
"""The tags that are dropped. Their content is kept."""
_ATTRIBUTES = r"(?:\s+(?:open(?=[\s/>])|[A-Za-z][\w:-]*=(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s\"'<>=]+)))*+"
PIECE = re.compile(
    f"{TOKEN}(?P<number>\\d+){TOKEN_END}|{LESS}(?P<close>/?)(?:(?P<tag>br|a(?=>)|{'|'.join(STYLES)})|"
    rf"(?P<plain>{'|'.join(PLAIN)}))(?P<attributes>{_ATTRIBUTES})[ ]*/?>"
    rf"|{LESS}a\s+(?:[^>]*\s)?href=(?P<quote>[\"'])(?P<href>[^\"'\s>]+)(?P=quote)[^>]*>|(?P<bars>\|\|)"
    rf"|(?P<comment>{LESS}!--[ ]?|[ ]?-->)",
    re.IGNORECASE,
)
"""A mark in a prepared text that the parser does not know."""
_SPACES, _ENDS = frozenset(" \t"), frozenset(" \t\n.,;:!?")
_QUOTED = frozenset({("(", ")"), ('"', '"'), ("'", "'"), ("“", "”"), ("«", "»"), ("*", "*"), ("_", "_"), ("|", "|")})


class PlainTags:
    """Tells the tags without a style that are markup from those that a sentence talks about."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._open: Counter[str] = Counter()
        self._closed: dict[str, bool] = {}
        self._last_comment = data.rfind(COMMENT_END.encode())
        self.in_comment = False
        self._text, self._read, self._is_blank = "", 0, False

    def is_markup(self, found: re.Match[str], start: int, end: int) -> bool:
        """Return whether a tag in the text from byte `start` to `end` is markup."""
        name, closes = found["plain"], bool(found["close"])
        known = name.islower() or (name.isupper() and len(name) > 1)
        if not known:
            return False
        if closes and self._is_of_an_open_one(name.lower()):
            return True
        if self._is_word(found, start, end):
            return False
        self._open[name.lower()] += not closes
        return True

    def is_comment(self, found: re.Match[str], end: int) -> bool:
        """Return whether `<!--` or `-->` begins or ends a comment; an arrow and an open comment do not."""
        begins = found[0].startswith(LESS)
        is_closed = self._last_comment >= end or found.string.rfind(COMMENT_END) >= found.end()
        is_mark = begins != self.in_comment and (is_closed or not begins)
        self.in_comment ^= is_mark
        return is_mark

    def _is_of_an_open_one(self, name: str) -> bool:
        is_open = self._open[name] > 0
        self._open[name] -= is_open
        return is_open

    def _is_word(self, found: re.Match[str], start: int, end: int) -> bool:
        """Return whether the tag stands in its line like a word or a placeholder, as in `the <div> element`."""
        before, after = self.before(found, start), self.after(found, end)
        if found["attributes"] or self._begins_line(found, start):
            return False
        if (before, after) in _QUOTED or (before in _SPACES and (after in _ENDS or not after)):
            return True
        return before.isalnum() and not found["close"] and not self._is_closed(found["plain"])

    def before(self, found: re.Match[str], start: int) -> str:
        at = found.start()
        return found.string[at - 1] if at else self._data[max(0, start - 1) : start].decode(errors="replace")

    def after(self, found: re.Match[str], end: int) -> str:
        text = found.string[found.end() : found.end() + 1]
        return text or self._data[end : end + 1].decode(errors="replace")

    def _begins_line(self, found: re.Match[str], start: int) -> bool:
        """Return whether the line has nothing before the tag but other tags. Each part of a text is read once."""
        if found.string is not self._text:
            line = self._data[self._data.rfind(b"\n", 0, start) + 1 : start]
            self._text, self._read, self._is_blank = found.string, 0, not line.strip(b" \t>")
        if self._is_blank:
            self._is_blank = not PIECE.sub("", found.string[self._read : found.start()]).strip()
            self._read = found.start()
        return self._is_blank

    def _is_closed(self, name: str) -> bool:
        if name not in self._closed:
            self._closed[name] = f"/{name}>".encode() in self._data
        return self._closed[name]


def gap_of(name: str) -> str:
    """Return the event between a tag's content and the text around it; "" for a tag within a line."""
    if name in _BLOCKS or name in TITLES:
        return "BlockBreak"
    return "" if name in INLINE else "HardBreak"
