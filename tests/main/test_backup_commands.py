from pathlib import Path

import pytest

from main.__main__ import main
from storage.migrations import upgrade


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a database, from where the command line is used."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///farthing.db")
    monkeypatch.delenv("FARTHING_CONFIG", raising=False)
    upgrade("sqlite:///farthing.db")
    return tmp_path


def test_backup_and_restore_go_there_and_back(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backup"]) == 0
    (made,) = (house / "backups").iterdir()
    assert str(made.relative_to(house)) in capsys.readouterr().out
    (house / "farthing.db").unlink()
    assert main(["restore", str(made)]) == 0
    assert main(["audit"]) == 0
    assert main(["audit", "--full"]) == 0


def test_what_cannot_be_restored_leaves_everything_and_says_why(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (house / "farthing.db").read_bytes()
    assert main(["restore", "nowhere.db"]) == 1
    assert "Nothing was restored: there is no file nowhere.db" in capsys.readouterr().err
    assert (house / "farthing.db").read_bytes() == before


def test_postgresql_is_sent_to_its_own_tools(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert house.exists()
    monkeypatch.setenv("DATABASE_URL", "postgres://u:secret@127.0.0.1:1/db")
    assert main(["backup"]) == 1
    told = capsys.readouterr().err
    assert "pg_dump" in told
    assert "secret" not in told


def test_books_that_cannot_be_read_are_neither_clean_nor_unsound(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{house}/text.db")
    (house / "text.db").write_text("no database " * 500)
    assert main(["audit"]) == 2
    assert "could not be checked" in capsys.readouterr().err


def test_a_damaged_database_stops_the_start_with_the_way_out(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEEPSEEK_API_KEY", "k")
    (house / "farthing.toml").write_text("[routing]\nfresh_prices = false\n")
    (house / "farthing.db").write_text("no database " * 500)
    assert main(["web"]) == 1
    told = capsys.readouterr().err
    assert "sqlite:///farthing.db can't be opened: file is not a database" in told
    assert "main restore" in told
