"""Backup and restore of a SQLite database, as one file that is checked and audited before it gets its final name."""

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
from storage.database.checksums import is_changed, sum_of, write_sum
from storage.database.files import create_private
from storage.database.sqlite_setup import PRAGMAS, SqliteConnection
from storage.migrations import head, upgrade
from storage.operations.audit import AuditReport, audit

KEEP = 7
_NAME = "farthing-*.db"
_MAGIC, _HEADER = b"SQLite format 3", 100


class BackupFailed(Exception):
    """A backup or restore failed; nothing was stored or replaced. The message is a sentence for the operator."""


def sqlite_path(url: str) -> Path:
    """Return the path of the database file. Raises BackupFailed for a PostgreSQL URL."""
    if not url.startswith("sqlite:"):
        raise BackupFailed("this database is PostgreSQL, not a file of SQLite")
    return Path(url.partition("://")[2].removeprefix("/"))


def backup(database: Path, folder: Path, now: datetime, keep: int = KEEP) -> Path:
    """Save a checked and audited copy, delete all but the newest `keep` copies, and return the copy's path.

    Farthing may be running. Raises BackupFailed.
    """
    if not database.is_file():
        raise BackupFailed(f"there is no database at {database}")
    final = folder / f"farthing-{now:%Y%m%d-%H%M%S}.db"
    with _as_backup_failed(f"{database} could not be copied to {folder}"):
        folder.resolve().mkdir(parents=True, exist_ok=True)  # the folder may be a link into a volume
        with _temporary_name(final) as copy:
            create_private(copy)
            with closing(_open(database)) as raw:
                raw.execute("VACUUM INTO ?", (str(copy),))
            verify(copy)
            write_sum(copy, final)
            _move_into_place(copy, final)
    delete_old(folder, _NAME, keep)
    return final


def restore(saved: Path, database: Path, now: datetime) -> Path | None:
    """Replace the database by `saved` and return the path to which the old one was moved, if there was one.

    Raises BackupFailed, also while a process uses the database.
    """
    if not saved.is_file():
        raise BackupFailed(f"there is no file {saved}")
    with _as_backup_failed(f"{saved} could not be read"):
        refuse_changed(saved)
    verify(saved)
    _refuse_while_used(database, now)
    with _as_backup_failed(f"{saved} could not replace {database}"), _temporary_name(database) as copy:
        create_private(copy)
        shutil.copyfile(saved, copy)
        aside = _set_aside(database, now)
        _move_into_place(copy, database)
    return aside


def refuse_changed(saved: Path) -> None:
    """Raise BackupFailed if the file is not the one that was saved."""
    if is_changed(saved):
        raise BackupFailed(f"{saved} is damaged: its checksum is not the one in {sum_of(saved).name}")


def delete_old(folder: Path, pattern: str, keep: int) -> None:
    """Delete all but the newest `keep` backups with their checksums. Raises BackupFailed if one can't be deleted."""
    with _as_backup_failed("a new backup was saved, but an older one could not be deleted"):
        for old in sorted(folder.glob(pattern), reverse=True)[keep:]:
            old.unlink()
            sum_of(old).unlink(missing_ok=True)


def verify(copy: Path) -> None:
    """Check that the file is complete and that its audit is clean. Raises BackupFailed."""
    if _is_cut_short(copy):
        raise BackupFailed(f"{copy} is damaged: its end is missing")
    try:
        with closing(_open(copy)) as raw:
            raw.execute("PRAGMA query_only = ON")
            (verdict,) = raw.execute("PRAGMA integrity_check").fetchone()
            report = _audited(raw, copy) if verdict == "ok" else None
    except sqlite3.Error as error:
        raise BackupFailed(f"{copy} is not a Farthing database: {error}") from error
    if report is None:
        raise BackupFailed(f"{copy} is damaged: {verdict}")
    if not report.ok:
        raise BackupFailed(f"{copy} fails the audit: {report.problems[0]}")


def _audited(raw: sqlite3.Connection, path: Path) -> AuditReport:
    """Audit the database.

    If it is of another release, a temporary copy is migrated and audited; the file stays unchanged.
    """
    if raw.execute("SELECT version_num FROM alembic_version").fetchall() == [(head(),)]:
        return audit(SqliteConnection(raw))
    with TemporaryDirectory() as folder:
        scratch = Path(folder) / "today.db"
        with closing(sqlite3.connect(scratch)) as target:
            raw.backup(target)
        try:
            upgrade(f"sqlite:///{scratch}")
        except Exception as error:
            raise BackupFailed(f"{path} is of another release and can't be migrated to this one: {error}") from error
        with closing(_open(scratch)) as migrated:
            return audit(SqliteConnection(migrated))


def _is_cut_short(path: Path) -> bool:
    """Return whether the file has fewer pages than its header says; SQLite would read the missing rest as zeros.

    False while a WAL exists, because it may hold the missing pages.
    """
    with path.open("rb") as file:
        head = file.read(_HEADER)
    if not head.startswith(_MAGIC) or path.with_name(f"{path.name}-wal").exists():
        return False
    page = int.from_bytes(head[16:18], "big")
    return path.stat().st_size < int.from_bytes(head[28:32], "big") * (65_536 if page == 1 else page)


def _open(path: Path) -> sqlite3.Connection:
    name = quote(str(path.absolute()).lstrip("/"))
    raw = sqlite3.connect(f"file:///{name}?mode=rw", uri=True, isolation_level=None)
    try:
        for pragma in PRAGMAS:
            raw.execute(f"PRAGMA {pragma}")
        raw.execute("PRAGMA wal_autocheckpoint = 0")  # a running writer does the checkpoints
    except BaseException:
        raw.close()
        raise
    return raw


def _refuse_while_used(database: Path, now: datetime) -> None:
    """Raise BackupFailed if a process with a valid lease uses the database. An unreadable database is not in use."""
    alive: list[Any] = []
    if database.is_file():
        with suppress(sqlite3.DatabaseError), closing(_open(database)) as raw:
            alive = _valid_leases(SqliteConnection(raw), now)
    if alive:
        raise BackupFailed(f"Farthing is running on {database} (process {alive[0]['pid']}): stop it first")


def _valid_leases(conn: SqliteConnection, now: datetime) -> list[Any]:
    if not conn.rows("SELECT 1 AS one FROM sqlite_master WHERE name = 'leases'"):
        return []
    is_dead = leases.dead(conn, now, "")
    return [lease for lease in conn.rows("SELECT id, pid FROM leases") if not is_dead(lease["id"])]


def _set_aside(database: Path, now: datetime) -> Path | None:
    """Rename the old database after writing its WAL back. If it is damaged, its WAL is renamed with it."""
    if not database.is_file():
        return None
    with suppress(sqlite3.DatabaseError), closing(_open(database)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    aside = database.with_name(f"{database.name}.before-{now:%Y%m%d-%H%M%S}")
    try:
        os.link(database, aside)  # the old file keeps its name until the new one replaces it
    except OSError:  # a file system without hard links
        database.rename(aside)
    with suppress(FileNotFoundError):
        database.with_name(f"{database.name}-wal").rename(aside.with_name(f"{aside.name}-wal"))
    database.with_name(f"{database.name}-shm").unlink(missing_ok=True)
    return aside


@contextmanager
def _as_backup_failed(failure: str) -> Iterator[None]:
    """Turn errors of the disk and of SQLite into BackupFailed."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{failure}: {error}") from error


@contextmanager
def _temporary_name(final: Path) -> Iterator[Path]:
    """Yield a path beside `final` for the unfinished file, and delete files left there."""
    copy = final.with_name(f"{final.name}.unfinished")
    copy.unlink(missing_ok=True)
    try:
        yield copy
    finally:
        for left in ("", "-wal", "-shm", "-journal"):
            copy.with_name(copy.name + left).unlink(missing_ok=True)


def _move_into_place(copy: Path, final: Path) -> None:
    """Rename the file. It is synced to disk before, and its folder after."""
    _sync(copy)
    copy.replace(final)
    _sync(final.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
