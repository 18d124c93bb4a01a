"""The visible text of an answer that still grows: finished blocks are converted once, and nothing changes once shown.

The last block is converted as if its open styles, code and links ended here, so that no visible mark disappears later.
Where the conversion changes all the same, the reader keeps the text that was shown, and the rest is added to it.
"""

import re

from bot.formatting.blocks import styled
from bot.formatting.characters import clean, cut, is_prose, units
from bot.formatting.growing.appending import append
from bot.formatting.growing.mending import mended
from bot.formatting.parsing import parse
from bot.formatting.source import prepared

MOST_UNITS = 4096
MOST_TAIL = 8_000
"""The longest part of the last block that is read: more text would not fit into the frame."""
_BLANK = re.compile(r"\n[ \t>]*\n")
_BLANK_LINE = re.compile(rb"\n[ \t>]*\n[ \t]*\Z")
_BETWEEN = "\n\n"


class GrowingText:
    """Converts the beginning of a text that grows from call to call."""

    def __init__(self) -> None:
        self._source = ""
        self._begin()

    def _begin(self) -> None:
        self._finished = self._shown = ""
        self._from = self._same_shown = self._same_text = 0

    def frame(self, text: str, limit: int = MOST_UNITS) -> str:
        """Return the visible beginning of the text, within `limit` UTF-16 units and without whitespace at its end."""
        if not text.startswith(self._source):
            self._begin()
        self._source = text
        if units(self._finished) < MOST_UNITS:
            before = len(self._finished)
            last = self._last_block(clean(text[self._from :])).rstrip()
            self._add(self._finished + last, ends_block=len(self._finished) > before)
        return cut(self._shown, limit).rstrip()

    def _add(self, text: str, *, ends_block: bool) -> None:
        """Add the text after the part that was shown. Finished blocks are not compared again."""
        added = append(self._shown[self._same_shown :], text[self._same_text :])
        found, same = added.text, None if added.differs_at is None else self._same_text + added.differs_at
        if ends_block:
            following = text[len(self._finished) :]
            if not found.endswith(following):  # the blocks differ: only the text after them is added
                found = f"{found.rstrip()}{_BETWEEN}{following}"
            same = len(self._finished)
        self._shown = self._shown[: self._same_shown] + found
        if same is not None:
            self._same_text, self._same_shown = same, len(self._shown) - (len(text) - same)

    def _last_block(self, tail: str) -> str:
        """Return the visible text of the last block, after moving the blocks before it to the finished text."""
        prose = tail.rstrip()
        if len(tail) <= MOST_TAIL and not prose.endswith("!") and is_prose(prose):  # a "!" may begin a picture
            before, between, last = prose.rpartition(_BETWEEN)
            self._finished += before + between
            self._from += len(before + between)
            return last
        # Only a blank line surely ends a block: a line below a table may become its next row.
        before = _finished_blocks(tail[:MOST_TAIL]) if _BLANK.search(tail) else ""
        if before:
            visible = _visible(before)  # nothing if it consists of HTML tags
            self._finished += visible + _BETWEEN if visible else ""
            self._from += len(before)
            tail = tail[len(before) :]
        return _visible(mended(tail[:MOST_TAIL]))


def _finished_blocks(tail: str) -> str:
    """Return the blocks that end before a blank line, if another block begins after it."""
    source = prepared(tail)
    data = source.text.encode()
    starts = [at for at in _starts_of_blocks(parse(source)) if _BLANK_LINE.search(data, max(0, at - 80), at)]
    return source.restored(data[: starts[-1]].decode()) if starts else ""


def _starts_of_blocks(events: list[tuple[object, int]]) -> list[int]:
    """Return the positions, in bytes, at which the outermost blocks begin."""
    found, depth = list[int](), 0
    for event, at in events:
        if isinstance(event, dict):
            if not depth and "Start" in event:
                found.append(at)
            depth += ("Start" in event) - ("End" in event)
        elif not depth and event == "Rule":
            found.append(at)
    return found


def _visible(markdown: str) -> str:
    return styled(parse(prepared(markdown)), is_draft=True).text
