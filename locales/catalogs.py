"""Texts of one language, read from its gettext catalog.

`en/messages.pot` is the source: an entry's context (`msgctxt`) is the text's key, its `msgid` the English text. Other
languages translate it in `xx/messages.po`. The context of an entry with plural forms names the number that selects the
form: `group.share {n}`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from gettext import c2py
from pathlib import Path

from babel.messages.catalog import Catalog as PoCatalog
from babel.messages.catalog import Message as PoMessage
from babel.messages.pofile import read_po

SOURCE = "messages.pot"
TRANSLATION = "messages.po"


@dataclass(frozen=True, slots=True)
class LocaleText:
    """A text in the forms of its language: one form, or several plural forms selected by the value `count`."""

    forms: tuple[str, ...]
    count: str = ""
    choose: Callable[[int], int] = int

    @property
    def general(self) -> str:
        """The only form, or the last one, which fits most numbers."""
        return self.forms[-1]

    def form(self, values: Mapping[str, object]) -> str:
        number = str(values.get(self.count, ""))
        if len(self.forms) == 1 or not number.lstrip("-").isdecimal():
            return self.general
        return self.forms[self.choose(abs(int(number)))]


def read(folder: Path) -> dict[str, LocaleText]:
    """Return the texts of a language by key. Missing translations, and those marked as fuzzy, are left out."""
    source = folder / SOURCE
    catalog = parse(source if source.exists() else folder / TRANSLATION)
    texts: dict[str, LocaleText] = {}
    for message in entries(catalog):
        key, count = key_of(message)
        if key in texts:
            message_of = f"{folder.name}: two texts have the key {key}"
            raise ValueError(message_of)
        forms = forms_of(message.id if source.exists() else message.string)
        if all(forms) and not message.fuzzy:
            texts[key] = LocaleText(forms, count, c2py(catalog.plural_expr)) if count else LocaleText(forms)
    return texts


def parse(path: Path) -> PoCatalog:
    with path.open("rb") as file:
        return read_po(file, locale=None, abort_invalid=True)


def entries(catalog: PoCatalog) -> Iterator[PoMessage]:
    """Yield the entries without the header, in the order of the file."""
    return (message for message in catalog if message.id)


def key_of(message: PoMessage) -> tuple[str, str]:
    """Return an entry's key, and the placeholder of the number that selects the form, if there is one."""
    key, _, count = (message.context or "").partition(" ")
    return key, count.strip("{}")


def forms_of(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text or ("",))
