"""Markdown with a table converted to one rich message, as HTML.

Telegram's limits: 32,768 characters, 500 blocks including rows and items, 16 levels, 20 columns. We count the HTML with
its tags as characters, which is stricter. Text that does not fit, or has no table, goes into ordinary messages.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from unicodedata import bidirectional

from telegram import TelegramObject

from bot.formatting.characters import clean
from bot.formatting.characters import units as utf16_len
from bot.formatting.growing.fences import with_whole_fences
from bot.formatting.markdown import LONG_CHARS
from bot.formatting.nodes import Node
from bot.formatting.parsing import parse
from bot.formatting.source import Source, prepared
from bot.formatting.tree import Block, Tree

MOST_UNITS, MOST_BLOCKS = 32_768, 500
TAIL_UNITS = 1024  # reserved for the lines below an answer
TAIL_BLOCKS = 1
_BLOCK_UNITS = MOST_UNITS - TAIL_UNITS
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_STRONG = _RIGHT_TO_LEFT | {"L"}


@dataclass(frozen=True, slots=True)
class Rich:
    """A rich message. `head`: the Markdown that it shows; `rest`: the Markdown left for ordinary messages."""

    html: str
    is_rtl: bool
    head: str
    rest: str

    def message(self, tail: str = "") -> dict[str, Any]:
        """Return Telegram's InputRichMessage, with `tail` as its footer."""
        html = self.html + (_footer(tail) if tail else "")
        return {"html": html, "is_rtl": True} if self.is_rtl else {"html": html}


def rich(markdown: str) -> Rich | None:
    """Convert as many blocks as fit, from the first on. Return None if they contain no table."""
    if "|" not in markdown:
        return None
    markdown = with_whole_fences(clean(markdown))
    source = prepared(markdown)
    blocks = Tree().read(parse(source))
    shown = _fitting(blocks)
    if not any(block.has_table for block in shown):
        return None
    html = "".join(block.html for block in shown)
    return Rich(html, _is_rtl(shown), *_split(markdown, source, blocks, len(shown)))


async def enriched(markdown: str) -> Rich | None:
    """Convert as `rich` does; a long text is converted in a thread."""
    if len(markdown) <= LONG_CHARS:
        return rich(markdown)
    return await asyncio.to_thread(rich, markdown)


def footer_of(message: TelegramObject) -> str:
    """Return the footer of a rich message received from Telegram; empty if it has none."""
    last = [{}, *_blocks(message)][-1]
    return _plain(last.get("text")) if last.get("type") == "footer" else ""


def words_of(message: TelegramObject) -> str:
    """Return the text of a rich message, one line per row or block; empty for any other message."""
    return "\n".join(filter(None, map(_lines, _blocks(message))))


def _blocks(message: TelegramObject) -> list[Any]:
    """Return the blocks, which PTB keeps among the unknown fields."""
    blocks: list[Any] = (message.api_kwargs.get("rich_message") or {}).get("blocks") or []
    return blocks


def _fitting(blocks: list[Block]) -> list[Block]:
    units = count = 0

    def fits(block: Block) -> bool:
        nonlocal units, count
        units, count = units + utf16_len(block.html), count + block.count
        return block.fits and units <= _BLOCK_UNITS and count <= MOST_BLOCKS - TAIL_BLOCKS

    return list(takewhile(fits, blocks))


def _split(markdown: str, source: Source, blocks: list[Block], shown: int) -> tuple[str, str]:
    """Split the Markdown before the first block that is not shown."""
    if not any(block.html or not block.fits for block in blocks[shown:]):
        return markdown, ""
    data = source.text.encode()
    cut = data.rfind(b"\n", 0, blocks[shown].start) + 1
    head = len(source.restored(data[:cut].decode()))
    return markdown[:head], markdown[head:]


def _is_rtl(blocks: list[Block]) -> bool:
    """Return True if the first letter with a direction is written from right to left."""
    strong = (bidirectional(char) for block in blocks for char in block.text)
    return next((kind for kind in strong if kind in _STRONG), "L") in _RIGHT_TO_LEFT


def _footer(tail: str) -> str:
    footer = Node("footer")
    for number, line in enumerate(tail.split("\n")):
        footer.children += [Node("br"), line] if number else [line]
    return footer.html()


def _plain(text: Any) -> str:
    """Return the text of a RichText: a string, a list of RichTexts, or an object that contains one."""
    if isinstance(text, str):
        return text
    if isinstance(text, list | tuple):
        return "".join(map(_plain, text))
    return _plain(text.get("text")) if isinstance(text, Mapping) else ""


def _lines(block: Mapping[str, Any]) -> str:
    """Return the text of a block and of the blocks in it."""
    rows = [" | ".join(map(_plain, row)) for row in block.get("cells") or []]
    within = [_lines(each) for name in ("blocks", "items") for each in block.get(name) or []]
    label = [block["label"]] if block.get("label") else []
    return "\n".join(filter(None, [_plain(block.get("text")), *rows, " ".join([*label, "\n".join(within)])]))
