"""`make texts`, which brings catalogs in line with the English one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from locales import FOLDER
from locales.catalogs import SOURCE, TRANSLATION
from tests.locales.russian import HEADER, TEXTS, with_russian
from tools import texts
from tools.texts import translation_text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_russian(tmp_path)


def test_catalog_gets_every_english_text_in_its_order(folder: Path) -> None:
    made = translation_text(folder, "ru")
    assert 'msgctxt "command.new"\nmsgid "Start a new conversation"\nmsgstr "Начать новый разговор"\n' in made
    assert 'msgctxt "command.stop"\nmsgid "Stop the answer"\nmsgstr ""\n' in made
    assert 'msgctxt "forget.done {n}"' in made
    assert made.count('msgstr[2] ""') > 10
    assert made.count("msgctxt") == (folder / "en" / SOURCE).read_text().count("msgctxt")
    assert "nplurals=3" in made


def test_second_run_changes_nothing(folder: Path) -> None:
    once = translation_text(folder, "ru")
    (folder / "ru" / TRANSLATION).write_text(once)
    assert translation_text(folder, "ru") == once


def test_changed_english_text_makes_its_translation_fuzzy(folder: Path) -> None:
    source = folder / "en" / SOURCE
    source.write_text(source.read_text().replace('msgid "Start a new conversation"', 'msgid "Start afresh"'))
    made = translation_text(folder, "ru")
    entry = '#, fuzzy\n#| msgid "Start a new conversation"\nmsgctxt "command.new"\nmsgid "Start afresh"\nmsgstr "Начать'
    assert entry in made
    (folder / "ru" / TRANSLATION).write_text(made)
    assert translation_text(folder, "ru") == made


def test_former_text_is_kept_whole_until_the_translation_is_mended(folder: Path) -> None:
    source, path, long = folder / "en" / SOURCE, folder / "ru" / TRANSLATION, "word " * 40
    source.write_text(source.read_text().replace('msgid "Invoice"', f'msgid "{long}"'))
    path.write_text((HEADER + TEXTS).replace('msgid "Invoice"', f'msgid "{long}"'))
    source.write_text(source.read_text().replace(f'msgid "{long}"', 'msgid "Invoice"'))
    once = translation_text(folder, "ru")
    assert f'#| msgid "{long}"\n' in once
    path.write_text(once)
    assert translation_text(folder, "ru") == once
    path.write_text(once.replace("#, fuzzy\n", ""))
    assert long not in translation_text(folder, "ru")


def test_text_that_is_gone_from_english_goes(folder: Path) -> None:
    path = folder / "ru" / TRANSLATION
    path.write_text(HEADER + TEXTS + '\nmsgctxt "old.text"\nmsgid "Old"\nmsgstr "Старый"\n')
    assert "Старый" not in translation_text(folder, "ru")


def test_new_language_begins_with_its_plural_rule(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(texts, "FOLDER", folder)
    texts.main(["ar"])
    assert "nplurals=6" in (folder / "ar" / TRANSLATION).read_text()
    assert "locales/ar/messages.po" in capsys.readouterr().out


@pytest.mark.skipif(not shutil.which("msgfmt"), reason="GNU gettext is not installed")
@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/messages.po*")), ids=str)
def test_gettext_takes_the_catalogs(path: Path) -> None:
    command = ["msgfmt", "--check-format", "-o", os.devnull, str(path)]
    assert subprocess.run(command, check=False, capture_output=True).stderr == b""
