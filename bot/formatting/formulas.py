"""Formulas in Markdown, between dollars or backslashes with brackets: found outside code, converted to Unicode."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.formatting import latex

MOST_INLINE, MOST_DISPLAY = 300, 3_000
MOST_CONVERTED, MOST_NESTED = 400, 5
"""The longest and deepest formula that is converted: the converter's time and memory double with each level."""
_ENVIRONMENTS = "align|aligned|alignat|array|cases|equation|gather|multline|split|[pbvVB]?matrix"
_MARKS = re.compile(
    r"(?P<fence>^[ \t>]*(?:```+|~~~+))|(?P<ticks>`+)|(?P<blank>\n[ \t]*(?=\n))|(?P<open>\\[(\[])|(?P<close>\\[)\]])"
    r"|(?P<begin>^[ \t>]*\\begin\{(?:" + _ENVIRONMENTS + r")\*?\})|(?P<end>\\end\{(?:" + _ENVIRONMENTS + r")\*?\})"
    r"|(?P<escape>\\.)|(?P<dollars>\$+)",
    re.MULTILINE,
)
_CLOSING = {"\\(": "\\)", "\\[": "\\]"}
_TICKED = re.compile(r"\A`([^`]+)`\Z")
_WORDS = re.compile(r"[\w\s,.;:'\"-]*")
_WORD, _SIGN_OF_FORMULA = re.compile(r"[^\W\d_]{3,}|[\u2e80-\uffef]"), re.compile(r"[_^=\\]")
_ESCAPED = re.compile(r"[a-z]{4,}|[^\W\d_]+(?:[ ,]+[^\W\d_]{2,})+")
_STYLED = re.compile(r"\*\*(?![\w(])|(?<![\w)])\*\*")
_AMOUNTS = re.compile(r"\d[\d.,]*[^\\=^_+{}]*[ (/*][A-Z]{1,3}")
_PROSE, _SIGN = re.compile(r"\s[^\W\d_]{3,}\s|[^\W\d_]{3,}[ ,]+[^\W\d_]{2,}"), re.compile(r"[\\=^_+*/<>{}|]")


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula: `raw` with its delimiters, `source` without them. `is_display`: on separate lines."""

    raw: str
    source: str = ""
    is_display: bool = False

    @property
    def text(self) -> str:
        """The formula in Unicode, or as LaTeX if it is too long or too deep."""
        source = self.source.strip()
        if len(source) > MOST_CONVERTED or _depth(source) > MOST_NESTED:
            return source
        try:
            return latex.unicode_of(source) or source
        except Exception:  # noqa: BLE001 - any odd LaTeX: it is shown as it is
            return source


def _depth(source: str) -> int:
    depth = deepest = 0
    for char in source:
        depth += (char in "{[") - (char in "}]")
        deepest = max(deepest, depth)
    return max(deepest, source.count("\\sqrt"), source.count("\\left"))


@dataclass(frozen=True, slots=True)
class _Mark:
    kind: str
    text: str
    start: int
    end: int


def find(markdown: str) -> Iterator[tuple[int, int, Formula]]:
    """Return the positions of the formulas outside code, in order. The time grows linearly with the length."""
    marks = [_Mark(str(m.lastgroup), m.group(), m.start(), m.end()) for m in _MARKS.finditer(markdown)]
    following = _following(marks)
    number = 0
    while number < len(marks):
        mark = marks[number]
        end = following[number]
        if mark.kind in {"fence", "ticks"}:
            number = number + 1 if end is None else end + 1
        elif end is not None and (formula := _formula(markdown, mark, marks[end])) is not None:
            yield mark.start, marks[end].end, formula
            number = end + 1
        else:
            number += 1


def _following(marks: list[_Mark]) -> list[int | None]:
    """Return, for each mark, the number of the mark in its paragraph that would close it."""
    found: list[int | None] = [None] * len(marks)
    latest: dict[str, int] = {}
    for number in range(len(marks) - 1, -1, -1):
        mark = marks[number]
        if mark.kind == "blank":
            latest = {key: at for key, at in latest.items() if key.startswith(_FENCE)}
        elif mark.kind == "fence":
            name = _FENCE + mark.text.lstrip(" \t>")[:3]
            found[number] = latest.get(name, len(marks) - 1)
            latest[name] = number
        elif mark.kind == "open":
            found[number] = latest.get(_CLOSING[mark.text])
        elif mark.kind == "begin":
            found[number] = latest.get(mark.text.lstrip(" \t>").replace("begin", "end"))
        elif mark.kind != "escape":
            found[number] = latest.get(mark.text)
            latest[mark.text] = number
    return found


_FENCE = "fence "


def _formula(markdown: str, opening: _Mark, closing: _Mark) -> Formula | None:
    source = markdown[opening.end : closing.start]
    raw = markdown[opening.start : closing.end]
    if not source.strip():
        return None
    if (opening.kind == "begin" or opening.text == "$$") and len(source) <= MOST_DISPLAY:
        return Formula(raw, raw.lstrip(" \t>") if opening.kind == "begin" else source, is_display=True)
    if opening.text == "$":
        source = _TICKED.sub(r"\1", source)
        return Formula(raw, source) if _is_inline(markdown, source, opening.start, closing.end) else None
    if opening.text == "\\(" and len(source) <= MOST_INLINE:
        return None if _ESCAPED.fullmatch(source) else Formula(raw, source)
    if opening.text == "\\[" and len(source) <= MOST_DISPLAY:
        own_line = not markdown[markdown.rfind("\n", 0, opening.start) + 1 : opening.start].strip(" \t>")
        return Formula(raw, source, is_display=True) if own_line or not _WORDS.fullmatch(source) else None
    return None


def _is_inline(markdown: str, source: str, start: int, end: int) -> bool:
    """Return whether single dollars enclose a formula, not amounts (`$5 to $10`, `$5 or R$ 9`) or shell variables."""
    if len(source) > MOST_INLINE or source[0].isspace() or source[-1].isspace():
        return False
    if (_PROSE.search(source) and not _SIGN.search(source)) or _STYLED.search(source) or _AMOUNTS.fullmatch(source):
        return False
    before, after = markdown[start - 1 : start], markdown[end : end + 1]
    return not (before.isalnum() and before.isascii()) and not (after.isalnum() and after.isascii())


def is_words(text: str) -> bool:
    """Return True for words, as in a spoiler; False for a vector between the bars of its norm, as in `||x - y||`."""
    return _WORD.search(text) is not None and _SIGN_OF_FORMULA.search(text) is None
