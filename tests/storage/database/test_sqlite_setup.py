"""Connections to a SQLite file, and the version of the library."""

import sqlite3
from pathlib import Path

import pytest

from storage.database import sqlite_setup
from storage.database.sqlite_setup import connect


def test_file_that_is_no_database_is_closed_again(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("no database " * 500)
    with pytest.raises(sqlite3.DatabaseError) as kept:  # the error keeps its traceback, and so the frames, alive
        connect(str(path), writer=True)
    opened = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
    assert kept.value.args
    assert str(path) not in opened


@pytest.mark.parametrize(("version", "logged"), [((3, 51, 2), True), ((3, 51, 3), False)])
def test_old_sqlite_is_logged_once(
    version: tuple[int, int, int], logged: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
    sqlite_setup.warn_if_old.cache_clear()
    with caplog.at_level("INFO"):
        sqlite_setup.warn_if_old()
        sqlite_setup.warn_if_old()
    assert len(caplog.records) == logged
