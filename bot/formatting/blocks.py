"""The parser's events written as text with styles: separate blocks, indented lists, aligned tables."""

import re
from collections import Counter
from typing import Any

from bot.formatting.formulas import Formula
from bot.formatting.html.tags import TITLES
from bot.formatting.parsing import BULLET, Parsed
from bot.formatting.styled import QUOTE, StyledText, StyledWriter
from bot.formatting.tables import write_rows, write_table

RULE, IMAGE, DONE, TO_DO = "———", "🖼 ", "☑ ", "☐ "
MOST_INDENTED = 8
_STYLES = (
    dict.fromkeys(("Strong", "b", "strong", *TITLES), "bold")
    | dict.fromkeys(("Emphasis", "i", "em"), "italic")
    | dict.fromkeys(("Strikethrough", "s", "del", "strike"), "strikethrough")
    | dict.fromkeys(("u", "ins"), "underline")
    | dict.fromkeys(("code", "kbd"), "code")
    | {"tg-spoiler": "spoiler"}
)
_RAISED = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_LOWERED = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_MOVED = {"sup": (_RAISED, "^"), "sub": (_LOWERED, "_")}
_LANGUAGE, _SEEN = re.compile(r"[\w+#.-]+"), re.compile(r"\S")
BREAK_IN_CELL = " / "
HIDDEN = "▒"


def hidden(text: str) -> str:
    """Return the text of a spoiler as a draft shows it, because drafts have no styles."""
    return _SEEN.sub(HIDDEN, text)


def styled(events: list[Parsed], *, is_draft: bool = False) -> StyledText:
    """Return the text of the events with its styles.

    `is_draft`: for a reader who sees no styles, and sees it grow: spoilers are hidden, and rows of tables not aligned.
    """
    writer = _BlockWriter(is_draft=is_draft)
    for event, _ in events:
        writer.read(event)
    return writer.out.finished()


class _BlockWriter:
    """Writes events one by one. `out`: the text, or the table cell that is open."""

    def __init__(self, *, is_draft: bool) -> None:
        self._is_draft = is_draft
        self.out = StyledWriter()
        self._page = self.out
        self._lists = self._quotes = 0
        self._unquoted = 0  # the lists around the outermost quotation, which has its own bar at the margin
        self._is_new_item = False
        self._marker = -1
        self._begun: list[int] = []  # start of each open element
        self._depths: Counter[str] = Counter()
        self._links: list[str] = []
        self._info: str | None = None
        self._rows: list[list[StyledText]] = []
        self._begins_line = False
        self._aligned: list[str] = []

    def read(self, event: Any) -> None:
        if isinstance(event, str):
            self._mark(event)
            return
        kind, value = next(iter(event.items()))
        name, more = next(iter(value.items())) if isinstance(value, dict) else (value, None)
        if kind == "Start":
            self._begun.append(len(self.out))
            self._start(name, more)
        elif kind == "End":
            self._end(name, more, self._begun.pop())
        else:
            self._text(kind, value)

    # --- text ---------------------------------------------------------------------------------------

    def _text(self, kind: str, value: Any) -> None:
        if kind == "Text":
            self._write(value.lstrip(" ") if self._begins_line else value)
            self._begins_line = False
        elif kind == "Code":
            self._solid(value)
        elif kind == "Formula":
            self._formula(value)
        elif kind == "TaskListMarker":
            if self._is_new_item and self.out.pieces[self._marker] == f"{BULLET} ":
                self.out.pieces[self._marker] = ""
            self._write(DONE if value else TO_DO)
        else:
            self._write(str(value))

    def _mark(self, name: str) -> None:
        if name == "Rule":
            self._block()
            self._write(RULE)
            self._block()
        elif name == "BlockBreak":
            self._block()
        elif self.out is not self._page:
            self._write(BREAK_IN_CELL if name == "HardBreak" else " ")
        else:
            self.out.gap(1, self._indent())

    def _write(self, text: str) -> None:
        self._is_new_item = False
        self.out.write(text)

    def _solid(self, text: str) -> None:
        start = len(self.out)
        self._write(text)
        if not self._links:
            self.out.style("code", start)

    def _formula(self, formula: Formula) -> None:
        on_own_lines = formula.is_display and self.out is self._page
        if on_own_lines:
            self.out.end_line()
            self.out.gap(1, self._indent())
        if text := formula.text:
            self._solid(" ".join(text.split()) if self.out is not self._page else text)
        if on_own_lines:
            self.out.gap(1, self._indent())
            self._begins_line = True

    # --- blocks -------------------------------------------------------------------------------------

    def _indent(self) -> str:
        return "  " * min(self._lists - self._unquoted, MOST_INDENTED)

    def _block(self, *, glued: bool = False) -> None:
        """Begin a line for a block, unless it is the first block of a list's item."""
        if not self._is_new_item:
            self.out.gap(1 if self._lists else 2, self._indent(), glued=glued)

    def _start(self, name: str, more: Any) -> None:
        if name == "Item":
            self._item(more)
        elif name == "List":
            self._block()
            self._lists += 1
        elif name == "CodeBlock":
            self._info = more
            self.out.gap(1 if self._lists else 2)
        elif name == "BlockQuote":
            self.out.gap(1 if self._lists or self._quotes else 2)
            if not self._quotes:
                self._unquoted = self._lists
            self._quotes += 1
        elif name == "Table":
            self._aligned, self._rows = [str(each) for each in more], []
        elif name in {"TableHead", "TableRow"}:
            self._rows.append([])
        elif name == "TableCell":
            self.out = StyledWriter()
            self._begun[-1] = 0
        else:
            self._start_inline(name, more)

    def _start_inline(self, name: str, more: Any) -> None:
        if name in {"Link", "Image"}:
            self._links.append(more)
            if name == "Image":
                self._write(IMAGE)
        elif style := self._style(name, more):
            self._depths[style] += 1
        elif name == "Tag":
            self.out.write("")  # placeholder for the sign of a raised or lowered text
        else:
            self._block()

    def _item(self, marker: str) -> None:
        if not self._is_new_item:
            self.out.gap(1, "  " * min(self._lists - self._unquoted - 1, MOST_INDENTED))
        self._marker = self.out.write(f"{marker} ")
        self._is_new_item = True

    def _end(self, name: str, more: Any, start: int) -> None:
        if name == "Item":
            self._is_new_item = False
        elif name == "List":
            self._lists -= 1
            self._block()
        elif name == "CodeBlock":
            self._end_code(start)
        elif name == "BlockQuote":
            self._quotes -= 1
            if not self._quotes:
                self._unquoted = 0
                self.out.style(QUOTE, start)
            self._block()
        elif name == "Table":
            self._end_table()
        elif name == "TableCell":
            self._rows[-1].append(self.out.finished())
            self.out = self._page
        elif name not in {"TableHead", "TableRow"}:
            self._end_inline(name, more, start)

    def _end_inline(self, name: str, more: Any, start: int) -> None:
        if name in {"Link", "Image"}:
            url = self._links.pop()
            if url and not any(self._links):
                self.out.style("text_link", start, url=url)
        elif style := self._style(name, more):
            self._depths[style] -= 1
            if style == "spoiler" and self._is_draft:
                self.out.pieces[start:] = [
                    hidden(each) if isinstance(each, str) else each for each in self.out.pieces[start:]
                ]
            elif not self._depths[style]:
                self.out.style(style, start)
        elif name == "Tag":
            self._move(more, start)
        elif name == "Heading":
            self.out.style("bold", start)
            self._block(glued=True)
        else:
            self._block()

    def _style(self, name: str, more: Any) -> str | None:
        return _STYLES.get(more if name == "Tag" else name)

    def _move(self, tag: str, start: int) -> None:
        """Raise or lower the text of `<sup>` or `<sub>`: digits by special characters, other texts by a sign."""
        if tag not in _MOVED:
            return
        table, sign = _MOVED[tag]
        text = self.out.text_from(start)
        if all(ord(char) in table for char in text):
            self.out.pieces[start:] = [text.translate(table)]
        else:
            self.out.pieces[start] = sign if len(text) == 1 else f"{sign}("
            self.out.write("" if len(text) == 1 else ")")

    def _end_code(self, start: int) -> None:
        """Style the code.

        The first word of the info string is the language; further words become a line above the code.
        """
        info, self._info = (self._info or "").strip(), None
        found = _LANGUAGE.match(info)
        code = self.out.text_from(start).strip("\n")
        rest = info[found.end() :].strip() if found else info
        if not code.strip():
            code, rest = info, ""
        del self.out.pieces[start:]
        self.out.gap(1 if self._lists else 2)
        if rest:
            self.out.write(rest)
            self.out.gap(1, glued=True)
        begin = self.out.write(code)
        self.out.style("pre", begin, language=found[0] if found and code != info else None)
        self._is_new_item = False
        self._block()

    def _end_table(self) -> None:
        self._is_new_item = False
        self.out.gap(1 if self._lists else 2)
        if self._is_draft:
            write_rows(self.out, self._rows)
        else:
            write_table(self.out, self._rows, self._aligned)
        self._block()
