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
    """Return the answer or chunk in OpenAI's shape that a gateway wraps in an object of its own; else `data` itself."""
    found = (data.get(name) for name in _ENVELOPES)
    return next((inner for inner in found if isinstance(inner, dict) and inner.get("choices")), data)
