"""Texts and formats that people read: one folder a language, found with pkgutil."""

import pkgutil
import string
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from locales.formats import Formats

DEFAULT = "en"
THEMES = ("chat", "errors", "money", "operators", "web")
"""The modules of a language that hold the texts of the bot and of the HTTP pages."""


@dataclass(frozen=True, slots=True)
class Language:
    """A folder of `locales`: the language's own name, the bot's texts, the invoice's, the Mini App's, the formats."""

    code: str
    name: str
    texts: Mapping[str, str]
    invoice: Mapping[str, str]
    miniapp: Mapping[str, str]
    formats: Formats


def text(language: str, key: str, /, **values: object) -> str:
    """The text of a key, filled in. `{n:file|files}` gives the first form where n is 1, else the second.

    Raises KeyError for an unknown key.
    """
    template = find(language).texts[key]
    if not values:
        return template
    return _FORMATTER.vformat(template, (), values) if "|" in template else template.format(**values)


def find(language: str) -> Language:
    """The language of a tag such as `vi` or `pt-BR`; English where there is none."""
    return LANGUAGES.get(language.partition("-")[0].lower(), LANGUAGES[DEFAULT])


class _PluralFormatter(string.Formatter):
    def format_field(self, value: object, format_spec: str) -> str:
        one, bar, other = format_spec.partition("|")
        if bar:
            return one if str(value) == "1" else other
        return str(super().format_field(value, format_spec))


def _load(code: str) -> Language:
    package = f"{__name__}.{code}"
    texts: dict[str, str] = {}
    for theme in THEMES:
        texts |= import_module(f"{package}.{theme}").TEXTS
    return Language(
        code,
        import_module(package).NAME,
        texts,
        import_module(f"{package}.invoice").TEXTS,
        import_module(f"{package}.miniapp").TEXTS,
        import_module(f"{package}.formats").FORMATS,
    )


_FORMATTER = _PluralFormatter()
LANGUAGES: Mapping[str, Language] = {
    entry.name: _load(entry.name) for entry in pkgutil.iter_modules(__path__) if entry.ispkg
}
