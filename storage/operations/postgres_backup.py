"""Backup and restore of a PostgreSQL database by its own pg_dump and pg_restore, with a checksum beside the file.

A restore first renames the schema with the present content.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from storage.database import leases
from storage.database.checksums import write_sum
from storage.database.files import create_private
from storage.database.postgres import PostgresConnection, Raw, connect
from storage.migrations import head
from storage.operations.audit import audit
from storage.operations.backup import KEEP, BackupFailed, delete_old, refuse_changed

_NAME = "farthing-*.dump"
_ASIDE, _SCRATCH = "before", "farthing_check"
_HOURS_AT_MOST = 6
_ENVIRONMENT = {each.keyword.decode(): each.envvar.decode() for each in Conninfo.get_defaults() if each.envvar}
"""The variable of each setting of a connection, as libpq names them."""


def has_tools() -> bool:
    """Return whether this machine has PostgreSQL's client programs."""
    return all(shutil.which(tool) is not None for tool in ("pg_dump", "pg_restore"))


def backup_postgres(url: str, folder: Path, now: datetime, keep: int = KEEP) -> tuple[Path, bool]:
    """Save a dump with its checksum, and delete all but the newest `keep`. Return its path, and whether it was audited.

    The dump shows one moment; Farthing may be running. If the account may create databases, the dump is restored into a
    scratch database and audited there. Raises BackupFailed.
    """
    final = folder / f"farthing-{now:%Y%m%d-%H%M%S}.dump"
    unfinished = final.with_name(f"{final.name}.unfinished")
    with _as_backup_failed(f"the database could not be saved in {folder}"):
        folder.resolve().mkdir(parents=True, exist_ok=True)  # the folder may be a link into a volume
        unfinished.unlink(missing_ok=True)
        create_private(unfinished)
        try:
            options = ("--format=custom", "--no-owner", "--no-privileges", f"--exclude-schema={_ASIDE}_*")
            _run(url, "pg_dump", *options, f"--file={unfinished}")
            is_audited = _checked(url, unfinished, now)
            write_sum(unfinished, final)
            unfinished.replace(final)
        finally:
            unfinished.unlink(missing_ok=True)
    delete_old(folder, _NAME, keep)
    return final, is_audited


def restore_postgres(saved: Path, url: str, now: datetime) -> str | None:
    """Replace the database's content by `saved`. Return the name of the schema with the old content, if there was any.

    Raises BackupFailed, also while a process uses the database; the database is unchanged then.
    """
    _check_sum(saved)
    with _as_backup_failed(f"{saved} could not be restored"):
        _run(url, "pg_restore", "--list", str(saved))
        with _opened(url) as raw:
            conn = PostgresConnection(raw)
            _refuse_while_used(conn, now)
            aside = _set_aside(conn, now)
            try:
                _restore_into(url, saved)
            except BaseException:  # also on Ctrl-C
                _put_back(conn, aside)
                raise
            if not _has_tables(conn, aside):
                raw.execute(f'DROP SCHEMA "{aside}" CASCADE'.encode())
                return None
    return aside


def _restore_into(url: str, saved: Path) -> None:
    name = str(conninfo_to_dict(url)["dbname"])
    options = ("--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", f"--dbname={name}")
    _run(url, "pg_restore", *options, str(saved))


def _checked(url: str, saved: Path, now: datetime) -> bool:
    """Restore the dump into a scratch database and audit it. Return False if the account may not create one."""
    name = f"{_SCRATCH}_{now:%Y%m%d%H%M%S}_{os.getpid()}"
    scratch = make_conninfo(url, dbname=name)
    with _opened(url) as raw:
        try:
            raw.execute(f'CREATE DATABASE "{name}" TEMPLATE template0'.encode())
        except errors.InsufficientPrivilege:
            _run(url, "pg_restore", "--list", str(saved))
            return False
        try:
            _restore_into(scratch, saved)
            _audit(scratch)
        finally:
            raw.execute(f'DROP DATABASE "{name}"'.encode())
    return True


def _audit(url: str) -> None:
    with _opened(url) as raw:
        conn = PostgresConnection(raw)
        if [each["version_num"] for each in conn.rows("SELECT version_num FROM alembic_version")] != [head()]:
            raise BackupFailed("the database is not up to date: run `python -m main migrate`")
        report = audit(conn)
    if not report.ok:
        raise BackupFailed(f"the dump fails the audit: {report.problems[0]}")


def _refuse_while_used(conn: PostgresConnection, now: datetime) -> None:
    """Raise BackupFailed if a process with a valid lease uses the database."""
    if conn.rows("SELECT to_regclass('leases') AS found")[0]["found"] is None:
        return
    is_dead = leases.dead(conn, now, "")
    alive = [each for each in conn.rows("SELECT id, pid FROM leases") if not is_dead(each["id"])]
    if alive:
        raise BackupFailed(f"Farthing is running on this database (process {alive[0]['pid']}): stop it first")


def _set_aside(conn: PostgresConnection, now: datetime) -> str:
    """Rename the schema with its content, and create an empty one in its place."""
    aside = f"{_ASIDE}_{now:%Y%m%d_%H%M%S}"
    with conn.raw.transaction():
        conn.run(f'ALTER SCHEMA public RENAME TO "{aside}"')
        conn.run("CREATE SCHEMA public")
    return aside


def _put_back(conn: PostgresConnection, aside: str) -> None:
    with conn.raw.transaction():
        conn.run("DROP SCHEMA public CASCADE")
        conn.run(f'ALTER SCHEMA "{aside}" RENAME TO public')


def _has_tables(conn: PostgresConnection, schema: str) -> bool:
    sql = "SELECT 1 AS one FROM pg_tables WHERE schemaname = :schema LIMIT 1"
    return bool(conn.rows(sql, schema=schema))


def _run(url: str, tool: str, *arguments: str) -> None:
    """Run a PostgreSQL tool. The password is in its environment, because all users of a machine can read arguments."""
    program = shutil.which(tool)
    if program is None:
        raise BackupFailed(f"{tool} is not on this machine: install PostgreSQL's client programs (postgresql-client)")
    done = subprocess.run(  # noqa: S603 - the tools of this module, no shell
        [program, *arguments],
        check=False,
        env={**os.environ, **_variables(conninfo_to_dict(url))},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=_HOURS_AT_MOST * 3600,
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise BackupFailed(f"{tool} failed: {reason[0]}")


def _variables(settings: Mapping[str, Any]) -> dict[str, str]:
    return {_ENVIRONMENT[name]: str(value) for name, value in settings.items() if name in _ENVIRONMENT}


def _check_sum(saved: Path) -> None:
    """Raise BackupFailed if the file is missing, or is not the one that was saved."""
    if not saved.is_file():
        raise BackupFailed(f"there is no file {saved}")
    refuse_changed(saved)


@contextmanager
def _opened(url: str) -> Iterator[Raw]:
    """Connect without the time limit of the service's statements."""
    with closing(connect(url)) as raw:
        raw.execute("SET statement_timeout = 0")
        yield raw


@contextmanager
def _as_backup_failed(failure: str) -> Iterator[None]:
    """Turn errors of the disk and of PostgreSQL into BackupFailed."""
    try:
        yield
    except (OSError, psycopg.Error, subprocess.TimeoutExpired) as error:
        raise BackupFailed(f"{failure}: {error}") from error
