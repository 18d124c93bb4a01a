"""Upkeep of the translations: `python -m tools.texts [LANGUAGE]` brings every catalog in line with the English one.

A new English text appears in each `locales/xx/messages.po` with an empty translation. A translation whose English text
has changed is marked as fuzzy, with the former English text beside it. A text that was removed from English is removed.
With the code of a new language, its catalog is created.
"""

import re
import sys
from collections.abc import Mapping
from gettext import c2py
from io import BytesIO
from pathlib import Path
from string import Formatter

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.plurals import get_plural
from babel.messages.pofile import normalize, write_po

from locales import FOLDER
from locales.catalogs import SOURCE, TRANSLATION, entries, forms_of, key_of, parse

HEADER = """\
# Texts of Farthing in {language}{source}. See "Texts" in CONTRIBUTING.md.
msgid ""
msgstr ""
"Project-Id-Version: Farthing\\n"
"Language: {code}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plurals}\\n"

"""
SAMPLES = range(1001)
_PERCENT = re.compile(r"^#, python-format\n|(?<=#, )python-format, |, python-format\b", re.MULTILINE)
"""Babel takes a percent sign for a placeholder, and marks its text with this flag."""


def source_text(folder: Path) -> str:
    """Return the English catalog in the form that its file should have."""
    return _file("en", parse(folder / "en" / SOURCE), {})


def translation_text(folder: Path, code: str) -> str:
    """Return a language's catalog in the form that its file should have: all English texts, translated or not."""
    path = folder / code / TRANSLATION
    catalog = parse(path) if path.exists() else Catalog(locale=code)
    known, merged = {key_of(each)[0]: each for each in entries(catalog)}, Catalog(fuzzy=False)
    merged.mime_headers = [("Plural-Forms", _plural_forms(catalog))]
    former = {
        english.context or "": _add(merged, english, known.get(key_of(english)[0]), catalog.num_plurals)
        for english in entries(parse(folder / "en" / SOURCE))
    }
    return _file(code, merged, former)


def problems(folder: Path, code: str) -> list[str]:
    """Return one line for each text of a language that is missing, outdated or wrong."""
    path = folder / code / TRANSLATION
    english = {key_of(each): each for each in entries(parse(folder / "en" / SOURCE))}
    catalog = parse(path)
    known = {key_of(each): each for each in entries(catalog)}
    found = [(key, "is not in English") for key in known if key not in english]
    found += [(key, fault) for key in english for fault in _faults(english[key], known.get(key), catalog.num_plurals)]
    lines = [f"{place(path, key)}: {fault}" for (key, _), fault in found]
    return lines + _plural_faults(path, catalog)


def place(path: Path, key: str) -> str:
    """Return `locales/vi/messages.po:12: key`; without a line number if the file has no such text."""
    name = f"locales/{path.parent.name}/{path.name}"
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if line.startswith((f'msgctxt "{key}"', f'msgctxt "{key} ')):
            return f"{name}:{number}: {key}"
    return f"{name}: {key}"


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def main(arguments: list[str]) -> int:
    """Rewrite every catalog, and print the texts that need a translator."""
    codes = {path.parent.name for path in FOLDER.glob(f"*/{TRANSLATION}")} | {
        Locale.parse(code).language for code in arguments
    }
    (FOLDER / "en" / SOURCE).write_text(source_text(FOLDER))
    for code in sorted(codes):
        text = translation_text(FOLDER, code)
        (FOLDER / code).mkdir(exist_ok=True)
        (FOLDER / code / TRANSLATION).write_text(text)
        if found := problems(FOLDER, code):
            count = f"locales/{code}/{TRANSLATION}: {len(found)} texts need a translator; until then they are English"
            sys.stdout.write("\n".join([*found, count]) + "\n")
    return 0


def _add(catalog: Catalog, english: Message, known: Message | None, plurals: int) -> list[str]:
    """Add an English entry with its translation, which becomes fuzzy if the English text has changed.

    Return the lines of the former English text of a fuzzy translation.
    """
    empty = ("",) * plurals if _has_forms(english) else ""
    if known is None or _has_forms(known) != _has_forms(english) or not any(forms_of(known.string)):
        known = Message(english.id, empty)
    changed = known.id != english.id
    catalog.add(
        english.id,
        known.string,
        flags=["fuzzy"] if changed or known.fuzzy else [],
        auto_comments=english.auto_comments,
        user_comments=[each for each in known.user_comments if not each.startswith("|")],
        context=english.context,
    )
    if changed:
        return _former(known)
    return [each for each in known.user_comments if each.startswith("|")] if known.fuzzy else []


def _former(message: Message) -> list[str]:
    """Return the English text before its change, as lines of `#| msgid`, which Babel reads as comments."""
    names = ("msgid", "msgid_plural")
    texts = zip(names, forms_of(message.id), strict=False)
    return [f"| {line}" for name, text in texts for line in f"{name} {normalize(text, width=0)}".splitlines()]


def _has_forms(message: Message) -> bool:
    return not isinstance(message.id, str)


def _faults(english: Message, known: Message | None, plurals: int) -> list[str]:
    """Return the faults of one translation."""
    if known is None:
        return ["is missing: run `make texts`, then translate it"]
    if known.id != english.id:
        return ["stands for another English text: run `make texts`"]
    forms = forms_of(known.string)
    if not all(forms):
        return ["is not translated"]
    if known.fuzzy:
        return ["is fuzzy: the English text has changed; translate it anew and take the mark away"]
    if _has_forms(english) and len(forms) != plurals:
        return [f"has {len(forms)} plural forms, and the language has {plurals}"]
    return _placeholder_faults(english, forms)


def _placeholder_faults(english: Message, forms: tuple[str, ...]) -> list[str]:
    """Return a fault if placeholders differ. One form of a plural may leave out the number: `an answer`."""
    wanted, (_, count) = placeholders(forms_of(english.id)[-1]), key_of(english)
    single = len(forms) == 1
    for form in forms:
        got = placeholders(form)
        if got != wanted and (single or not count or got | {count} != wanted):
            return [f"has the placeholders {sorted(got)}, and English has {sorted(wanted)}"]
    return []


def _plural_faults(path: Path, catalog: Catalog) -> list[str]:
    """Return a fault if the header's rule treats numbers alike that the Unicode CLDR distinguishes."""
    choose, category = c2py(catalog.plural_expr), Locale.parse(path.parent.name).plural_form
    pairs = {(category(number), choose(number)) for number in SAMPLES}
    names, forms = {name for name, _ in pairs}, {form for _, form in pairs}
    enough = len(forms) >= min(len(names), get_plural(path.parent.name)[0])
    fits = len(pairs) == len(names) and enough and forms <= set(range(catalog.num_plurals))
    return [] if fits else [f"locales/{path.parent.name}/{path.name}: Plural-Forms contradicts the Unicode CLDR"]


def _file(code: str, catalog: Catalog, former: Mapping[str, list[str]]) -> str:
    """Return a catalog as text: with a short header without dates, and no line breaks within the lines of a text."""
    body = BytesIO()
    write_po(body, catalog, width=0, omit_header=True, ignore_obsolete=True)
    language, source = Locale.parse(code).english_name, ", the source of every translation" if code == "en" else ""
    header = HEADER.format(language=language, source=source, code=code, plurals=_plural_forms(catalog))
    text = _PERCENT.sub("", body.getvalue().decode())
    for context, lines in former.items():
        entry = f"msgctxt {normalize(context)}\n"
        text = text.replace(entry, "".join(f"#{line}\n" for line in lines) + entry) if lines else text
    return header + text


def _plural_forms(catalog: Catalog) -> str:
    return f"nplurals={catalog.num_plurals}; plural={catalog.plural_expr};"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
