"""Modes of the database's files."""

import logging
from pathlib import Path

import pytest

from storage.database.database import open_database
from storage.database.files import create_private, make_private


def mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"


def modes(folder: Path) -> list[str]:
    return [mode(path) for path in folder.iterdir()]


def test_new_file_is_private_and_an_existing_one_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    create_private(path)
    assert mode(path) == "600"
    path.write_text("kept")
    create_private(path)
    assert path.read_text() == "kept"


def test_files_beside_the_database_become_private_too(tmp_path: Path) -> None:
    paths = [tmp_path / f"a.db{end}" for end in ("", "-wal", "-shm", "-journal")]
    for path in paths:
        path.write_text("x")
        path.chmod(0o664)
    other = tmp_path / "a.db.txt"
    other.write_text("x")
    other.chmod(0o644)
    make_private(tmp_path / "a.db")
    assert {mode(path) for path in paths} == {"600"}
    assert mode(other) == "644"


def test_missing_file_is_left_missing(tmp_path: Path) -> None:
    make_private(tmp_path / "a.db")
    assert list(tmp_path.iterdir()) == []


def test_file_whose_mode_cannot_change_is_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: Path, __: int) -> None:
        raise PermissionError("not the owner")

    (tmp_path / "a.db").write_text("x")
    (tmp_path / "a.db").chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    with caplog.at_level(logging.WARNING):
        make_private(tmp_path / "a.db")
    assert "can be read by others" in caplog.text


async def test_open_database_is_private_with_its_log(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    path.chmod(0o644)
    async with open_database(f"sqlite:///{path}") as db:
        await db.write(lambda conn: conn.run("CREATE TABLE t (x)"))
        assert modes(tmp_path) == ["600", "600", "600"]
