"""Complete arguments of tool calls compared: the same again, or grown, as some servers repeat them."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

from engine.json_limits import parsed

_MOST_TIMES_LONGER = 4  # spaces make the same object no longer than that
_LEAST_CHARS = 100
_NOTHING: tuple[Any, ...] = (None, "", {}, [])


def is_object(text: str) -> bool:
    """Return whether a text is one complete JSON object."""
    return _object(text) is not None


def is_same(before: str, after: str) -> bool:
    """Return whether two texts are the same JSON object, however it is written."""
    if before == after:
        return True
    if _is_far_longer(before, after) or _is_far_longer(after, before):
        return False
    found = _object(before)
    return found is not None and found == _object(after)


def has_grown(before: str, after: str) -> bool:
    """Return whether `after` is a complete object that `before` may have become while its values were written."""
    if _is_far_longer(before, after) or not after.lstrip().startswith("{"):
        return False
    old, new = _object(before), _object(after)
    return old is not None and new is not None and old != new and _may_become(old, new)


def _is_far_longer(one: str, other: str) -> bool:
    """Return whether `one` is too long to be compared, so that reading many short texts takes linear time."""
    return len(one) > _MOST_TIMES_LONGER * len(other) + _LEAST_CHARS


def _may_become(old: Any, new: Any) -> bool:
    if old in _NOTHING or old == new:
        return True
    if isinstance(old, str) and isinstance(new, str):
        return new.startswith(old)
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and _may_become(value, new[name]) for name, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(new) >= len(old) and all(map(_may_become, old, islice(new, len(old))))
    is_number = isinstance(old, int | float) and isinstance(new, int | float)
    return is_number and str(new).startswith(str(old))


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        found = parsed(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
