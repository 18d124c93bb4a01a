"""Tool calls that a model wrote as calls of functions, in Python's or Gemma's manner."""

import re
from collections.abc import Mapping
from typing import Any

from engine.providers.leaks.loose_values import after_blanks, members_at

MOST_CALLS = 128
_CALL = re.compile(r"(?P<printed>print\(\s*)?(?P<name>[A-Za-z_][\w.:/-]{0,199})\s*\(")
_GEMMA = re.compile(r"call:(?P<name>[A-Za-z_][\w.:/-]{0,199})\s*\{")


def python_calls(text: str, at: int) -> tuple[list[tuple[str, Mapping[str, Any]]], int]:
    """Return the names and arguments of the calls at `at`, in a list or one after another, and where they end.

    Raises ValueError.
    """
    is_list = text.startswith("[", at)
    at = at + 1 if is_list else at
    found: list[tuple[str, Mapping[str, Any]]] = []
    while (call := _CALL.match(text, at := after_blanks(text, at))) is not None:
        arguments, at = members_at(text, call.end(), ")", "=")
        if call["printed"]:
            at = _after(text, at, ")")
        found.append((call["name"], arguments))
        at = after_blanks(text, at)
        at = at + 1 if is_list and text.startswith(",", at) else at
        if len(found) > MOST_CALLS:
            raise ValueError(f"over {MOST_CALLS} calls")
    if not found:
        raise ValueError("no call")
    return found, _after(text, at, "]") if is_list else at


def gemma_call(text: str, at: int) -> tuple[str, Mapping[str, Any], int]:
    """Return the name and the arguments of the call at `at`, and where it ends. Raises ValueError."""
    if (call := _GEMMA.match(text, at)) is None:
        raise ValueError("no call")
    arguments, end = members_at(text, call.end(), "}", ":")
    return call["name"], arguments, end


def _after(text: str, at: int, sign: str) -> int:
    if not text.startswith(sign, at := after_blanks(text, at)):
        raise ValueError(f"no {sign}")
    return at + 1
