"""Arguments of tool calls that do not begin as a JSON object: the object that they stand for."""

import json

from engine.json_limits import parsed
from engine.providers.leaks.loose_values import value_at

EMPTY = "{}"
_MOST_MENDED_CHARS = 100_000
_LOST = ("{", '{"')
_NOTHING = frozenset({"", "null", "None", "undefined", "[]", EMPTY})


def is_nothing(text: str) -> bool:
    """Return whether the arguments stand for none: some servers send `null` or `[]` for a tool without parameters."""
    return text.strip().strip('"') in _NOTHING


def object_text(text: str) -> str:
    """Return the object in a JSON string, a list or a Markdown fence, `{}` for nothing; else the text unchanged.

    Some servers lose the first piece, `{` or `{"`.
    """
    if is_nothing(text):
        return EMPTY
    stripped = text.strip()
    inner = _within(stripped) if stripped[0] in '"[' else stripped[stripped.find("{") :]
    is_fenced = stripped.startswith("```")
    if (is_fenced or stripped[0] in '"[') and _is_object(inner):
        return inner
    return next((start + stripped for start in _LOST if ":" in text and _is_object(start + stripped)), text)


def mended_object(text: str) -> str:
    """Return an object that is no JSON, such as one in Python's manner, as JSON; else the text unchanged."""
    if len(text) > _MOST_MENDED_CHARS or _is_object(text):
        return text
    try:
        found, end = value_at(text, 0)
    except ValueError:
        return text
    is_object = isinstance(found, dict) and not text[end:].strip()
    return json.dumps(found, ensure_ascii=False) if is_object else text


def may_begin(text: str) -> bool:
    """Return whether a text may be the first piece of arguments, or all of them."""
    return text.lstrip()[:1] in {"", "{"} or is_nothing(text) or _is_object(object_text(text))


def _within(text: str) -> str:
    """Return the text in a JSON string, or the only element of a JSON list; empty for any other value."""
    try:
        found = parsed(text)
    except ValueError:
        return ""
    if isinstance(found, list) and len(found) == 1:
        return json.dumps(found[0], ensure_ascii=False, separators=(",", ":"))
    return found if isinstance(found, str) else ""


def _is_object(text: str) -> bool:
    try:
        return isinstance(parsed(text), dict)
    except ValueError:
        return False
