"""audit, backup, restore and rollup, run from a shell."""

import shutil
from pathlib import Path

import pytest

from main.__main__ import main
from tests.databases import migrated_database


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory of the command line, with a database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///farthing.db")
    monkeypatch.delenv("FARTHING_CONFIG", raising=False)
    (tmp_path / "farthing.db").write_bytes(migrated_database())
    return tmp_path


def test_audit_without_a_database_makes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///some/books.db")
    assert main(["audit"]) == 2
    assert "could not be checked" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_audit_does_not_change_the_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "some").mkdir()
    shutil.copyfile("farthing.db", "some/books.db")
    before = (folder / "some/books.db").read_bytes()
    monkeypatch.setenv("DATABASE_URL", "sqlite:///some/books.db")
    assert main(["audit", "--full"]) == 0
    assert [each.name for each in (folder / "some").iterdir()] == ["books.db"]
    assert (folder / "some/books.db").read_bytes() == before


def test_audit_of_an_unreadable_file_is_neither_clean_nor_a_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{folder}/text.db")
    (folder / "text.db").write_text("no database " * 500)
    assert main(["audit"]) == 2
    assert "could not be checked" in capsys.readouterr().err


def test_backup_can_be_restored(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup"]) == 0
    (made,) = (folder / "backups").glob("*.db")
    assert str(made.relative_to(folder)) in capsys.readouterr().out
    (folder / "farthing.db").unlink()
    assert main(["restore", str(made)]) == 0
    assert main(["audit"]) == 0
    assert main(["audit", "--full"]) == 0


def test_backup_goes_to_the_given_folder(folder: Path) -> None:
    assert main(["backup", "elsewhere"]) == 0
    (made,) = (folder / "elsewhere").glob("*.db")
    assert made.with_name(f"{made.name}.sha256").is_file()
    assert not (folder / "backups").exists()


def test_failed_restore_changes_nothing_and_gives_the_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (folder / "farthing.db").read_bytes()
    assert main(["restore", "nowhere.db"]) == 1
    assert "Nothing was restored: there is no file nowhere.db" in capsys.readouterr().err
    assert (folder / "farthing.db").read_bytes() == before


def test_backup_of_postgresql_names_its_own_tools(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert folder.exists()
    monkeypatch.setenv("DATABASE_URL", "postgres://u:secret@127.0.0.1:1/db")
    assert main(["backup"]) == 1
    message = capsys.readouterr().err
    assert "pg_dump" in message
    assert "secret" not in message


@pytest.mark.parametrize("arguments", [["rollup"], ["rollup", "--rebuild"]])
def test_rollup_reports_the_number_of_attempts(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert folder.exists()
    assert main(arguments) == 0
    assert capsys.readouterr().out == "0 attempts were rolled up.\n"


def test_commands_refuse_an_old_schema(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{folder}/empty.db")
    shutil.copyfile("farthing.db", "empty.db")
    (folder / "empty.db").write_bytes(b"")
    assert main(["rollup"]) == 2
    assert main(["audit"]) == 2
    assert capsys.readouterr().err.count("run `python -m main migrate`") == 2


def test_damaged_database_stops_the_start_with_advice(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "k")
    (folder / "farthing.toml").write_text("[routing]\nfresh_prices = false\n")
    (folder / "farthing.db").write_text("no database " * 500)
    assert main(["web"]) == 1
    message = capsys.readouterr().err
    assert "sqlite:///farthing.db can't be opened: file is not a database" in message
    assert "main restore" in message
