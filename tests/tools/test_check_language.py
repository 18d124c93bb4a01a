"""Tests of the docstring language check."""

from pathlib import Path

import pytest

from tools import check_language


@pytest.mark.parametrize("word", ["What", "Who", "Whose", "Whoever", "Whatever", "Nobody"])
def test_sentence_that_begins_with_a_refused_word_is_reported(word: str) -> None:
    assert check_language.refused_sentences(f"{word} pays.") == [f"{word} pays."]
    assert check_language.refused_sentences(f"One hold. {word} pays.\n\nMore.") == [f"{word} pays."]
    assert check_language.refused_sentences(f"One hold: {word} pays") == [f"{word} pays"]


def test_other_sentences_pass() -> None:
    assert check_language.refused_sentences("Return what is left. Whole numbers only; somewhat rounded.") == []


def test_docstrings_of_modules_classes_and_functions_are_checked(tmp_path: Path) -> None:
    source = tmp_path / "sample.py"
    source.write_text(
        '"""What it is."""\n\nclass A:\n    """Who it is."""\n\n    async def b(self):\n        """Whose it is."""\n'
        "\ndef c():\n    '''Fine.'''\n\ndef d():\n    # What a comment says is not checked.\n    return 1\n",
        encoding="utf-8",
    )
    assert check_language.check_file(source) == [
        f"{source}:1: What it is.",
        f"{source}:4: Who it is.",
        f"{source}:7: Whose it is.",
    ]


def test_folders_are_searched_without_installed_packages_and_migrations(tmp_path: Path) -> None:
    for name in ("a/b.py", ".venv/c.py", "migrations/versions/d.py", ".mutants/e.py", "f.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    assert check_language.source_files([tmp_path]) == [tmp_path / "a/b.py"]


def test_exit_code_is_one_only_when_something_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "sample.py"
    source.write_text('"""Nobody."""\n', encoding="utf-8")
    assert check_language.main([str(tmp_path)]) == 1
    assert f"{source}:1: Nobody." in capsys.readouterr().out
    source.write_text('"""Somewhere."""\n', encoding="utf-8")
    assert check_language.main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == ""
