"""Markdown -> text and entities, split under Telegram's limits, no text lost.

Entities can't fail on a stray `*`, as parse modes do. Limits: 4,096 UTF-16 units and 100 entities a message.
"""

import re
from dataclasses import dataclass

from telegram import MessageEntity
from telegramify_markdown import MessageEntity as Span
from telegramify_markdown import RenderConfig, convert, split_entities, utf16_len

MOST_UNITS, MOST_ENTITIES = 4096, 100
_CODE = re.compile(r"(?:^|\n)(?P<fence>```|~~~).*?(?:\n(?P=fence)|\Z)|`[^`\n]+`", re.DOTALL)
# The converter takes raw HTML out, with the text around it; an address in <> is Markdown's own.
_TAG_OPENS = re.compile(r"<(?!https?:|mailto:)")
_FENCE_IN_LIST = re.compile(r"^([ \t]+)(```|~~~)", re.MULTILINE)
_UNSAFE_LINK = re.compile(r"^(?!https?://|mailto:|tg://|tel:)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Piece:
    """One message's worth: within every limit."""

    text: str
    entities: tuple[MessageEntity, ...] = ()


def _config() -> RenderConfig:
    config = RenderConfig.isolated()
    for level in (1, 2, 3, 4):
        setattr(config.markdown_symbol, f"heading_level_{level}", "")
    config.markdown_symbol.unordered_list_item = "•"
    return config


_CONFIG = _config()


def render(markdown: str, limit: int = MOST_UNITS) -> list[Piece]:
    """Every word of `markdown`, in as many messages as it takes; at least one."""
    text, spans = convert(_shielded(markdown), latex_escape=True, config=_CONFIG)
    if not text.strip():
        return [Piece(part) for part in _chunks(markdown.strip() or "…", limit)]
    pieces: list[Piece] = []
    for part, part_spans in split_entities(text, spans, limit):
        if part.strip():
            pieces += _under_the_cap(part, [span for span in part_spans if _allowed(span)])
    return pieces


def with_tail(pieces: list[Piece], tail: str) -> list[Piece]:
    """With a few lines in italics below; in a message of their own where the last one is full."""
    if not tail:
        return pieces
    last, length = pieces[-1], utf16_len(tail)
    start = utf16_len(last.text) + 2
    if start + length > MOST_UNITS or len(last.entities) >= MOST_ENTITIES:
        return [*pieces, Piece(tail, (MessageEntity("italic", 0, length),))]
    mark = MessageEntity("italic", start, length)
    return [*pieces[:-1], Piece(f"{last.text}\n\n{tail}", (*last.entities, mark))]


def plain_head(markdown: str, limit: int = MOST_UNITS) -> str:
    """The beginning that fits a draft: an append-only prefix, cut between characters."""
    return markdown if len(markdown) <= limit // 2 or utf16_len(markdown) <= limit else _cut(markdown, limit)


def _shielded(markdown: str) -> str:
    """`<` outside of code is text, not HTML."""
    out, position = [], 0
    for code in _CODE.finditer(markdown):
        out += [_TAG_OPENS.sub("&lt;", markdown[position : code.start()]), code.group()]
        position = code.end()
    out.append(_TAG_OPENS.sub("&lt;", markdown[position:]))
    return "".join(out)


def _allowed(span: Span) -> bool:
    return span.type != "text_link" or not _UNSAFE_LINK.match(span.url or "")


def _under_the_cap(text: str, spans: list[Span]) -> list[Piece]:
    """Telegram leaves entities over the hundredth unstyled: split where they run out."""
    if len(spans) <= MOST_ENTITIES:
        return [Piece(text, tuple(_entity(span) for span in spans))]
    spans = sorted(spans, key=lambda span: span.offset)
    cut = spans[MOST_ENTITIES].offset
    # Never inside a span that began before.
    cut = min([cut, *(span.offset for span in spans[:MOST_ENTITIES] if span.offset + span.length > cut)])
    if cut == 0:
        return [Piece(text, tuple(_entity(span) for span in spans[:MOST_ENTITIES]))]
    raw = text.encode("utf-16-le")
    head, tail = raw[: cut * 2].decode("utf-16-le"), raw[cut * 2 :].decode("utf-16-le")
    first = [span for span in spans if span.offset < cut]
    rest = [_moved(span, cut) for span in spans if span.offset >= cut]
    return [*_under_the_cap(head, first), *_under_the_cap(tail, rest)]


def _moved(span: Span, by: int) -> Span:
    moved = Span(**span.to_dict())
    moved.offset = span.offset - by
    return moved


def _entity(span: Span) -> MessageEntity:
    data = span.to_dict()
    return MessageEntity(
        data["type"], data["offset"], data["length"], url=data.get("url"), language=data.get("language")
    )


def _cut(text: str, limit: int) -> str:
    return text.encode("utf-16-le")[: limit * 2].decode("utf-16-le", "ignore")


def _chunks(text: str, limit: int) -> list[str]:
    found = []
    while text:
        head = _cut(text, limit)
        found.append(head)
        text = text[len(head) :]
    return found
