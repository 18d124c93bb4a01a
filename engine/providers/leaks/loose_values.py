"""Values that a model wrote in the manner of Python, JavaScript or Gemma, read in linear time.

Texts have one of four quotation marks, names of properties need none, and a word without quotation marks is a text.
"""

import json
import re
from typing import Any

_MOST_DEPTH = 40
_QUOTED = re.compile(
    r"""(?P<json>"(?:[^"\\]++|\\.)*+")|'(?P<single>(?:[^'\\]++|\\.)*+)'"""
    r"""|<\|"\|>(?P<gemma>.*?)<\|"\|>|<escape>(?P<escaped>.*?)<escape>""",
    re.DOTALL,
)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?=\s*(?:[,\]})]|\Z))")
_WORD = re.compile(r"[^\s,\[\]{}()\"'<>=:][^,\[\]{}()\"'<>\n]*")
_NAME = re.compile(r"[^\s,\[\]{}()\"'<>=:]{1,200}")
_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_BLANKS = re.compile(r"\s*")


def value_at(text: str, at: int, depth: int = 0) -> tuple[Any, int]:
    """Return the value that begins at `at`, and where it ends. Raises ValueError."""
    at = after_blanks(text, at)
    sign = text[at : at + 1]
    if depth > _MOST_DEPTH:
        raise ValueError("nested too deeply")
    if sign == "{":
        return members_at(text, at + 1, "}", ":", depth + 1)
    if sign == "[":
        return _items_at(text, at + 1, depth + 1)
    if (quoted := _QUOTED.match(text, at)) is not None:
        return _text_of(quoted), quoted.end()
    if (number := _NUMBER.match(text, at)) is not None:
        return json.loads(number.group()), number.end()
    if (word := _WORD.match(text, at)) is None:
        raise ValueError("no value")
    said = word.group().strip()
    return _WORDS.get(said, said), word.end()


def members_at(text: str, at: int, closer: str, sign: str, depth: int = 0) -> tuple[dict[str, Any], int]:
    """Return the properties from `at` to `closer`, and where that ends. `sign`: between a name and its value.

    Raises ValueError.
    """
    found: dict[str, Any] = {}
    while not text.startswith(closer, at := after_blanks(text, at)):
        name, at = _name_at(text, at)
        at = _after(text, at, sign)
        found[name], at = value_at(text, at, depth)
        at = _after_comma(text, at, closer)
    return found, at + 1


def after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _items_at(text: str, at: int, depth: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    while not text.startswith("]", at := after_blanks(text, at)):
        value, at = value_at(text, at, depth)
        found.append(value)
        at = _after_comma(text, at, "]")
    return found, at + 1


def _name_at(text: str, at: int) -> tuple[str, int]:
    if (quoted := _QUOTED.match(text, at)) is not None:
        return _text_of(quoted), quoted.end()
    if (name := _NAME.match(text, at)) is None:
        raise ValueError("no name")
    return name.group(), name.end()


def _after(text: str, at: int, sign: str) -> int:
    if not text.startswith(sign, at := after_blanks(text, at)):
        raise ValueError(f"no {sign}")
    return at + 1


def _after_comma(text: str, at: int, closer: str) -> int:
    """Return the place after a comma, or that of `closer`; one comma may come before it. Raises ValueError."""
    at = after_blanks(text, at)
    return at if text.startswith(closer, at) else _after(text, at, ",")


def _text_of(quoted: re.Match[str]) -> str:
    """Return a text without its quotation marks. Within those of JSON and Python, escaped characters are read."""
    for kind in ("gemma", "escaped"):
        if (plain := quoted[kind]) is not None:
            return plain
    single = quoted["single"]
    written = quoted["json"] if single is None else '"' + single.replace("\\'", "'").replace('"', '\\"') + '"'
    try:
        return str(json.loads(written, strict=False))
    except ValueError:  # an escape that JSON lacks, as in a regular expression
        return written[1:-1]
