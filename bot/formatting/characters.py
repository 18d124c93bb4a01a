"""Characters as Telegram and readers count them: UTF-16 units, columns of a monospaced font, grapheme clusters."""

import re
from unicodedata import category, combining, east_asian_width

BREAK, LESS, TOKEN, TOKEN_END, PIPE, STAR, LOW, SPACE = (chr(0xFDD0 + number) for number in range(8))
"""Noncharacters of Unicode that mark places in a prepared source; see `source`."""
_REMOVED = dict.fromkeys([0, *range(0xFDD0, 0xFDD8)])
_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Mn"})  # controls, zero-width characters, combining marks
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc")
MOST_FLAGS = 1000
"""The longest row of regional indicators (flags) that is counted, an even number."""
_JOINER, _JOINERS, _VIRAMA_CLASS = "\u200d", frozenset("\u200d\u200c"), 9
_EXTENDING = frozenset({"Mn", "Me", "Mc"})
_WORD = r"[^\s*_`~\\$|<>\[\]&\ufdd0-\ufdef\x00-\x1f\x7f-\x9f]"
_PARAGRAPH = rf"[^\W\d_]{_WORD}*+(?: {_WORD}++)*+"
_PROSE = re.compile(rf"{_PARAGRAPH}(?:\n\n{_PARAGRAPH})*+")


def is_prose(markdown: str) -> bool:
    """Return True for paragraphs of plain words, which need no conversion: this Markdown is also its visible text."""
    return _PROSE.fullmatch(markdown) is not None


def clean(text: str) -> str:
    """Remove the characters that Telegram and databases refuse: lone surrogates, NUL, and our own marks."""
    if text.isascii():
        return text.replace("\0", "")
    return text.translate(_REMOVED).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def units(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def is_visible(char: str) -> bool:
    """Return False for a character that is invisible by itself."""
    return not char.isspace() and char not in _FILLERS and category(char) not in _UNSEEN


def width(text: str) -> int:
    """Return the columns that a text takes in a monospaced font; Chinese, Japanese, Korean and emoji take two each."""
    if text.isascii():
        return len(text)
    columns = last = 0
    for position, char in enumerate(text):
        if position and (char == "\ufe0f" or not is_boundary(text, position)):
            columns, last = columns + (2 - last if char == "\ufe0f" and last else 0), 2 if char == "\ufe0f" else last
            continue
        last = _columns(char)
        columns += last
    return columns


def is_boundary(text: str, at: int) -> bool:
    """Return whether a text may be cut before `at` without cutting a grapheme cluster (UAX 29, a little stricter)."""
    if at <= 0 or at >= len(text):
        return True
    before, char = text[at - 1], text[at]
    if char.isascii() and before.isascii():
        return before != "\r" or char != "\n"
    if before == _JOINER or combining(before) == _VIRAMA_CLASS:
        return False
    return not (_extends(char) or _is_jamo_joined(before, char) or _is_inside_flag(text, at))


def last_boundary(text: str, start: int, at: int) -> int:
    """Return the last boundary after `start`, at most `at`; `at` itself if the cluster has no end."""
    found = at
    while found > start and not is_boundary(text, found):
        found -= 1
    return found if found > start else at


def fitting(text: str, start: int, limit: int) -> int:
    """Return the position up to which the text from `start` on fits into `limit` UTF-16 units."""
    end = min(len(text), start + limit)
    while (over := units(text[start:end]) - limit) > 0:
        end -= max(1, over // 2)
    return end


def cut(text: str, limit: int) -> str:
    """Return the longest beginning within `limit` UTF-16 units that ends with a whole grapheme cluster."""
    end = fitting(text, 0, limit)
    return text if end == len(text) else text[: last_boundary(text, 0, end)]


def _columns(char: str) -> int:
    if category(char) in _UNSEEN:
        return 0
    return 2 if east_asian_width(char) in {"W", "F"} or _is_regional(char) else 1


def _extends(char: str) -> bool:
    code = ord(char)
    is_tag_or_tone = 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F  # noqa: PLR2004 - Unicode's blocks
    return char in _JOINERS or category(char) in _EXTENDING or is_tag_or_tone


def _is_jamo_joined(before: str, char: str) -> bool:
    """Return whether two parts of a Hangul syllable belong together."""
    if not ("\u1160" <= char <= "\u11ff" or "\u1100" <= char <= "\u115f"):
        return False
    if char <= "\u115f":
        return "\u1100" <= before <= "\u115f"
    return "\u1100" <= before <= "\u11ff" or "\uac00" <= before <= "\ud7a3"


def _is_inside_flag(text: str, at: int) -> bool:
    """Return whether the two regional indicators around `at` form one flag; they form pairs from the first on."""
    if not _is_regional(text[at]):
        return False
    row = 0
    while row < min(at, MOST_FLAGS) and _is_regional(text[at - 1 - row]):
        row += 1
    return row % 2 == 1


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
