"""The number of parts in a request: more would keep the other requests waiting while they are read or rewritten."""

from typing import Any

from engine.errors import BadRequest

MOST_PARTS = 10_000
_LISTS = ("content", "output", "tool_calls")


def check_part_count(turns: Any, name: str) -> None:
    """Raise BadRequest if messages or items have too many parts, calls and results in all.

    Turns that are not valid are left to their reader.
    """
    if not isinstance(turns, list):
        return
    count = len(turns)
    for turn in turns if count <= MOST_PARTS else ():
        count += _parts_in(turn)
        if count > MOST_PARTS:
            break
    if count > MOST_PARTS:
        raise BadRequest(name, f"must have at most {MOST_PARTS} messages, parts, calls and results in all")


def _parts_in(turn: Any, depth: int = 2) -> int:
    """Return the number of parts in a turn, with those in the results of tools."""
    if not isinstance(turn, dict):
        return 0
    found = 0
    for name in _LISTS:
        parts = turn.get(name)
        if isinstance(parts, list):
            found += len(parts)
            if depth > 1 and len(parts) <= MOST_PARTS:
                found += sum(_parts_in(part, depth - 1) for part in parts)
    return found
