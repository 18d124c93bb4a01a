"""Texts and entities as Telegram takes them: lengths in UTF-16 units, after parsing."""

import json
import re
from typing import Any

from sandbox.telegram.refusals import refuse

MOST_TEXT, MOST_CAPTION, MOST_ENTITIES = 4096, 1024, 100
KINDS = frozenset(
    (
        "mention",
        "hashtag",
        "cashtag",
        "bot_command",
        "url",
        "email",
        "phone_number",
        "bold",
        "italic",
        "underline",
        "strikethrough",
        "spoiler",
        "blockquote",
        "expandable_blockquote",
        "code",
        "pre",
        "text_link",
        "text_mention",
        "custom_emoji",
    )
)
_SPOTTED = (
    ("bot_command", re.compile(r"(?<!\S)/[a-zA-Z0-9_]{1,32}(?:@\w+)?")),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z]\w{2,31}")),
    ("url", re.compile(r"https?://\S+")),
)


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def checked_text(params: dict[str, Any]) -> str:
    """Raises the refusal of an empty or overlong text."""
    text = str(params.get("text", ""))
    if not text.strip():
        raise refuse("empty")
    if units(text) > MOST_TEXT:
        raise refuse("too_long")
    if params.get("parse_mode"):
        raise refuse("parse_mode")
    return text


def entities(params: dict[str, Any], text: str, field: str = "entities") -> list[dict[str, Any]]:
    """The first hundred, each inside of the text; the rest Telegram leaves out without a word."""
    raw = params.get(field)
    if raw in (None, ""):
        return []
    try:
        found = json.loads(raw) if isinstance(raw, str) else raw
    except ValueError:
        raise refuse("entities_json") from None
    if not isinstance(found, list):
        raise refuse("entities_json")
    size = units(text)
    for entity in found:
        _check(entity, size)
    return found[:MOST_ENTITIES]


def spotted(text: str) -> list[dict[str, Any]]:
    """What Telegram marks by itself in what people write."""
    return [
        {"type": kind, "offset": units(text[: match.start()]), "length": units(match.group())}
        for kind, pattern in _SPOTTED
        for match in pattern.finditer(text)
    ]


def _check(entity: Any, size: int) -> None:
    if not isinstance(entity, dict) or entity.get("type") not in KINDS:
        raise refuse("entities")
    offset, length = entity.get("offset"), entity.get("length")
    if (
        not isinstance(offset, int)
        or not isinstance(length, int)
        or offset < 0
        or length <= 0
        or offset + length > size
    ):
        raise refuse("entities")
    if entity["type"] == "text_link" and not entity.get("url"):
        raise refuse("entities")
