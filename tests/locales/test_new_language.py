"""A folder with a few translations is a language: all other texts are English, and the checks name them."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import locales
from documents.invoice import invoice_pdf
from engine.money import Money
from locales.catalogs import TRANSLATION
from tests.documents.sample import invoice
from tests.documents.test_invoice import read
from tests.locales.russian import HEADER, PLURALS, TEXTS, with_russian
from tools.texts import problems, translation_text
from web.miniapp.routes import _texts


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the languages, with Russian among them."""
    made = with_russian(tmp_path)
    monkeypatch.setattr(locales, "LANGUAGES", locales.load(made))
    return made


@pytest.mark.usefixtures("folder")
class TestRussian:
    def test_missing_text_is_english(self) -> None:
        assert locales.text("ru-RU", "command.new") == "Начать новый разговор"
        assert locales.text("ru", "command.stop") == locales.text("en", "command.stop")

    @pytest.mark.parametrize(
        ("n", "noun"), [(1, "ответ"), (3, "ответа"), (5, "ответов"), (21, "ответ"), (112, "ответов")]
    )
    def test_plural_has_the_forms_of_the_language(self, n: int, noun: str) -> None:
        said = locales.text("ru", "group.share", name="Аня", usd=Money.usd("1234.5"), n=n)
        assert said == f"• Аня: 1\xa0234,50 $, {n} {noun}"

    def test_english_text_within_it_keeps_english_plurals(self) -> None:
        assert locales.text("ru", "margin.chart", days=1) == "Margin over 1 day"
        assert locales.text("ru", "margin.chart", days=21) == "Margin over 21 days"

    def test_numbers_and_dates_are_those_of_the_language(self) -> None:
        formats = locales.find("ru").formats
        assert formats.count(100_000) == "100\xa0000"
        assert formats.amount(Decimal("-1234.5"), 2) == "−1\xa0234,50"
        assert formats.day(date(2026, 3, 5)) == "5 мар. 2026"
        assert locales.find("ru").name == "Русский"

    def test_invoice_is_printed_in_it(self) -> None:
        assert read(invoice_pdf(invoice(), "Аня", "ru")).startswith("Счёт\n")

    def test_mini_app_gets_it(self) -> None:
        texts = json.loads(_texts().decode().removeprefix("export const TEXTS = ").rstrip(";\n"))["ru"]
        assert texts["tab.keys"] == "Ключи"
        assert texts["tab.spend"] == locales.LANGUAGES["en"].miniapp["tab.spend"]
        forms = {"one": "{n} токен", "few": "{n} токена", "many": "{n} токенов", "other": "{n} токенов"}
        assert texts["tokens"] == {**forms, "count": "n"}


def test_checks_name_the_missing_texts(folder: Path) -> None:
    found = problems(folder, "ru")
    assert len(found) == len(locales.LANGUAGES["en"].sentences) - 5
    assert "locales/ru/messages.po: command.stop: is missing: run `make texts`, then translate it" in found
    (folder / "ru" / TRANSLATION).write_text(translation_text(folder, "ru"))
    assert any(line.endswith(": command.stop: is not translated") for line in problems(folder, "ru"))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('msgid "Invoice"', 'msgid "Bill"', "stands for another English text"),
        ('msgctxt "pdf.invoice"', 'msgctxt "pdf.bill"', "is not in English"),
        ("{usd}, {n} ответов", "{usd}, {m} ответов", "has the placeholders ['m', 'name', 'usd']"),
        ('msgstr[2] "{n} токенов"\n', "", "is not translated"),
        ('msgctxt "pdf.invoice"', '#, fuzzy\nmsgctxt "pdf.invoice"', "is fuzzy"),
    ],
)
def test_checks_find_a_wrong_translation(tmp_path: Path, old: str, new: str, fault: str) -> None:
    right, wrong = HEADER + TEXTS, (HEADER + TEXTS).replace(old, new)
    assert right != wrong
    assert not [
        line for line in problems(with_russian(tmp_path / "right", right), "ru") if fault in line and "pdf" in line
    ]
    assert [line for line in problems(with_russian(tmp_path / "wrong", wrong), "ru") if fault in line]


@pytest.mark.parametrize("rule", ["nplurals=2; plural=(n != 1);", "nplurals=1; plural=0;"])
def test_checks_find_a_plural_rule_of_another_language(tmp_path: Path, rule: str) -> None:
    folder = with_russian(tmp_path, HEADER.replace(PLURALS, rule))
    assert any("contradicts the Unicode CLDR" in line for line in problems(folder, "ru"))
