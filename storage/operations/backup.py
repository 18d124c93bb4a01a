"""Backup and restore of a SQLite database: one file, proven before it gets its name.

PostgreSQL has pg_dump and its own archiving; here it is told so.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from storage.database import leases
from storage.database.sqlite import PRAGMAS, SqliteConnection
from storage.migrations import head, upgrade
from storage.operations.audit import AuditReport, audit

KEEP = 7
_NAME = "farthing-*.db"
_MAGIC, _HEADER = b"SQLite format 3", 100


class BackupFailed(Exception):
    """The sentence says what was wrong; nothing was kept or changed."""


def sqlite_path(url: str) -> Path:
    """The database's file; raises BackupFailed for a PostgreSQL URL."""
    if not url.startswith("sqlite:"):
        raise BackupFailed("this database is PostgreSQL: use pg_dump and pg_restore, or your host's own backups")
    return Path(url.partition("://")[2].removeprefix("/"))


def backup(database: Path, folder: Path, now: datetime, keep: int = KEEP) -> Path:
    """A copy of this moment, checked and audited, beside at most `keep` - 1 older ones. Safe while Farthing runs."""
    if not database.is_file():
        raise BackupFailed(f"there is no database at {database}")
    final = folder / f"farthing-{now:%Y%m%d-%H%M%S}.db"
    with _said(f"{database} could not be copied to {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        with _unfinished(final) as copy:
            with closing(_open(database)) as raw:
                raw.execute("VACUUM INTO ?", (str(copy),))
            copy.chmod(0o600)
            prove(copy)
            _into_place(copy, final)
    for old in sorted(folder.glob(_NAME), reverse=True)[keep:]:
        old.unlink()
    return final


def restore(saved: Path, database: Path, now: datetime) -> Path | None:
    """Put `saved` in the database's place; where the old one was put. Raises BackupFailed while anybody uses it."""
    if not saved.is_file():
        raise BackupFailed(f"there is no file {saved}")
    prove(saved)
    _refuse_while_used(database, now)
    with _said(f"{saved} could not be put in the place of {database}"), _unfinished(database) as copy:
        shutil.copyfile(saved, copy)
        copy.chmod(0o600)
        aside = _set_aside(database, now)
        _into_place(copy, database)
    return aside


def prove(copy: Path) -> None:
    """A whole file, with sound books. Raises BackupFailed."""
    if _is_cut_short(copy):
        raise BackupFailed(f"{copy} is damaged: its end is missing")
    try:
        with closing(_open(copy)) as raw:
            raw.execute("PRAGMA query_only = ON")
            (verdict,) = raw.execute("PRAGMA integrity_check").fetchone()
            report = _audited(raw, copy) if verdict == "ok" else None
    except sqlite3.Error as error:
        raise BackupFailed(f"{copy} is no database of Farthing's: {error}") from error
    if report is None:
        raise BackupFailed(f"{copy} is damaged: {verdict}")
    if not report.ok:
        raise BackupFailed(f"{copy} has unsound books: {report.problems[0]}")


def _audited(raw: sqlite3.Connection, path: Path) -> AuditReport:
    """Another release's books are looked at in a copy that is brought up to date: the file stays as it is."""
    if raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(head(),)]:
        return audit(SqliteConnection(raw))
    with TemporaryDirectory() as folder:
        scratch = Path(folder) / "today.db"
        with closing(sqlite3.connect(scratch)) as target:
            raw.backup(target)
        try:
            upgrade(f"sqlite:///{scratch}")
        except Exception as error:
            what = f"{path} is of another release and can't be brought up to this one"
            raise BackupFailed(f"{what}: {error}") from error
        with closing(_open(scratch)) as migrated:
            return audit(SqliteConnection(migrated))


def _is_cut_short(path: Path) -> bool:
    """By the header's own count of pages; SQLite reads what is missing of a last page as zeros. A WAL may hold more."""
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if not head.startswith(_MAGIC) or path.with_name(f"{path.name}-wal").exists():
        return False
    page = int.from_bytes(head[16:18], "big")
    return path.stat().st_size < int.from_bytes(head[28:32], "big") * (65_536 if page == 1 else page)


def _open(path: Path) -> sqlite3.Connection:
    name = quote(str(path.absolute()).lstrip("/"))
    raw = sqlite3.connect(f"file:///{name}?mode=rw", uri=True, isolation_level=None)
    for pragma in PRAGMAS:
        raw.execute(f"PRAGMA {pragma}")
    raw.execute("PRAGMA wal_autocheckpoint = 0")  # the running writer's business
    return raw


def _refuse_while_used(database: Path, now: datetime) -> None:
    """What can't be read is in nobody's service: it is what a backup is for."""
    alive: list[Any] = []
    if database.is_file():
        with suppress(sqlite3.DatabaseError), closing(_open(database)) as raw:
            alive = _living(SqliteConnection(raw), now)
    if alive:
        raise BackupFailed(f"Farthing is running on {database} (process {alive[0]['pid']}): stop it first")


def _living(conn: SqliteConnection, now: datetime) -> list[Any]:
    if not conn.rows("SELECT 1 AS one FROM sqlite_master WHERE name = 'leases'"):
        return []
    is_dead = leases.dead(conn, now, "")
    return [lease for lease in conn.rows("SELECT id, pid FROM leases") if not is_dead(lease["id"])]


def _set_aside(database: Path, now: datetime) -> Path | None:
    """Whole, in one file: what its WAL held is written back first. What is left of a damaged one's goes with it."""
    if not database.is_file():
        return None
    with suppress(sqlite3.DatabaseError), closing(_open(database)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    aside = database.with_name(f"{database.name}.before-{now:%Y%m%d-%H%M%S}")
    try:
        os.link(database, aside)  # it keeps its own name until the new one takes it
    except OSError:  # a file system without links
        database.rename(aside)
    with suppress(FileNotFoundError):
        database.with_name(f"{database.name}-wal").rename(aside.with_name(f"{aside.name}-wal"))
    database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
    return aside


@contextmanager
def _said(what: str) -> Iterator[None]:
    """What the disk or SQLite says becomes a sentence."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{what}: {error}") from error


@contextmanager
def _unfinished(final: Path) -> Iterator[Path]:
    """A name for the work; whatever is left there is taken away."""
    copy = final.with_name(f"{final.name}.unfinished")
    copy.unlink(missing_ok=True)
    try:
        yield copy
    finally:
        for left in ("", "-wal", "-shm", "-journal"):
            copy.with_name(copy.name + left).unlink(missing_ok=True)


def _into_place(copy: Path, final: Path) -> None:
    """On the disk before it has its name, and its name on the disk before anybody is told."""
    _sync(copy)
    copy.replace(final)
    _sync(final.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
