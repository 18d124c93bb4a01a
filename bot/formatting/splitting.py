"""A styled text split into messages: between blocks, lines, sentences or words, never within a grapheme cluster."""

import re
from bisect import bisect_left
from collections.abc import Iterator

from bot.formatting.characters import fitting, is_boundary, is_visible, last_boundary
from bot.formatting.styled import SOLID, StyledSpan, StyledText

MOST_ENTITIES = 100
_QUOTES = "\"'”\u2019»)\\]*]*"
_SENTENCE = re.compile(rf"[.!?…؟\u06d4\u0964:;]+[{_QUOTES}(?=\s)|[。…\uff01\uff1f\uff1b]+[”\u2019」』】\uff09]*")
_SPACE, _LINE, _PARAGRAPH = re.compile(r"\s+"), re.compile(r"\n+"), re.compile(r"\n[ \t]*\n\s*")


def split(styled: StyledText, limit: int) -> list[StyledText]:
    """Return the messages, each within `limit` UTF-16 units and MOST_ENTITIES entities. Empty messages are left out."""
    return list(_Splitter(styled, limit).parts())


class _Splitter:
    def __init__(self, styled: StyledText, limit: int) -> None:
        self._text, self._spans, self._glued, self._limit = styled.text, styled.spans, styled.glued, limit
        self._first = 0  # first span that may extend beyond the previous part
        self._solid = [(span.start, span.end) for span in styled.spans if span.kind in SOLID]
        self._solid_starts = [start for start, _ in self._solid]

    def parts(self) -> Iterator[StyledText]:
        start, size = self._start_of_line(0), len(self._text)
        while start < size:
            end = self._end(start)
            if (part := self._part(start, end)) is not None:
                yield part
            start = self._start_of_line(end)

    def _start_of_line(self, at: int) -> int:
        """Return the position after blank lines, and after whitespace outside code."""
        while at < len(self._text) and (self._text[at] == "\n" or self._is_blank(at)):
            at += 1
        return at

    def _is_blank(self, at: int) -> bool:
        return self._text[at] in " \t" and not self._is_solid(at + 1)

    def _end(self, start: int) -> int:
        end = min(fitting(self._text, start, self._limit), self._entities_end(start))
        if end >= len(self._text):
            return len(self._text)
        return next(self._breaks(start, end), None) or max(start + 1, last_boundary(self._text, start, end))

    def _breaks(self, start: int, end: int) -> Iterator[int]:
        """Yield possible ends of a message, the best first."""
        half, quarter = start + (end - start) // 2, start + (end - start) // 4
        found = [at for at in self._matches(_PARAGRAPH, half, end) if at not in self._glued]
        yield from reversed([at for at in found if not self._is_solid(at)])
        yield from reversed([at for at in self._matches(_LINE, quarter, end) if at not in self._glued])
        yield from reversed([*self._matches(_SENTENCE, quarter, end)])
        yield from reversed([*self._matches(_SPACE, quarter, end)])
        yield from (at for at in range(end, half, -1) if self._is_between_words(at))

    def _matches(self, pattern: re.Pattern[str], start: int, end: int) -> Iterator[int]:
        """Yield the ends of the matches. A match that begins before `end` may extend beyond it, by whitespace only."""
        for found in pattern.finditer(self._text, start, min(len(self._text), end + 1)):
            if found.start() <= end and is_boundary(self._text, found.end()):
                yield min(found.end(), end) if pattern is not _SENTENCE else found.end()

    def _is_between_words(self, at: int) -> bool:
        before, after = self._text[at - 1], self._text[at]
        joined = _is_of_word(before) and _is_of_word(after)
        return not joined and is_boundary(self._text, at)

    def _is_solid(self, at: int) -> bool:
        """Return whether a position is inside code, after its first character."""
        number = bisect_left(self._solid_starts, at) - 1
        return number >= 0 and at < self._solid[number][1]

    def _entities_end(self, start: int) -> int:
        """Return the start of the entity that would exceed the limit."""
        while self._first < len(self._spans) and self._spans[self._first].end <= start:
            self._first += 1
        count = 0
        for span in self._spans[self._first :]:
            count += span.end > start
            if count > MOST_ENTITIES:
                return max(span.start, start + 1)
        return len(self._text)

    def _part(self, start: int, end: int) -> StyledText | None:
        text = self._text[start:end].rstrip()
        if not any(map(is_visible, text)):
            return None
        return StyledText(text, tuple(self._spans_within(start, start + len(text))))

    def _spans_within(self, start: int, end: int) -> Iterator[StyledSpan]:
        for span in self._spans[self._first :]:
            if span.start >= end:
                return
            if span.end > start:
                yield span.within(start, end)


def _is_of_word(char: str) -> bool:
    """Return whether a character is part of a word. False for scripts that are written without spaces."""
    return char.isalnum() and not "\u3040" <= char <= "\u9fff"
