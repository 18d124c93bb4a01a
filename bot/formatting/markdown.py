"""Markdown converted to text and entities, split to Telegram's limits without loss of text.

Unlike a parse mode, entities can't fail on a stray `*`. Limits of a message: 4,096 UTF-16 units and 100 entities.
`source` prepares the text for the parser, `parsing` reads its events, `blocks` writes them, `splitting` cuts messages.
"""

import asyncio
import re
from dataclasses import dataclass
from itertools import accumulate

from telegram import MessageEntity

from bot.formatting.blocks import hidden, styled
from bot.formatting.characters import clean, cut, is_prose, is_visible, units
from bot.formatting.growing.fences import with_whole_fences
from bot.formatting.parsing import parse
from bot.formatting.source import prepared
from bot.formatting.splitting import MOST_ENTITIES, split
from bot.formatting.styled import StyledText

MOST_UNITS = 4096
LONG_CHARS = 8_000
"""A longer text is converted in a thread, so that the event loop is not blocked."""
MOST_MARKS = 30_000
"""A text with more marks is sent as it is: its conversion would take over a second."""
_MARK = re.compile(r"[*_`~\[\]<>|#$\\]+|^[ \t]*(?:[-+]|\d+[.)])[ \t]", re.MULTILINE)
_ELLIPSIS = "…"


@dataclass(frozen=True, slots=True)
class Piece:
    """The text and entities of one message, within every limit."""

    text: str
    entities: tuple[MessageEntity, ...] = ()


def render(markdown: str, limit: int = MOST_UNITS) -> list[Piece]:
    """Convert the whole text to as many messages as needed, at least one."""
    return pieces_of(converted(markdown), limit)


async def rendered(markdown: str, limit: int = MOST_UNITS) -> list[Piece]:
    """Convert as `render` does; a long text is converted in a thread."""
    if len(markdown) <= LONG_CHARS:
        return render(markdown, limit)
    return await asyncio.to_thread(render, markdown, limit)


def converted(markdown: str) -> StyledText:
    """Convert to one text of any length. A text without visible characters is returned unchanged."""
    markdown = with_whole_fences(clean(markdown))
    if is_prose(prose := markdown.rstrip(" \n")):
        return StyledText(prose)
    if len(markdown) > MOST_MARKS and sum(len(mark[0]) for mark in _MARK.finditer(markdown)) > MOST_MARKS:
        return StyledText(markdown)
    found = styled(parse(prepared(markdown)))
    return found if any(map(is_visible, found.text)) else StyledText(markdown)


def pieces_of(text: StyledText, limit: int = MOST_UNITS) -> list[Piece]:
    """Split a text into messages. A message without visible characters, which Telegram refuses, becomes an ellipsis."""
    parts = [text] if _is_one_message(text, limit) else split(text, limit)
    return [Piece(part.text, _entities(part)) for part in parts] or [Piece(_ELLIPSIS)]


def _is_one_message(text: StyledText, limit: int) -> bool:
    """Return whether `split` would return the text as it is."""
    fits = len(text.spans) <= MOST_ENTITIES and units(text.text) <= limit
    return fits and text.text == text.text.strip() and any(map(is_visible, text.text))


def with_tail(pieces: list[Piece], tail: str) -> list[Piece]:
    """Append lines in italics to the last message, or as another message if the last one is full."""
    if not tail:
        return pieces
    last, length = pieces[-1], units(tail)
    start = units(last.text) + 2
    if start + length > MOST_UNITS or len(last.entities) >= MOST_ENTITIES:
        return [*pieces, Piece(tail, (MessageEntity("italic", 0, length),))]
    mark = MessageEntity("italic", start, length)
    return [*pieces[:-1], Piece(f"{last.text}\n\n{tail}", (*last.entities, mark))]


def plain_head(text: str, limit: int = MOST_UNITS) -> str:
    """Return the beginning of a text for a draft. For a growing text it only grows, and it ends without whitespace."""
    return cut(clean(text[:limit]), limit).rstrip()


def draft_of(piece: Piece) -> str:
    """Return the text of a message as a draft shows it: without styles, and with hidden spoilers."""
    spoilers = [each for each in piece.entities if each.type == MessageEntity.SPOILER]
    if not spoilers:
        return piece.text
    data = piece.text.encode("utf-16-le")
    for each in spoilers:
        start, end = 2 * each.offset, 2 * (each.offset + each.length)
        data = data[:start] + _same_units(data[start:end]) + data[end:]
    return data.decode("utf-16-le")


def _same_units(data: bytes) -> bytes:
    """Return the text of a spoiler hidden, with the same number of UTF-16 units."""
    return "".join(hidden(char) * units(char) for char in data.decode("utf-16-le")).encode("utf-16-le")


def _entities(part: StyledText) -> tuple[MessageEntity, ...]:
    if not part.spans:
        return ()
    at = None if part.text.isascii() else [0, *accumulate(1 + (char > "\uffff") for char in part.text)]
    found = []
    for span in part.spans:
        start, end = (span.start, span.end) if at is None else (at[span.start], at[span.end])
        found.append(MessageEntity(span.kind, start, end - start, url=span.url, language=span.language))
    return tuple(found)
