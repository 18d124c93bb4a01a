"""Markdown with a table -> one rich message, from our own reading of it; never the model's Markdown itself.

Limits: 32,768 characters, 500 blocks with rows and items counted, 16 levels, 20 columns. Here the HTML with its tags
keeps to the first, which is stricter. What does not fit, or shows no table, is for ordinary messages.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from unicodedata import bidirectional

from telegram import TelegramObject
from telegramify_markdown import utf16_len
from telegramify_markdown.converter import STANDARD_OPTIONS, _parse

from bot.formatting.html_escape import shielded
from bot.formatting.markdown import clean
from bot.formatting.nodes import Node
from bot.formatting.tree import Block, Tree

MOST_UNITS, MOST_BLOCKS = 32_768, 500
TAIL_UNITS = 1024  # kept free for the lines below an answer
TAIL_BLOCKS = 1
_ROOM = MOST_UNITS - TAIL_UNITS
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_STRONG = _RIGHT_TO_LEFT | {"L"}


@dataclass(frozen=True, slots=True)
class Rich:
    """`head`: the Markdown that it shows; `rest`: what is left of it for ordinary messages."""

    html: str
    is_rtl: bool
    head: str
    rest: str

    def message(self, tail: str = "") -> dict[str, Any]:
        """Telegram's InputRichMessage, with a few lines below."""
        html = self.html + (_footer(tail) if tail else "")
        return {"html": html, "is_rtl": True} if self.is_rtl else {"html": html}


def rich(markdown: str) -> Rich | None:
    """As many blocks from the first on as fit; None where there is no table among them."""
    if "|" not in markdown:
        return None
    source, events = _parse(shielded(clean(markdown)), STANDARD_OPTIONS, latex_escape=True)
    blocks = Tree().read(events)
    shown = _fitting(blocks)
    if not any(block.has_table for block in shown):
        return None
    html = "".join(block.html for block in shown)
    return Rich(html, _is_rtl(shown), *_split(markdown, source, blocks, len(shown)))


def footer_of(message: TelegramObject) -> str:
    """The lines below a rich message, as Telegram gives it back; empty where there are none."""
    last = [{}, *_blocks(message)][-1]
    return _plain(last.get("text")) if last.get("type") == "footer" else ""


def words_of(message: TelegramObject) -> str:
    """What a rich message says, a line a row or block: it has no text. Empty for any other message."""
    return "\n".join(filter(None, map(_lines, _blocks(message))))


def _blocks(message: TelegramObject) -> list[Any]:
    """PTB knows none: they are where it keeps what it doesn't know."""
    blocks: list[Any] = (message.api_kwargs.get("rich_message") or {}).get("blocks") or []
    return blocks


def _fitting(blocks: list[Block]) -> list[Block]:
    units = count = 0

    def fits(block: Block) -> bool:
        nonlocal units, count
        units, count = units + utf16_len(block.html), count + block.count
        return block.fits and units <= _ROOM and count <= MOST_BLOCKS - TAIL_BLOCKS

    return list(takewhile(fits, blocks))


def _split(markdown: str, source: str, blocks: list[Block], shown: int) -> tuple[str, str]:
    """Between two blocks, where a line begins."""
    if not any(block.html or not block.fits for block in blocks[shown:]):
        return markdown, ""
    data = source.encode()
    cut = data.rfind(b"\n", 0, blocks[shown].start) + 1
    return data[:cut].decode(), data[cut:].decode()


def _is_rtl(blocks: list[Block]) -> bool:
    """By the first letter that has a direction."""
    strong = (bidirectional(char) for block in blocks for char in block.text)
    return next((kind for kind in strong if kind in _STRONG), "L") in _RIGHT_TO_LEFT


def _footer(tail: str) -> str:
    footer = Node("footer")
    for number, line in enumerate(tail.split("\n")):
        footer.children += [Node("br"), line] if number else [line]
    return footer.html()


def _plain(text: Any) -> str:
    """RichText: a string, a list of it, or an object around it."""
    if isinstance(text, str):
        return text
    if isinstance(text, list | tuple):
        return "".join(map(_plain, text))
    return _plain(text.get("text")) if isinstance(text, Mapping) else ""


def _lines(block: Mapping[str, Any]) -> str:
    rows = [" | ".join(map(_plain, row)) for row in block.get("cells") or []]
    within = [_lines(each) for name in ("blocks", "items") for each in block.get(name) or []]
    label = [block["label"]] if block.get("label") else []
    return "\n".join(filter(None, [_plain(block.get("text")), *rows, " ".join([*label, "\n".join(within)])]))
