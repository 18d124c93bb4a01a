"""Arguments of tool calls that do not begin as a JSON object: the object that they stand for."""

from engine.json_limits import parsed

EMPTY = "{}"
_LOST = ("{", '{"')
_NOTHING = frozenset({"", "null", "None", "undefined", "[]", EMPTY})


def is_nothing(text: str) -> bool:
    """Return whether the arguments stand for none: some servers send `null` or `[]` for a tool without parameters."""
    return text.strip().strip('"') in _NOTHING


def object_text(text: str) -> str:
    """Return the object in a JSON string or a Markdown fence, `{}` for nothing; else the text unchanged.

    Some servers lose the first piece, `{` or `{"`.
    """
    if is_nothing(text):
        return EMPTY
    stripped = text.strip()
    inner = _string(stripped) if stripped.startswith('"') else stripped[stripped.find("{") :]
    is_fenced = stripped.startswith("```")
    if (is_fenced or stripped.startswith('"')) and _is_object(inner):
        return inner
    return next((start + stripped for start in _LOST if _is_object(start + stripped)), text)


def _string(text: str) -> str:
    try:
        found = parsed(text)
    except ValueError:
        return ""
    return found if isinstance(found, str) else ""


def _is_object(text: str) -> bool:
    try:
        return isinstance(parsed(text), dict)
    except ValueError:
        return False
