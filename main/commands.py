"""The sub-commands about the database: audit, backup, restore and roll-ups. Each returns the exit code."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from main.clock import SystemClock
from main.observability.logs import Redactor
from main.settings import Settings
from storage.database import sqlite
from storage.database.connection import Connection
from storage.database.database import migrations_pending, open_database
from storage.operations.audit import AuditReport, audit
from storage.operations.backup import BackupFailed, backup, restore, sqlite_path
from storage.operations.postgres_backup import backup_postgres, restore_postgres
from storage.reports import rollups

T = TypeVar("T")
NOT_AUDITED = " It is not audited: this account may not create a database to restore it into."
NOT_UP_TO_DATE = "The database is not up to date: run `python -m main migrate`."


async def run_audit(settings: Settings, *, full: bool = False) -> int:
    """Return 0 if the books are correct, 1 with the rows that break a rule, 2 if they could not be read.

    The audit continues from the last audited point; `full` checks every row.
    """
    try:
        report = await _read_only(settings.env.database_url, partial(_report, full=full))
    except Exception as error:  # noqa: BLE001 - any driver error means that nothing was checked
        reason = Redactor(settings.secrets()).hide(str(error))
        print(f"The books could not be checked: {reason}", file=sys.stderr)
        return 2
    if report is None:
        print(NOT_UP_TO_DATE, file=sys.stderr)
        return 2
    for problem in report.problems:
        print(f"{problem.check}: {problem.rule}, but: {problem.row}")
    checked = ", ".join(f"{name} {number}" for name, number in report.checked.items())
    print(f"{'clean' if report.ok else f'{len(report.problems)} problems'}; rows checked: {checked}")
    return 0 if report.ok else 1


def run_backup(settings: Settings, folder: str) -> int:
    """Return 0 with the new file's name, or 1 with the reason for the failure."""
    section, url, note = settings.config.backup, settings.env.database_url, ""
    target, now = Path(folder or section.folder or "."), SystemClock.now()
    try:
        if url.startswith("sqlite:"):
            made = backup(sqlite_path(url), target, now, section.keep)
        else:
            made, is_audited = backup_postgres(url, target, now, section.keep)
            note = "" if is_audited else NOT_AUDITED
    except BackupFailed as error:
        print(f"No backup was made: {Redactor(settings.secrets()).hide(str(error))}", file=sys.stderr)
        return 1
    print(f"Backed up to {made}. It holds conversations and keys' hashes: keep it as safe as the database.{note}")
    return 0


def run_restore(settings: Settings, saved: str) -> int:
    """Return 0 if the file has become the database, or 1 with the reason why not."""
    url, now, before = settings.env.database_url, SystemClock.now(), ""
    try:
        if url.startswith("sqlite:"):
            if (aside := restore(Path(saved), sqlite_path(url), now)) is not None:
                before = f" The database before it is {aside}."
        elif (schema := restore_postgres(Path(saved), url, now)) is not None:
            before = f" The tables before it are in the schema {schema}; drop it when you no longer need them."
    except BackupFailed as error:
        print(f"Nothing was restored: {Redactor(settings.secrets()).hide(str(error))}", file=sys.stderr)
        return 1
    print(f"The database is {saved} now.{before}")
    return 0


async def run_rollup(settings: Settings, *, rebuild: bool) -> int:
    """Return 0 if the roll-ups cover the whole journal, 2 if the database needs a migration first."""
    async with open_database(settings.env.database_url) as db:
        if await db.read(migrations_pending):
            print(NOT_UP_TO_DATE, file=sys.stderr)
            return 2
        done = await (rollups.rebuild(db) if rebuild else rollups.catch_up(db))
    print(f"{done} attempts were rolled up.")
    return 0


async def _read_only(url: str, query: Callable[[Connection], T]) -> T:
    """Run a query without changing anything: no SQLite file is created or switched to write-ahead logging."""
    if url.startswith("sqlite:"):
        found: T = sqlite.query_file(str(sqlite_path(url)), query)
        return found
    async with open_database(url) as db:
        return await db.read(query)


def _report(conn: Connection, *, full: bool) -> AuditReport | None:
    """Return the audit of the ledger; None if migrations are pending."""
    return None if migrations_pending(conn) else audit(conn, full=full)
