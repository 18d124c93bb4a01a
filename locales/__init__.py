"""Texts and formats that people read: one folder a language, with its gettext catalog."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path

from babel import Locale

from locales.catalogs import TRANSLATION, LocaleText, read
from locales.formats import Formats, is_amount

DEFAULT = "en"
FOLDER = Path(__file__).parent
INVOICE, MINIAPP, FORMAT = "pdf.", "page.", "format."
"""The beginnings of the keys of the printed invoice, of the Mini App and of the formats."""
SAMPLES = range(201)
"""Numbers that together need every plural form of every language."""


@dataclass(frozen=True)
class Language:
    """A folder of `locales`: its texts by key. A text that has no translation is English."""

    code: str
    sentences: Mapping[str, LocaleText]

    @cached_property
    def locale(self) -> Locale:
        return Locale.parse(self.code)

    @cached_property
    def name(self) -> str:
        """The language's own name, such as `Tiếng Việt`."""
        name = self.locale.get_display_name(self.locale) or self.code
        return name[:1].upper() + name[1:]

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The texts of the bot and of the HTTP pages, each in the plural form that fits most numbers."""
        others = (INVOICE, MINIAPP, FORMAT)
        return {key: text.general for key, text in self.sentences.items() if not key.startswith(others)}

    @cached_property
    def invoice(self) -> Mapping[str, str]:
        return {key: text.general for key, text in self._part(INVOICE).items()}

    @cached_property
    def miniapp(self) -> Mapping[str, str | Mapping[str, str]]:
        """The texts of the Mini App. A text with plural forms is a mapping: `count`, and a form by CLDR category."""
        return {key: self._for_page(text) for key, text in self._part(MINIAPP).items()}

    @cached_property
    def formats(self) -> Formats:
        return Formats(self.locale, {key: text.general for key, text in self._part(FORMAT).items()})

    def _for_page(self, text: LocaleText) -> str | Mapping[str, str]:
        if not text.count:
            return text.general
        forms = {self.locale.plural_form(n): text.form({text.count: n}) for n in reversed(SAMPLES)}
        return {"other": text.general} | forms | {"count": text.count}

    def _part(self, beginning: str) -> dict[str, LocaleText]:
        found = {key: text for key, text in self.sentences.items() if key.startswith(beginning)}
        return {key.removeprefix(beginning): text for key, text in found.items()}


def text(language: str, key: str, /, **values: object) -> str:
    """Return the text of a key, filled in, in the plural form that its number requires.

    Amounts of money, whole numbers and dates are written in the language's format; `{usd:price}` and `{usd:exact}` are
    other forms of an amount, `{day:month}` of a date; `{at:time}`, `{at:clock}`, `{at:seconds}` and `{at:moment}` of a
    moment. `{tokens:count.tokens}` is another text, about that number. Raises KeyError for an unknown key.
    """
    found = find(language)
    sentence = found.sentences.get(key)
    if sentence is None:
        raise KeyError(f"no text has the key {key}: add it to locales/en/messages.pot, then run `make texts`")
    return _filled(found, sentence, values) if values else sentence.general


def find(language: str) -> Language:
    """Return the language of a tag such as `vi` or `pt-BR`; English if it is not available."""
    if (exact := LANGUAGES.get(language)) is not None:
        return exact
    tag = language.replace("-", "_").lower()
    by_tag = {code.lower(): each for code, each in LANGUAGES.items()}
    return by_tag.get(tag) or by_tag.get(tag.partition("_")[0]) or LANGUAGES[DEFAULT]


def in_zone(value: object, zone: tzinfo) -> object:
    """Return a moment in a reader's time zone. Other values, and moments without a zone, are returned unchanged."""
    return value.astimezone(zone) if isinstance(value, datetime) and value.tzinfo is not None else value


def written(formats: Formats, value: object, form: str = "") -> str:
    """Return a value in the language's format. Anything but an amount, a number or a date becomes a plain string."""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, int):
        return formats.count(value)
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        return formats.amount(value, max(0, -exponent) if isinstance(exponent, int) else 0)
    if isinstance(value, date):
        return _dated(formats, value, form)
    if is_amount(value):
        return {"": formats.money, "price": formats.price, "exact": formats.exact}[form](value)
    return str(value)


def _dated(formats: Formats, value: date, form: str) -> str:
    forms = {"time": formats.time, "clock": formats.clock, "seconds": formats.seconds, "moment": formats.moment}
    if isinstance(value, datetime) and form in forms:
        return forms[form](value)
    return formats.month(value) if form == "month" else formats.day(value)


def load(folder: Path) -> dict[str, Language]:
    """Return the languages of a folder, English first."""
    english = read(folder / DEFAULT)
    codes = sorted(path.parent.name for path in folder.glob(f"*/{TRANSLATION}"))
    return {DEFAULT: Language(DEFAULT, english)} | {
        code: Language(code, english | read(folder / code)) for code in codes
    }


def _filled(language: Language, sentence: LocaleText, values: Mapping[str, object]) -> str:
    """Fill in a sentence. `str.format` can't be told how to write values, and `string.Formatter` is slow."""
    return "".join(
        literal if name is None else literal + _field(language, values[name], form)
        for literal, name, form in _parsed(sentence.form(values))
    )


def _field(language: Language, value: object, form: str) -> str:
    counted = language.sentences.get(form)
    return (
        written(language.formats, value, form)
        if counted is None
        else _filled(language, counted, {counted.count: value})
    )


@cache
def _parsed(sentence: str) -> tuple[tuple[str, str | None, str], ...]:
    """Return the pieces of a sentence: text, and after it the name of a value and its form; a name of None: neither."""
    return tuple((literal, name, form or "") for literal, name, form, _ in string.Formatter().parse(sentence))


LANGUAGES: Mapping[str, Language] = load(FOLDER)
