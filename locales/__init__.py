"""Texts and formats that people read: one folder a language, found with pkgutil."""

import pkgutil
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib import import_module

from locales.formats import Amount, Formats

DEFAULT = "en"
THEMES = ("chat", "conversations", "errors", "money", "operators", "web")
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

    An amount of money, a whole number or a date is written as the language writes it; `{usd:price}` and
    `{usd:exact}` are other forms of an amount, `{day:month}` of a date. Raises KeyError for an unknown key.
    """
    found = find(language)
    template = found.texts[key]
    return _Formatter(found.formats).vformat(template, (), values) if values else template


def find(language: str) -> Language:
    """The language of a tag such as `vi` or `pt-BR`; English where there is none."""
    return LANGUAGES.get(language.partition("-")[0].lower(), LANGUAGES[DEFAULT])


def written(formats: Formats, value: object, form: str = "") -> str:
    """Return a value as the language writes it. Any other than an amount, a number or a date is only a string."""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return formats.count(value)
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return formats.amount(value, max(0, -exponent) if isinstance(exponent, int) else 0)
    if isinstance(value, date):
        return formats.month(value) if form == "month" else formats.day(value)
    if isinstance(value, Amount):
        return {"": formats.money, "price": formats.price, "exact": formats.exact}[form](value)
    return str(value)


class _Formatter(string.Formatter):
    def __init__(self, formats: Formats) -> None:
        self._formats = formats

    def format_field(self, value: object, format_spec: str) -> str:
        one, bar, other = format_spec.partition("|")
        if bar:
            return one if str(value) == "1" else other
        return written(self._formats, value, format_spec)


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


LANGUAGES: Mapping[str, Language] = {
    entry.name: _load(entry.name) for entry in pkgutil.iter_modules(__path__) if entry.ispkg
}
