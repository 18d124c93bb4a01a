"""Markdown made safe for the parser, so that none of its text is lost, and the way back to the original.

The parser drops HTML, link reference definitions and cells beyond the last column. Noncharacters of Unicode, which no
text contains, prevent that: LESS stands for `<`, PIPE for `|`, STAR and LOW for `*` and `_` without a style, TOKEN
number TOKEN_END for a formula. BREAK stands for nothing: it separates characters that together would be markup.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pyromark
from pyromark import Options

from bot.formatting import formulas
from bot.formatting.characters import BREAK, LESS, LOW, PIPE, STAR, TOKEN, TOKEN_END
from bot.formatting.formulas import Formula

OPTIONS = Options.ENABLE_TABLES | Options.ENABLE_STRIKETHROUGH | Options.ENABLE_TASKLISTS
_CJK = "\u3000-\u303f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_FULL = "\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\u2010-\u2027"
_IS_CJK, _IS_FULL, _RUN = re.compile(f"[{_CJK}]"), re.compile(f"[{_FULL}]"), re.compile(r"\*+|~~")
_LESS = re.compile(r"\\.|<(?!(?:https?|mailto|tg|tel|ftp):[^\s<>]*>|[^\s<>@]+@[^\s<>]+>)", re.DOTALL)
_CALLOUT = re.compile(
    r"^(?P<before>[ \t>]*>[ \t]*(?:[-+*][ \t]+)?)\[!(?P<word>[A-Za-z]{2,20})\][-+]?(?=[ \t]|$)", re.MULTILINE
)
_ICONS = {
    **dict.fromkeys(("note", "info", "abstract", "summary"), "\u2139\ufe0f "),
    **dict.fromkeys(("tip", "hint"), "💡 "),
    **dict.fromkeys(("important", "attention"), "❗ "),
    "warning": "⚠️ ",
    **dict.fromkeys(("caution", "danger", "error", "failure", "bug"), "🛑 "),
    **dict.fromkeys(("success", "check", "done"), "✅ "),
    **dict.fromkeys(("question", "help", "faq"), "❓ "),
}
_ADDRESS, _WITHIN = re.compile(r"(?:https?://|\bwww\.)[^\s<>`]+"), re.compile(r"(?<!_)_++(?=[^\W_])")
_DUNDER = re.compile(
    r"(?<!\w)__(?=(?:all|builtins|call|class|del|dict|doc|enter|eq|exit|file|future|getattr|getitem|hash|import|init|iter|len|"
    r"main|name|new|next|path|post_init|repr|setattr|setitem|slots|str|typename|version)__(?!\w))"
)
_TIMES = re.compile(
    r"(?<=\d)\*(?=[\d(])|(?<=\b[A-Za-z])\*(?=[A-Za-z0-9]\b)|(?<=\d)\*(?=[A-Za-z]\b)"
    r"|(?<![\w*.])(?P<base>[\d.]+|[A-Za-z])\*\*(?=[\d(]|[A-Za-z]\b)"
)
_ORIGINALS = str.maketrans({BREAK: "", LESS: "<", PIPE: "|", STAR: "*", LOW: "_"})
_TOKEN = re.compile(f"{TOKEN}(\\d+){TOKEN_END}")
_BAR, _ROW = re.compile(rb"(?<!\\)\|"), re.compile(rb"[^\n]+")


@dataclass(frozen=True, slots=True)
class Callout:
    """The title of a quotation that begins with `[!NOTE]` or the like. `raw`: its source."""

    raw: str
    word: str

    @property
    def text(self) -> str:
        return _ICONS.get(self.word.lower(), "") + self.word


@dataclass(slots=True)
class Source:
    """The prepared text, the formulas and titles for its tokens, and the link definitions by label."""

    text: str
    tokens: list[Formula | Callout] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)

    def restored(self, text: str) -> str:
        """Return the original of a part of the prepared text."""
        if text.isascii():
            return text
        text = _TOKEN.sub(lambda token: self.tokens[int(token[1])].raw, text)
        return text.translate(_ORIGINALS)


def prepared(markdown: str) -> Source:
    """Prepare a cleaned text. The time grows linearly with its length."""
    source = Source(markdown)
    if "]:" in markdown:
        found = pyromark.reference_definitions(markdown)
        source.links = {label_of(label): link["dest"] for label, link in found.items() if not label.startswith("^")}
        source.text = source.text.replace("]:", f"]{BREAK}:")
    if any(mark in markdown for mark in ("$", "\\(", "\\[", "\\begin{", "[!")):
        source.text = _with_tokens(source)
    if "*" in markdown:
        source.text = _TIMES.sub(_times, source.text)
    if "_" in markdown:
        source.text = _DUNDER.sub(LOW * 2, _ADDRESS.sub(_plain_address, source.text))
    if "<" in markdown:
        source.text = _LESS.sub(lambda found: LESS if found[0] == "<" else found[0], source.text)
    if not markdown.isascii() and ("*" in markdown or "~" in markdown):
        source.text = _RUN.sub(_beside_cjk, source.text)
    if "|" in markdown:
        source.text = _with_all_cells(source.text)
    return source


def label_of(text: str) -> str:
    """Return a link label in the form in which the parser compares labels."""
    return " ".join(text.casefold().split())


def _times(found: re.Match[str]) -> str:
    """Replace the asterisks of a product or a power, so that they don't style text."""
    return STAR if found["base"] is None else found["base"] + 2 * STAR


def _plain_address(address: re.Match[str]) -> str:
    """Replace the underscores within an address, so that they don't style text, except the last ones."""
    return _WITHIN.sub(lambda run: LOW * len(run[0]), address[0])


def _beside_cjk(run: re.Match[str]) -> str:
    """Separate asterisks between a CJK character and punctuation, so that they can begin or end a style."""
    before, after = run.string[run.start() - 1 : run.start()], run.string[run.end() : run.end() + 1]
    if not before.strip() or not after.strip() or before.isalnum() == after.isalnum():
        return run[0]
    opens = before.isalnum()
    if len(run[0]) == 1:
        applies = _IS_FULL.match(after if opens else before)
    else:
        applies = _IS_CJK.match(before) or _IS_CJK.match(after)
    if not applies:
        return run[0]
    return run[0] + BREAK if opens else BREAK + run[0]


def _with_tokens(source: Source) -> str:
    """Replace formulas and titles of quotations by tokens."""
    text, out, position = source.text, list[str](), 0
    found: Iterable[tuple[int, int, Formula | Callout]] = chain(formulas.find(text), _callouts(text))
    for start, end, token in sorted(found, key=lambda each: each[0]):
        if start >= position:
            out += [text[position:start], f"{TOKEN}{len(source.tokens)}{TOKEN_END}"]
            source.tokens.append(token)
            position = end
    return "".join([*out, text[position:]])


def _callouts(text: str) -> Iterator[tuple[int, int, Callout]]:
    for found in _CALLOUT.finditer(text):
        start = found.end("before")
        yield start, found.end(), Callout(text[start : found.end()], found["word"])


def _with_all_cells(text: str) -> str:
    """Keep cells beyond the last column as text in the last column."""
    data = text.encode()
    out, position = list[bytes](), 0
    events: Any = pyromark.events_with_range(text, options=OPTIONS)
    for event, where in events:
        began = event.get("Start") if isinstance(event, dict) else None
        if isinstance(began, dict) and "Table" in began:
            for bar in _bars_beyond(data, where["start"], where["end"], len(began["Table"])):
                out += [data[position:bar], PIPE.encode()]
                position = bar + 1
    return b"".join([*out, data[position:]]).decode() if out else text


def _bars_beyond(data: bytes, start: int, end: int, columns: int) -> Iterator[int]:
    for row in _ROW.finditer(data, start, end):
        bars = [bar.start() for bar in _BAR.finditer(data, row.start(), row.end())]
        leading = bool(bars) and not data[row.start() : bars[0]].strip(b" \t>")
        beyond = bars[columns - 1 + leading :]
        if beyond and not data[beyond[-1] + 1 : row.end()].strip():
            beyond.pop()
        yield from beyond
