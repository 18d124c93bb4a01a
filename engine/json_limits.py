"""Limits for JSON from outside: parsing must neither block the event loop nor crash the interpreter.

The number of values bounds the time and the memory of parsing: 8 MB of `[{},{},...]` would take half a second and 200
MB. The depth bounds the recursion of code that reads or writes the values.
"""

import re
from collections.abc import Iterable
from typing import Any

MOST_VALUES = 200_000
MOST_DEPTH = 100
# matches an unclosed string too, so that the search takes linear time
_TEXT = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{}:,]', re.DOTALL)


def has_too_many_values(json: str, most: int = MOST_VALUES) -> bool:
    """Return whether a JSON text has more than `most` values, counted by the separators outside strings."""
    return _separators(json) > most and _separators(_TEXT.sub("", json)) > most


def open_brackets(line: str) -> int:
    """Return how many brackets a line of JSON opens, minus those that it closes. Strings do not span lines."""
    plain = _TEXT.sub("", line) if '"' in line else line
    return plain.count("{") + plain.count("[") - plain.count("}") - plain.count("]")


def too_deep(value: Any, most: int = MOST_DEPTH) -> str:
    """Return the path of the first value that is nested over `most` levels deep, cut after four parts; else ""."""
    level: list[tuple[Any, tuple[str, ...]]] = [(value, ())]
    for _ in range(most):
        level = [child for each in level for child in _children(*each)]
        if not level:
            return ""
    found = next((path for each, path in level if isinstance(each, dict | list)), None)
    return "" if found is None else ".".join(found)


def too_deep_unparsed(json: bytes, most: int = MOST_DEPTH) -> str:
    """Return the path as `too_deep` does, for a JSON text that is too deep to be parsed."""
    open_: list[str | int] = []  # the key or index in each object or list that is still open
    text = b""
    for token in _TOKENS.finditer(json):
        mark = token.group()
        if mark in {b"{", b"["}:
            open_.append(0 if mark == b"[" else "")
            if len(open_) > most:
                return ".".join(str(part)[:_PART_CHARS] for part in open_[: min(_PATH_PARTS, most)])
        elif mark in {b"}", b"]"}:
            open_ = open_[:-1]
        elif not open_:
            continue
        elif mark == b":":
            open_[-1] = text.decode(errors="replace")
        elif mark != b",":
            text = mark[1:-1]
        elif isinstance(last := open_[-1], int):
            open_[-1] = last + 1
    return ""


def _children(value: Any, path: tuple[str, ...]) -> Iterable[tuple[Any, tuple[str, ...]]]:
    """Return the objects and lists directly within `value`, with their paths."""
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    else:
        return ()
    return [
        (each, path if len(path) == _PATH_PARTS else (*path, str(name)[:_PART_CHARS]))
        for name, each in pairs
        if isinstance(each, dict | list)
    ]


def _separators(json: str) -> int:
    return json.count(",") + json.count("[") + json.count("{")


_PATH_PARTS, _PART_CHARS = 4, 64
