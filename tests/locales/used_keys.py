"""The keys of texts that the code uses: as literals, as arguments, and as beginnings that f-strings complete."""

import ast
import re
from collections.abc import Iterator

import locales
from tests.locales.places import KEY_PLACES, READERS, ROOT

ENGLISH = locales.LANGUAGES["en"]
NOT_KEYS = {"chat.completion", "error.type"}
FILES = (".png", ".csv", ".pdf", ".js")


def trees() -> Iterator[ast.AST]:
    for folder in READERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from ast.walk(ast.parse(path.read_text()))


def literals() -> set[str]:
    """Return the string constants that look like a key of an existing group."""
    groups = {key.partition(".")[0] for key in ENGLISH.texts if "." in key}
    found = {node.value for node in trees() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    keys = {
        word for word in found if re.fullmatch(r"[a-z_]+\.[A-Za-z0-9_]+", word) and word.partition(".")[0] in groups
    }
    plain = {word for word in found if word in ENGLISH.texts}
    return {key for key in keys | plain if key not in NOT_KEYS and not key.endswith((*FILES, "_"))}


def called() -> set[str]:
    """Return the literal keys passed to the functions and methods of KEY_PLACES."""
    found = set()
    for node in trees():
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            place = KEY_PLACES.get(node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id)
            if place is not None and len(node.args) > place:
                key = node.args[place]
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    found.add(key.value)
    return found


def beginnings() -> set[str]:
    """Return the fixed beginnings of keys that f-strings complete."""
    heads = {
        node.values[0].value
        for node in trees()
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant)
    }
    groups = {key.partition(".")[0] for key in ENGLISH.texts}
    return {
        head
        for head in heads
        if isinstance(head, str) and re.fullmatch(r"[a-z_]+\.[a-z_]*", head) and head.partition(".")[0] in groups
    }
