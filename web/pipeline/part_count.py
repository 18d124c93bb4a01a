"""The numbers of parts and of schemas' values in a request.

More would keep the other requests waiting while they are read, or rewritten for a provider.
"""

from collections.abc import Mapping
from typing import Any

from engine.chat import Options
from engine.errors import BadRequest

MOST_PARTS, MOST_SCHEMA_VALUES = 10_000, 40_000
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


def checked_schemas(options: Options) -> Options:
    """Return the options. Raises BadRequest if their schemas have too many values in all."""
    left = MOST_SCHEMA_VALUES
    for tool in options.tools:
        left -= _values_in(tool.parameters, left)
    if left <= 0:
        raise BadRequest("tools", f"must have schemas with at most {MOST_SCHEMA_VALUES} JSON values in all")
    if options.response_format is not None and _values_in(options.response_format, left) >= left:
        raise BadRequest("response_format", f"must have, with the tools, at most {MOST_SCHEMA_VALUES} JSON values")
    return options


def _values_in(found: Any, most: int) -> int:
    """Return the number of values in a schema; counting ends soon after `most`."""
    count, waiting = 0, [found]
    while waiting and count < most:
        each = waiting.pop()
        inner = each.values() if isinstance(each, Mapping) else each if isinstance(each, list) else ()
        count += len(inner)
        waiting += inner
    return count
