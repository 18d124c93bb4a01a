"""Catalogs: keys, forms, and the texts that are left out."""

from pathlib import Path

import pytest

from locales.catalogs import LocaleText, read

HEADER = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'


def test_source_gives_its_english_texts(tmp_path: Path) -> None:
    (tmp_path / "messages.pot").write_text(HEADER + '\nmsgctxt "a.b"\nmsgid "Tea"\nmsgstr ""\n')
    assert read(tmp_path) == {"a.b": LocaleText(("Tea",))}


def test_empty_and_fuzzy_translations_are_left_out(tmp_path: Path) -> None:
    entries = ('msgctxt "a"\nmsgid "Tea"\nmsgstr ""', '#, fuzzy\nmsgctxt "b"\nmsgid "Milk"\nmsgstr "Sữa"')
    (tmp_path / "messages.po").write_text("\n\n".join((HEADER, *entries, 'msgctxt "c"\nmsgid "Cup"\nmsgstr "Cốc"\n')))
    assert read(tmp_path) == {"c": LocaleText(("Cốc",))}


def test_two_texts_of_one_key_are_refused(tmp_path: Path) -> None:
    two = '\nmsgctxt "a"\nmsgid "Tea"\nmsgstr ""\n\nmsgctxt "a"\nmsgid "Milk"\nmsgstr ""\n'
    (tmp_path / "messages.pot").write_text(HEADER + two)
    with pytest.raises(ValueError, match="two texts have the key a"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("value", "form"), [(1, "one"), ("1", "one"), (-1, "one"), (0, "many"), (7, "many"), ("7", "many"), ("x", "many")]
)
def test_form_is_chosen_by_the_counted_value(value: object, form: str) -> None:
    text = LocaleText(("one", "many"), "n", lambda n: int(n != 1))
    assert text.form({"n": value}) == form
    assert text.general == text.form({}) == "many"
