"""Limits for JSON from outside: parsing must neither block the event loop nor crash the interpreter.

The number of values bounds the time and the memory of parsing: 8 MB of `[{},{},...]` would take half a second and 200
MB. The depth bounds the recursion of code that reads or writes the values. The number of digits bounds the time for
each integer, which grows with its square.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

MOST_VALUES = 200_000
MOST_DEPTH = 100
MOST_DIGITS = 640
"""Digits of one integer: 20 MB of integers with 4,300 digits, Python's own limit, would take 0.4 seconds."""
# both match an unclosed string too, so that the search takes linear time
_TEXT = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}:,]', re.DOTALL)


def limit_digits() -> None:
    """Let this process refuse integers of over MOST_DIGITS digits, in JSON and elsewhere."""
    sys.set_int_max_str_digits(MOST_DIGITS)


def parsed(text: str) -> Any:
    """Return the value of a JSON text within a request or an answer, such as the arguments of a tool call.

    Raises ValueError for a text that is no JSON, or over the limits of this module.
    """
    if len(text) > MOST_VALUES and has_too_many_values(text):
        raise ValueError(f"over {MOST_VALUES:,} values")
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if text.count("[") + text.count("{") > MOST_DEPTH and too_deep(found):
        raise ValueError(f"nested deeper than {MOST_DEPTH} levels")
    return found


def has_too_many_values(text: str, most: int = MOST_VALUES) -> bool:
    """Return whether a JSON text has more than `most` values, counted by the separators outside strings.

    A text with so many quotes that cutting the strings out would take long has too many as well.
    """
    return _separators(text) > most and (text.count('"') > 4 * most or _separators(_TEXT.sub("", text)) > most)


def separators_in(texts: Sequence[str], most: int = MOST_VALUES) -> int:
    """Return the separators in several JSON texts; if there are over `most`, only those outside of strings."""
    found = sum(map(_separators, texts))
    if found <= most or sum(text.count('"') for text in texts) > 4 * most:
        return found
    return sum(_separators(_TEXT.sub("", text)) for text in texts)


def exceeds(value: Any, most: int) -> bool:
    """Return whether `value` holds over `most` values, on all its levels together."""
    level, number = _containers([value]), 0
    while level and number <= most:
        number += sum(map(len, level))
        level = _containers(child for each in level for child in (each.values() if type(each) is dict else each))
    return number > most


def open_brackets(line: str) -> int:
    """Return how many brackets a line of JSON opens, minus those that it closes. Strings do not span lines."""
    plain = _TEXT.sub("", line) if '"' in line else line
    return plain.count("{") + plain.count("[") - plain.count("}") - plain.count("]")


def too_deep(value: Any, most: int = MOST_DEPTH) -> str:
    """Return the path of the first value that is nested over `most` levels deep, cut after four parts; else ""."""
    if not _is_deeper(value, most):
        return ""
    level: list[tuple[Any, tuple[str, ...]]] = [(value, ())]
    for _ in range(most):
        level = [child for each in level for child in _children(*each)]
        if not level:
            return ""
    found = next((path for each, path in level if isinstance(each, dict | list)), None)
    return "" if found is None else ".".join(found)


def too_deep_unparsed(json: bytes, most: int = MOST_DEPTH) -> str:
    """Return the path as `too_deep` does, for a JSON text that is too deep to be parsed.

    The path is "" if it lies far behind the beginning: reading tokens takes time.
    """
    open_: list[str | int] = []  # the key or index in each object or list that is still open
    text = b""
    for token in islice(_TOKENS.finditer(json[:_READ_BYTES]), _READ_TOKENS):
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


def _is_deeper(value: Any, most: int) -> bool:
    level = _containers([value])
    for _ in range(most):
        level = _containers(child for each in level for child in (each.values() if type(each) is dict else each))
        if not level:
            return False
    return True


def _containers(values: Iterable[Any]) -> list[Any]:
    """Return the objects and lists among `values`."""
    return [value for value in values if type(value) is dict or type(value) is list]


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


def _separators(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


_PATH_PARTS, _PART_CHARS = 4, 64
_READ_BYTES, _READ_TOKENS = 4 * 1024 * 1024, 50_000
