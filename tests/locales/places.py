"""The position of a text (file and line, by key), for messages of failed tests."""

import re
from collections.abc import Iterable
from pathlib import Path

import locales
from locales.catalogs import SOURCE, TRANSLATION
from tools.texts import place

ROOT = Path(__file__).parents[2]
READERS = ("bot", "web", "scheduler", "main")
PARTS = {"texts": "", "invoice": locales.INVOICE, "miniapp": locales.MINIAPP}
"""The beginning of the keys of each part of a language's texts."""


def text_at(code: str, key: str, part: str = "texts") -> str:
    """Return `locales/vi/messages.po:12: key`; without a line number if the file has no such text."""
    return place(ROOT / "locales" / code / (SOURCE if code == "en" else TRANSLATION), PARTS[part] + key)


def texts_at(code: str, keys: Iterable[str], part: str = "texts") -> list[str]:
    return sorted(text_at(code, key, part) for key in keys)


def uses_of(keys: Iterable[str]) -> list[str]:
    """Return `bot/access.py:12: key` for the first place in the code that contains each key or its beginning."""
    return sorted(_use_of(key) for key in keys)


def _use_of(key: str) -> str:
    quoted = re.compile(rf"""["']{re.escape(key)}["'{{]""")
    for folder in READERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                if quoted.search(line):
                    return f"{path.relative_to(ROOT)}:{number}: {key}"
    return key


KEY_PLACES = {
    "t": 0,
    "text": 1,
    "notify": 1,
    "notify_admins": 0,
    "deliver": 1,
    "tell_admins": 1,
    "tell_admins_once": 2,
    "tell_admin_once": 3,
}
"""The position of the key among the arguments of the functions that send or return a text."""
