"""Text with styles, written piece by piece. Positions are code points until it is sent."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

SOLID = frozenset({"pre", "code"})
"""Entities in which Telegram nests nothing."""
QUOTE = "blockquote"


@dataclass(frozen=True, slots=True)
class StyledSpan:
    """An entity from `start` to `end`, in code points."""

    kind: str
    start: int
    end: int
    url: str | None = None
    language: str | None = None

    def within(self, start: int, end: int) -> "StyledSpan":
        """Return the part between two positions, with positions counted from the first."""
        return replace(self, start=max(self.start, start) - start, end=min(self.end, end) - start)


@dataclass(frozen=True, slots=True)
class StyledText:
    """A text, its entities ordered by start, and the positions after headings, where a message should not end."""

    text: str = ""
    spans: tuple[StyledSpan, ...] = ()
    glued: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Gap:
    """A gap of `lines` line breaks at least; the next text is indented. `glued`: no message may end there."""

    lines: int
    indent: str
    glued: bool


@dataclass(slots=True)
class StyledWriter:
    """Collects pieces of text, gaps between them, and styles over ranges of pieces."""

    pieces: list[str | _Gap] = field(default_factory=list)
    _styles: list[tuple[str, int, int, str | None, str | None]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.pieces)

    def write(self, text: str) -> int:
        """Add a piece and return its number."""
        self.pieces.append(text)
        return len(self.pieces) - 1

    def gap(self, lines: int, indent: str = "", *, glued: bool = False) -> None:
        self.pieces.append(_Gap(lines, indent, glued))

    def end_line(self) -> None:
        """Remove the spaces at the end of the text."""
        if self.pieces and isinstance(last := self.pieces[-1], str):
            self.pieces[-1] = last.rstrip(" ")

    def style(self, kind: str, start: int, *, url: str | None = None, language: str | None = None) -> None:
        """Style the pieces from number `start` to the last one."""
        self._styles.append((kind, start, len(self.pieces), url, language))

    def text_from(self, start: int) -> str:
        return "".join(piece for piece in self.pieces[start:] if isinstance(piece, str))

    def append(self, other: StyledText) -> None:
        """Add a finished text with its styles."""
        edges = sorted({0, len(other.text), *(edge for span in other.spans for edge in (span.start, span.end))})
        first = len(self.pieces)
        self.pieces += [other.text[start:end] for start, end in pairwise(edges)]
        for span in other.spans:
            start, end = first + edges.index(span.start), first + edges.index(span.end)
            self._styles.append((span.kind, start, end, span.url, span.language))

    def finished(self) -> StyledText:
        text, begins, ends, glued = self._laid_out()
        spans = (
            StyledSpan(kind, begins[start], ends[end], url, language)
            for kind, start, end, url, language in self._styles
            if begins[start] < ends[end]
        )
        return StyledText(text, tuple(_flat(spans)), frozenset(glued))

    def _laid_out(self) -> tuple[str, list[int], list[int], set[int]]:
        """Return the whole text, and for each piece its start and the end of the text before it."""
        out, glued = list[str](), set[int]()
        size = trailing = 0
        begins, ends = [-1] * (len(self.pieces) + 1), [0] * (len(self.pieces) + 1)
        gap: _Gap | None = None
        for number, piece in enumerate(self.pieces):
            if isinstance(piece, _Gap):
                gap = piece if gap is None else _Gap(max(gap.lines, piece.lines), piece.indent, gap.glued)
            elif piece:
                if gap is not None and size:
                    blank = "\n" * max(0, gap.lines - trailing) + gap.indent
                    if gap.glued:
                        glued.add(size + len(blank) - len(gap.indent))
                    out.append(blank)
                    size += len(blank)
                gap, begins[number] = None, size
                out.append(piece)
                size += len(piece)
                bare = len(piece.rstrip("\n"))
                trailing = len(piece) - bare if bare else trailing + len(piece)
            ends[number + 1] = size
        begins[-1] = size
        for number in range(len(self.pieces) - 1, -1, -1):
            begins[number] = begins[number + 1] if begins[number] < 0 else begins[number]
        return "".join(out), begins, ends, glued


def _order(span: StyledSpan) -> tuple[int, int, bool]:
    """Return the sort key: by start, the outer ones first; code last, because nothing can be nested in it."""
    return span.start, -span.end, span.kind in SOLID


def _flat(spans: Iterator[StyledSpan]) -> list[StyledSpan]:
    """Sort the spans, remove styles inside code, and leave out quotations within quotations and repeated styles."""
    found = sorted(spans, key=_order)
    solid = [span for span in found if span.kind in SOLID]
    starts, kept, quoted_until = [span.start for span in solid], list[StyledSpan](), 0
    styled_until: Counter[str] = Counter()
    for span in found:
        if span.kind == QUOTE:
            if span.start >= quoted_until:
                quoted_until = span.end
                kept.append(span)
        elif span.kind in SOLID or span.kind == "text_link":
            kept.append(span)
        elif span.end > styled_until[span.kind]:
            once = replace(span, start=max(span.start, styled_until[span.kind]))
            styled_until[span.kind] = span.end
            kept += _around(once, solid, starts)
    return sorted(kept, key=_order)


def _around(span: StyledSpan, solid: list[StyledSpan], starts: list[int]) -> Iterator[StyledSpan]:
    """Return the parts of a style that are outside code."""
    position = span.start
    number = max(0, bisect_right(starts, span.start) - 1)
    while number < len(solid) and solid[number].start < span.end:
        code, number = solid[number], number + 1
        if code.end <= position:
            continue
        if code.start > position:
            yield replace(span, start=position, end=code.start)
        position = code.end
    if position < span.end:
        yield replace(span, start=position)
