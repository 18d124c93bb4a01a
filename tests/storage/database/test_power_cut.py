"""Commits that survive a power cut.

A kill -9 can't simulate that, because the kernel keeps a killed process's writes.
"""

import shutil
import sqlite3
from pathlib import Path

import pytest

from storage.database import sqlite_setup

apsw = pytest.importorskip("apsw")
COMMITS = 100


def survivors(template: Path, folder: Path, pragmas: tuple[str, ...], *, levels: tuple[str, ...] = ()) -> int:
    """Return how many of COMMITS acknowledged commits remain after a power cut.

    `levels`: the level of `synchronous` of each commit, in turn.
    """
    from tests.storage.power import Disk  # noqa: PLC0415 - only where apsw is

    path, disk = folder / "cut.db", Disk()
    shutil.copyfile(template, path)
    conn = apsw.Connection(str(path), vfs=disk.name)
    for pragma in (*sqlite_setup.PRAGMAS, *pragmas):
        conn.execute(f"PRAGMA {pragma}")
    for number in range(COMMITS):
        if levels:
            conn.execute(f"PRAGMA synchronous = {levels[number % len(levels)]}")
        conn.execute("BEGIN IMMEDIATE")
        conn.execute("INSERT INTO watermarks (name, value) VALUES (?, 'x')", (f"commit {number}",))
        conn.execute("COMMIT")
    for name in ("cut.db", "cut.db-wal"):  # the power cut: only the synced bytes remain
        shutil.copyfile(folder / name, folder / f"after-{name}")
    conn.close()
    after = sqlite3.connect(folder / "after-cut.db")
    assert after.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    found = after.execute("SELECT count(*) FROM watermarks WHERE name LIKE 'commit %'").fetchone()[0]
    after.close()
    return int(found)


def test_power_cut_loses_no_acknowledged_commit(sqlite_template: Path, tmp_path: Path) -> None:
    assert survivors(sqlite_template, tmp_path, sqlite_setup.WRITER_PRAGMAS) == COMMITS


def test_power_cut_would_lose_commits_with_synchronous_normal(sqlite_template: Path, tmp_path: Path) -> None:
    weaker = tuple(pragma.replace("FULL", "NORMAL") for pragma in sqlite_setup.WRITER_PRAGMAS)
    assert weaker != sqlite_setup.WRITER_PRAGMAS
    assert survivors(sqlite_template, tmp_path, weaker) < COMMITS


def test_commit_that_syncs_later_survives_with_the_next_one(sqlite_template: Path, tmp_path: Path) -> None:
    levels = ("NORMAL", "FULL")
    assert survivors(sqlite_template, tmp_path, sqlite_setup.WRITER_PRAGMAS, levels=levels) == COMMITS
    tmp_path.joinpath("other").mkdir()
    other = ("FULL", "NORMAL")
    assert survivors(sqlite_template, tmp_path / "other", sqlite_setup.WRITER_PRAGMAS, levels=other) == COMMITS - 1
