"""The visible text of an answer that still grows: finished blocks are converted once, and never change again.

The last block is converted as if its open styles, code and links ended here, so that no visible mark disappears later.
"""

import re

from bot.formatting.blocks import styled
from bot.formatting.characters import clean, cut, units
from bot.formatting.parsing import parse
from bot.formatting.source import prepared

MOST_UNITS = 4096
MOST_TAIL = 8_000
"""The longest part of the last block that is read: more text would not fit into the frame."""
_CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"!?\[(?P<text>[^\[\]\n]{0,300})(?:\](?:\([^()\s]*|\[[^\[\]\n]*)?)?\Z")
_TICKS = re.compile("`+")
_CITED = re.compile(r"[\d^\s,]{0,9}")
_HALF = re.compile(r"(?:[*_~`\\!$]+|&#?\w*|</?\w*|^[ \t>]*(?:#{1,6}|[-+*]|\d{1,9}[.)]?|\|.*|[-=:| ]+))\Z", re.MULTILINE)
_BLANK = re.compile(r"\n[ \t>]*\n")
_BLANK_LINE = re.compile(rb"\n[ \t>]*\n[ \t]*\Z")
_DELIMITERS = re.compile(r"\n[ \t]*\|?[ \t]*:?-+[ \t:|-]*\n")
_STYLES = ("**", "__", "~~")
_SINGLE = re.compile(r"(?<![*_\w\\])([*_])(?![\s*_])(?!.*\1)", re.DOTALL)


class GrowingText:
    """Converts the beginning of a text that grows from call to call."""

    def __init__(self) -> None:
        self._source = self._finished = ""
        self._from = 0

    def frame(self, text: str, limit: int = MOST_UNITS) -> str:
        """Return the visible beginning of the text, within `limit` UTF-16 units and without whitespace at its end."""
        if not text.startswith(self._source):
            self._finished, self._from = "", 0
        self._source = text
        if units(self._finished) < limit:
            last = self._last_block(clean(text[self._from :]))
            return cut(self._finished + last, limit).rstrip()
        return cut(self._finished, limit).rstrip()

    def _last_block(self, tail: str) -> str:
        """Return the visible text of the last block, after moving the blocks before it to the finished text."""
        # Only a blank line surely ends a block: a line below a table may become its next row.
        before = _finished_blocks(tail[:MOST_TAIL]) if _BLANK.search(tail) else ""
        if before:
            self._finished += _visible(before) + "\n\n"
            self._from += len(before)
            tail = tail[len(before) :]
        return _visible(_mended(tail[:MOST_TAIL]))


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
    return styled(parse(prepared(markdown))).text


def _mended(block: str) -> str:
    """Return a block that ends here: an incomplete mark is left out, and open elements are closed."""
    if _is_fence(block):
        return re.sub(r"\n[`~]{1,2}\Z", "", block) if "\n" in block.strip() else ""
    block = _HALF.sub("", block.rstrip())
    if block.startswith("|") and not _DELIMITERS.search(block):
        return ""
    plain = _CODE.sub("", block)
    if ticks := _TICKS.search(plain):
        return block + ticks[0]
    block = _LINK.sub(lambda link: "" if _CITED.fullmatch(link["text"]) else link["text"], block).rstrip()
    for mark in _STYLES:
        if plain.count(mark) % 2:
            block = block.removesuffix(mark) if block.endswith(mark) else block + mark
    single = _SINGLE.search(plain.replace("**", "").replace("__", ""))
    return block + single[1] if single else block


def _is_fence(block: str) -> bool:
    return block.lstrip(" >").startswith(("```", "~~~"))
