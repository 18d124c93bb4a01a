"""Where a text stands: file and line by key, for the messages of failed tests."""

import re
from collections.abc import Iterable
from pathlib import Path

import locales

ROOT = Path(__file__).parents[2]
READERS = ("bot", "web", "scheduler", "main")
MODULES = {"texts": locales.THEMES, "invoice": ("invoice",), "miniapp": ("miniapp",)}


def text_at(code: str, key: str, part: str = "texts") -> str:
    """Return `locales/vi/chat.py:12: key`; the folder of the language where it has no such text."""
    for module in MODULES[part]:
        path = ROOT / "locales" / code / f"{module}.py"
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            if line.lstrip().startswith(f'"{key}":'):
                return f"{path.relative_to(ROOT)}:{number}: {key}"
    return f"locales/{code}: {key}"


def texts_at(code: str, keys: Iterable[str], part: str = "texts") -> list[str]:
    return sorted(text_at(code, key, part) for key in keys)


def uses_of(keys: Iterable[str]) -> list[str]:
    """Return `bot/access.py:12: key` for the first place in the code that has each key, or its beginning."""
    return sorted(_use_of(key) for key in keys)


def _use_of(key: str) -> str:
    quoted = re.compile(rf"""["']{re.escape(key)}["'{{]""")
    for folder in READERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                if quoted.search(line):
                    return f"{path.relative_to(ROOT)}:{number}: {key}"
    return key
