"""Lists of objects in a provider's answer, also where a server writes an object in the place of a list."""

from collections.abc import Sequence
from typing import Any

from engine.errors import Garbled

_ENVELOPES = ("data", "result", "response")


def listed(found: Any) -> Sequence[Any]:
    """Return the objects in a list without nulls. An object counts as a list of one, or of its numbered values.

    PHP writes a list with gaps as an object whose names are numbers. Raises Garbled for anything else.
    """
    if isinstance(found, dict):
        is_numbered = all(name.isdecimal() for name in found)
        found = list(found.values()) if is_numbered else [found]
    if not isinstance(found, list | tuple):
        if found is None or found == "":
            return ()
        raise Garbled("an answer with something else than a list")
    return [each for each in found if each is not None] if None in found else found


def within_envelope(data: dict[str, Any]) -> dict[str, Any]:
    """Return the answer or chunk in OpenAI's shape that a gateway wraps in an object of its own; else `data` itself.

    Cloudflare's own shape has a `response` with the text, in an answer within `result`.
    """
    for name in _ENVELOPES:
        inner = data.get(name)
        if isinstance(inner, dict) and inner.get("choices"):
            return inner
        if isinstance(inner, dict) and isinstance(inner.get("response"), str):
            return _of_cloudflare(inner, is_whole=True)
    return _of_cloudflare(data, is_whole=False) if isinstance(data.get("response"), str) else data


def _of_cloudflare(data: dict[str, Any], *, is_whole: bool) -> dict[str, Any]:
    """Return an answer or chunk of Workers AI in OpenAI's shape."""
    said = {"content": data["response"], "tool_calls": data.get("tool_calls")}
    choice = {"index": 0, "message": said, "finish_reason": "stop"} if is_whole else {"index": 0, "delta": said}
    return {**data, "choices": [choice]}
