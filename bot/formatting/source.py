"""Markdown made safe for the parser, so that none of its text is lost, and the way back to the original.

The parser drops HTML, link reference definitions and cells beyond the last column. Noncharacters of Unicode, which no
text contains, prevent that: LESS stands for `<`, PIPE for `|`, STAR and LOW for `*` and `_` without a style, SPACE for
a space within the target of a link, TOKEN number TOKEN_END for a formula. BREAK stands for nothing: it separates
characters that together would be markup.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pyromark
from pyromark import Options

from bot.formatting import formulas
from bot.formatting.characters import BREAK, LESS, LOW, PIPE, SPACE, STAR, TOKEN, TOKEN_END
from bot.formatting.formulas import Formula

OPTIONS = Options.ENABLE_TABLES | Options.ENABLE_STRIKETHROUGH | Options.ENABLE_TASKLISTS
_CJK = "\u3000-\u303f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_FULL = "\u3000-\u303f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65\u2010-\u2027"
_HEAD_ROWS = 2
_IS_CJK, _IS_FULL, _RUN = re.compile(f"[{_CJK}]"), re.compile(f"[{_FULL}]"), re.compile(r"\*+|~~")
_LESS = re.compile(
    r"\\.|<(?!(?:https?|mailto|tg|tel|ftp):[^\s<>]*>|[^\s<>@]+@[^\s<>]+>|(?<=\]\(<)https?://[^\n<>]*>\))", re.DOTALL
)
_PATH = r"(?:[^\s()<>\[\]\"'`]|\([^\s()]*\))++"
_TARGET = re.compile(
    rf"(?<=\]\()(?:https?://|[\w.~-]*/)(?P<spaced>{_PATH}(?: {_PATH})++)(?=\))"
    r"|(?<=\[)(?P<own>[^\[\]()\n]{1,200})\]\((?P=own)(?=\))"
)
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
    r"main|name|new|next|path|post_init|pycache|repr|setattr|setitem|slots|str|typename|version)__(?!\w))"
    r"|(?<=\w[./\\])__(?=[a-z]\w*?__(?!\w))|(?<![\w*])__(?=[a-z]\w*?__[(/\\])"
)
_GLOB = re.compile(
    r"(?<![\w*])\*\*(?=/(?:\*|[\w-]+\.\w))|(?<=/)\*\*(?=/)|(?<=[/\\])\*(?=\.\w)|(?<=[\w/])_(?=\*\.\w)|(?<=\w_)\*(?=\.\w)"
)
_BLANK = re.compile(r"(?P<rule>^[ \t>]*(?:_[ \t]*){3,}+$)|(?<![\w_*])_{3,}+(?![\w*\"'(\[])", re.MULTILINE)
_HIDDEN_LETTERS = re.compile(r"(?<![\w*])[A-Za-z]++\*{3,}+[A-Za-z]++(?![\w*])")
_PAIR = re.compile(r"(?<!\*)\*\*(?![\s*])([^*\n]+)(?<!\s)\*\*(?!\*)")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^\n]+?(?<!`)\1(?!`)")
_LINE_WITH_CELLS = re.compile(r"^[^|\n]*+\|[^\n]*$", re.MULTILINE)
MOST_LINE = 2_000
"""The longest row of a table in which bars within code are searched."""
_TIMES = re.compile(
    r"(?<=\d)\*(?=[\d(])|(?<=\b[A-Za-z])\*(?=[A-Za-z0-9]\b)|(?<=\d)\*(?=[A-Za-z]\b)"
    r"|(?<![\w*.])(?P<base>[\d.]+|[A-Za-z])\*\*(?=[\d(]|[A-Za-z]\b)"
)
_ORIGINALS = str.maketrans({BREAK: "", LESS: "<", PIPE: "|", STAR: "*", LOW: "_", SPACE: " "})
_TOKEN = re.compile(f"{TOKEN}(\\d+){TOKEN_END}")
_BAR_IN_CODE = re.compile(r"(?<!\\)\|")
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
        return text.replace(f"{BREAK}\n", "").translate(_ORIGINALS)


def prepared(markdown: str) -> Source:
    """Prepare a cleaned text. The time grows linearly with its length."""
    source = Source(markdown)
    if "]:" in markdown:
        found = pyromark.reference_definitions(markdown)
        source.links = {label_of(label): link["dest"] for label, link in found.items() if not label.startswith("^")}
        source.text = source.text.replace("]:", f"]{BREAK}:")
    if any(mark in markdown for mark in ("$", "\\(", "\\[", "\\begin{", "[!")):
        source.text = _with_tokens(source)
    if "](" in markdown:
        source.text = _TARGET.sub(_whole_target, source.text)
    if "*" in markdown:
        source.text = _PAIR.sub(_pair, _HIDDEN_LETTERS.sub(_literal, _GLOB.sub(_literal, times_replaced(source.text))))
    if "_" in markdown:
        source.text = _BLANK.sub(_blank, _DUNDER.sub(LOW * 2, _ADDRESS.sub(_plain_address, source.text)))
    if "<" in markdown:
        source.text = _LESS.sub(lambda found: LESS if found[0] == "<" else found[0], source.text)
    if not markdown.isascii() and ("*" in markdown or "~" in markdown):
        source.text = _RUN.sub(_beside_cjk, source.text)
    if "|" in markdown:
        source.text = _with_all_cells(_LINE_WITH_CELLS.sub(_bars_of_code, source.text))
    return source


def _whole_target(found: re.Match[str]) -> str:
    """Keep a target with spaces together, and mark one that repeats the text of its link by a BREAK."""
    if found["own"] is None:
        return found[0].replace(" ", SPACE)
    return f"{found['own']}]({BREAK}{found['own'].replace(' ', SPACE)}"


def label_of(text: str) -> str:
    """Return a link label in the form in which the parser compares labels."""
    return " ".join(text.casefold().split())


def times_replaced(text: str) -> str:
    """Replace the asterisks of products and powers by as many marks without a style."""
    return _TIMES.sub(_times, text)


def _times(found: re.Match[str]) -> str:
    """Replace the asterisks of a product or a power, so that they don't style text."""
    return STAR if found["base"] is None else found["base"] + 2 * STAR


def _literal(found: re.Match[str]) -> str:
    return found[0].replace("*", STAR).replace("_", LOW)


def _blank(found: re.Match[str]) -> str:
    """Keep underscores to be filled in, as in a form, except a line that consists of them, which separates blocks."""
    return found[0] if found["rule"] else _literal(found)


def _pair(found: re.Match[str]) -> str:
    """Let a bold text begin or end between a letter and punctuation, as in `**Note:**text`."""
    text, before, after = found[1], found.string[found.start() - 1 : found.start()], found.string[found.end() :][:1]
    first = BREAK if before.isalnum() and not text[0].isalnum() else ""
    last = BREAK if after.isalnum() and not text[-1].isalnum() else ""
    return f"**{first}{text}{last}**"


def _bars_of_code(line: re.Match[str]) -> str:
    """Replace the bars within code in a line, so that they don't end the cell of a table."""
    if "`" not in line[0] or len(line[0]) > MOST_LINE:
        return line[0]
    return _CODE_SPAN.sub(lambda code: _BAR_IN_CODE.sub(PIPE, code[0]), line[0])


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
    """Keep cells beyond the last column as text in the last column, and end a table before a line without cells."""
    data = text.encode()
    out, position = list[bytes](), 0
    events: Any = pyromark.events_with_range(text, options=OPTIONS)
    for event, where in events:
        began = event.get("Start") if isinstance(event, dict) else None
        if isinstance(began, dict) and "Table" in began:
            for bar in _bars_beyond(data, where["start"], where["end"], len(began["Table"])):
                out += [data[position:bar], PIPE.encode()]
                position = bar + 1
            if len(began["Table"]) > 1 and (after := _after_rows(data, where["start"], where["end"])):
                out += [data[position : after - 1], f"{BREAK}\n\n".encode()]
                position = after
    return b"".join([*out, data[position:]]).decode() if out else text


def _after_rows(data: bytes, start: int, end: int) -> int:
    """Return the start of the text directly below a table, which the parser takes for further rows; 0 if none."""
    rows = list(_ROW.finditer(data, start, end))
    below = next((number for number in range(len(rows), 0, -1) if _BAR.search(rows[number - 1][0])), len(rows))
    if below >= len(rows) or below <= _HEAD_ROWS or not rows[0][0].startswith(b"|"):
        return 0
    if b">" in data[data.rfind(b"\n", 0, start) + 1 : start]:
        return 0
    return rows[below].start()


def _bars_beyond(data: bytes, start: int, end: int, columns: int) -> Iterator[int]:
    for row in _ROW.finditer(data, start, end):
        bars = [bar.start() for bar in _BAR.finditer(data, row.start(), row.end())]
        leading = bool(bars) and not data[row.start() : bars[0]].strip(b" \t>")
        beyond = bars[columns - 1 + leading :]
        if beyond and not data[beyond[-1] + 1 : row.end()].strip():
            beyond.pop()
        yield from beyond
