"""Frames that a server writes on one line, or ends with one line break: they are read one by one."""

import json
import re
from collections.abc import Sequence

MOST_LINES = 4_000  # of one frame; each is read on its own
_MOST_CHARS = 200_000  # of a line that is searched for several values
_END_MARKER = "[DONE]"
_SEPARATOR = re.compile(r"\s*(?:data:\s*)?")
_decode = json.JSONDecoder().raw_decode


def frames_in(data: str) -> Sequence[str]:
    """Return the frames that the data of one frame consists of: its lines, else the values on its only line.

    Returns one if it is neither. Of more than MOST_LINES, one above that number is returned.
    """
    if "\n" in data:
        return data.split("\n", MOST_LINES)
    return _values(data) or (data,)


def _values(text: str) -> list[str]:
    """Return the JSON values and end markers of a line; none if anything else is in it."""
    found: list[str] = []
    at = 0
    while at < len(text) <= _MOST_CHARS and len(found) <= MOST_LINES:
        at = _after_separator(text, at)
        end = _value_end(text, at)
        if end <= at:
            return []
        found.append(text[at:end])
        at = end
    return found


def _after_separator(text: str, at: int) -> int:
    separator = _SEPARATOR.match(text, at)
    return at if separator is None else separator.end()


def _value_end(text: str, at: int) -> int:
    """Return the place after the value at `at`; `at` itself if there is none."""
    if text.startswith(_END_MARKER, at):
        return at + len(_END_MARKER)
    try:
        return int(_decode(text, at)[1])
    except (ValueError, RecursionError):
        return at
