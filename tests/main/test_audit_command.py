import shutil
from pathlib import Path

import pytest

from main.__main__ import main
from storage.migrations import upgrade


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "sqlite:///some/books.db")
    monkeypatch.delenv("FARTHING_CONFIG", raising=False)
    return tmp_path


def test_an_audit_of_no_database_makes_none(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit"]) == 2
    assert "could not be checked" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


def test_an_audit_leaves_the_file_as_it_is(folder: Path) -> None:
    upgrade("sqlite:///new.db")
    (folder / "some").mkdir()
    shutil.copyfile("new.db", "some/books.db")
    before = (folder / "some/books.db").read_bytes()
    assert main(["audit", "--full"]) == 0
    assert [each.name for each in (folder / "some").iterdir()] == ["books.db"]
    assert (folder / "some/books.db").read_bytes() == before
