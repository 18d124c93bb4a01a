"""The words of a message with its formatting as Markdown, so that a model reads what its author marked or typed.

Telegram's apps replace the marks that people type by formatting: `__init__` becomes "init" in italics. The same marks
are written back.
"""

import re
from collections.abc import Iterable, Sequence

from telegram import Message, MessageEntity

MOST_URL_CHARS = 2000
_MARKS = {
    MessageEntity.BOLD: ("**", "**"),
    MessageEntity.ITALIC: ("__", "__"),
    MessageEntity.UNDERLINE: ("<u>", "</u>"),
    MessageEntity.STRIKETHROUGH: ("~~", "~~"),
    MessageEntity.SPOILER: ("||", "||"),
}
_QUOTES = frozenset({MessageEntity.BLOCKQUOTE, MessageEntity.EXPANDABLE_BLOCKQUOTE})
_BACKTICKS = re.compile("`+")


def written(message: Message, left_out: MessageEntity | None = None) -> str:
    """Return the text or caption with its formatting.

    `left_out`: an entity whose words are removed, such as the mention of the bot.
    """
    text = message.text or message.caption or ""
    return marked(text, message.entities if message.text else message.caption_entities, left_out)


def marked(text: str, entities: Sequence[MessageEntity], left_out: MessageEntity | None = None) -> str:
    """Return a text with the marks of its entities. Hidden links are followed by their URL, code is fenced."""
    if not entities:
        return text
    units = text.encode("utf-16-le", "surrogatepass")
    inserts: list[tuple[int, str]] = []
    for entity in sorted(entities, key=lambda each: (each.offset, -each.length)):
        inserts = _with(inserts, _inserts(entity, units))
    out, done = [], 0
    gap = (left_out.offset, left_out.offset + left_out.length) if left_out is not None else None
    for at, mark in [*inserts, (len(units) // 2, "")]:
        out += [_between(units, done, at, gap), mark]
        done = at
    return "".join(out)


def _with(outer: list[tuple[int, str]], own: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return all insertions by position: an opening mark comes after those of outer entities, a closing one before."""
    found = list(outer)
    for number, (at, mark) in enumerate(own):
        before = [each for each in found if each[0] < at or (number == 0 and each[0] == at)]
        found = [*before, (at, mark), *found[len(before) :]]
    return found


def _inserts(entity: MessageEntity, units: bytes) -> list[tuple[int, str]]:
    """Return the marks of an entity, each with its place in UTF-16 units."""
    start, end = entity.offset, entity.offset + entity.length
    words = _decoded(units, start, end)
    if entity.type == MessageEntity.TEXT_LINK and entity.url and not _shows(words, entity.url):
        return [(start, ""), (end, f" ({entity.url[:MOST_URL_CHARS]})")]
    if entity.type == MessageEntity.PRE:
        fence = "`" * max(3, _longest_run(words) + 1)
        closing = fence if words.endswith("\n") else f"\n{fence}"
        return [(start, f"{fence}{entity.language or ''}\n"), (end, closing)]
    if entity.type == MessageEntity.CODE:
        return _code(start, end, words)
    if entity.type in _QUOTES:
        return [(start + _units(words[: found.start()]), "> ") for found in re.finditer("^", words, re.MULTILINE)]
    if entity.type in _MARKS and (bare := words.strip()):
        before = _units(words[: words.index(bare[0])]) if bare else 0
        opening, closing = _MARKS[entity.type]
        return [(start + before, opening), (start + before + _units(bare), closing)]
    return []


def _code(start: int, end: int, words: str) -> list[tuple[int, str]]:
    """Return the marks of code within a line, longer than the backticks that it contains."""
    fence = "`" * (_longest_run(words) + 1)
    pad = " " if words.startswith("`") or words.endswith("`") else ""
    return [(start, fence + pad), (end, pad + fence)]


def _longest_run(words: str) -> int:
    return max(map(len, _BACKTICKS.findall(words)), default=0)


def _between(units: bytes, start: int, end: int, gap: tuple[int, int] | None) -> str:
    """Return the words from one unit to another, without the part in the gap."""
    if gap is None or gap[1] <= start or end <= gap[0]:
        return _decoded(units, start, end)
    return _decoded(units, start, max(start, gap[0])) + _decoded(units, min(end, gap[1]), end)


def _decoded(units: bytes, start: int, end: int) -> str:
    return units[2 * start : 2 * end].decode("utf-16-le", "replace")


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _shows(words: str, url: str) -> bool:
    """Return True if the words of a link are its URL."""
    return words.strip().rstrip("/") in {each.rstrip("/") for each in (url, url.partition("://")[2])}
