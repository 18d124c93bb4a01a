"""Texts and entities by Telegram's rules: lengths in UTF-16 units, after parsing and trimming."""

import re
from dataclasses import dataclass
from typing import Any

from sandbox.telegram.html import parsed
from sandbox.telegram.params import Params, decoded
from sandbox.telegram.refusals import refuse

MOST_TEXT, MOST_CAPTION, MOST_ENTITIES = 4096, 1024, 100
FARTHEST = 1_000_000
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
        "date_time",
    )
)
_SPOTTED = (
    ("bot_command", re.compile(r"(?<![\w/])/[a-zA-Z0-9_]{1,32}(?:@\w+)?(?![\w/])")),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z]\w{3,31}")),
    ("url", re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")),
)
_URL = re.compile(r"(?P<scheme>https?|tg|ton)://(?:[^/?#@]*@)?(?P<host>[^/?#]+).*", re.IGNORECASE | re.DOTALL)
Entity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text and its entities."""

    text: str
    entities: list[Entity]


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def message_text(params: Params, *, edit: bool = False) -> Formatted:
    """Return the fields of a text. Raises the refusals for an empty or too long text, and for wrong entities."""
    found = formatted(params, "text", "entities")
    if not found.text:
        raise refuse("empty")
    if units(found.text) > MOST_TEXT:
        raise refuse("edit_too_long" if edit else "too_long")
    return found


def caption(params: Params) -> dict[str, Any]:
    """Return the fields of a caption."""
    found = formatted(params, "caption", "caption_entities")
    if units(found.text) > MOST_CAPTION:
        raise refuse("caption_too_long")
    return {"caption": found.text, "caption_entities": found.entities}


def formatted(params: Params, field: str, entity_field: str) -> Formatted:
    """Return the trimmed text with its first hundred entities, and those that Telegram finds itself."""
    text, mode = str(params.get(field) or ""), str(params.get("parse_mode") or "").lower()
    if mode == "html":
        text, given = parsed(text)
    elif mode:
        raise refuse("parse_mode")
    else:
        given = [_checked(entity, text) for entity in decoded(params, entity_field, list)]
    text, given = _trimmed(text, [entity for entity in given if entity["length"]])
    return Formatted(text, _with_spotted(text, given[:MOST_ENTITIES]))


def spotted(text: str) -> list[Entity]:
    """Return the entities that Telegram finds itself."""
    return [
        {"type": kind, "offset": units(text[: match.start()]), "length": units(match.group())}
        for kind, pattern in _SPOTTED
        for match in pattern.finditer(text)
    ]


def _with_spotted(text: str, given: list[Entity]) -> list[Entity]:
    kept = [e for e in given if e["type"] in {"code", "pre", "text_link", "text_mention"}]
    fresh = [e for e in spotted(text) if not any(_touch(e, other) for other in kept) and e not in given]
    return sorted([*given, *fresh][:MOST_ENTITIES], key=lambda e: (e["offset"], -e["length"]))


def _touch(one: Entity, other: Entity) -> bool:
    starts, ends = max(one["offset"], other["offset"]), min(_end(one), _end(other))
    return bool(starts < ends)


def _end(entity: Entity) -> int:
    return int(entity["offset"] + entity["length"])


def _trimmed(text: str, found: list[Entity]) -> tuple[str, list[Entity]]:
    """Remove whitespace at the end, and at the start up to the first entity; shift the entities accordingly."""
    text = text.rstrip()
    first = min((entity["offset"] for entity in found), default=units(text))
    shift = min(first, units(text) - units(text.lstrip(" \n")))
    size = units(text) - shift
    moved = [(max(0, e["offset"] - shift), min(size, _end(e) - shift), e) for e in found]
    return text[shift:], [{**e, "offset": start, "length": end - start} for start, end, e in moved if end > start]


def _checked(entity: Any, text: str) -> Entity:
    if not isinstance(entity, dict):
        raise refuse("entity_object")
    if entity.get("type") not in KINDS:
        raise refuse("entity_type")
    offset, length = entity.get("offset"), entity.get("length")
    if not isinstance(offset, int) or not 0 <= offset <= FARTHEST:
        raise refuse("entity_offset", offset=offset)
    if not isinstance(length, int) or not 0 <= length <= FARTHEST:
        raise refuse("entity_length", length=length)
    if length:
        _check_bounds(offset, length, text)
    if entity["type"] == "text_link":
        _check_url(str(entity.get("url") or ""))
    return entity


def _check_url(url: str) -> None:
    """Raise the refusal for a URL that TDLib does not accept as a link."""
    found = _URL.fullmatch(url)
    if found is None:
        why = "Unsupported URL protocol" if ":" in url.split("/", maxsplit=1)[0] else "Wrong HTTP URL"
        raise refuse("entity_url", url=url, why=why if url else "URL host is empty")
    if found["scheme"].lower().startswith("http") and "." not in found["host"] and "[" not in found["host"]:
        raise refuse("entity_url", url=url, why="Wrong HTTP URL")
    if re.search(r"[\x00-\x20\"<>\\^`{|}]", found["host"]):
        raise refuse("entity_url", url=url, why="Wrong URL host: disallowed characters found")


def _check_bounds(offset: int, length: int, text: str) -> None:
    raw, end = text.encode("utf-16-le", "surrogatepass"), offset + length
    if offset * 2 > len(raw):
        raise refuse("entity_begins", offset=offset)
    if end * 2 > len(raw):
        raise refuse("entity_ends", offset=offset, end=end)
    for edge in (offset, end):
        if _is_low_surrogate(raw[edge * 2 : edge * 2 + 2]):
            raise refuse("entity_symbol", offset=len(raw[: edge * 2].decode("utf-16-le", "ignore").encode()))


def _is_low_surrogate(pair: bytes) -> bool:
    return len(pair) == 2 and 0xDC <= pair[1] <= 0xDF  # noqa: PLR2004 - the pair's range in UTF-16
