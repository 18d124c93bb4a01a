"""The nightly, verified copy of the database. A failure is reported to the admins."""

import asyncio
import logging
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from locales.formats import as_code
from scheduler.admin_notices import tell_admins_once
from scheduler.context import JobContext
from scheduler.job import Job
from storage.operations import daily_runs
from storage.operations.backup import backup, sqlite_path

log = logging.getLogger(__name__)
T = TypeVar("T")


async def run(context: JobContext) -> None:
    now, folder = context.clock.now(), context.backup_folder
    if folder is None or not await context.db.read(lambda conn: daily_runs.due(conn, "backup", now)):
        return
    try:
        made = await _in_background(partial(_save, context.db.url, folder, now, context.backup_keep))
    except Exception as error:  # such as a full disk, a wrong folder, a damaged database, or a pg_dump that is too old
        log.exception("the nightly backup failed")
        await tell_admins_once(context, f"backup:{now:%Y-%m-%d}", "alert.backup", {"error": as_code(str(error))})
    else:
        log.info("backed up to %s", made) if made is not None else log.info("no nightly backup: pg_dump is missing")
    await context.db.write(lambda conn: daily_runs.record(conn, "backup", now))


def _save(url: str, folder: Path, now: datetime, keep: int) -> Path | None:
    """Return the path of the copy; None if this machine has no pg_dump, which `doctor` reports."""
    if url.startswith("sqlite:"):
        return backup(sqlite_path(url), folder, now, keep)
    from storage.operations.postgres_backup import backup_postgres, has_tools  # noqa: PLC0415 - not beside SQLite

    return backup_postgres(url, folder, now, keep)[0] if has_tools() else None


async def _in_background(work: Callable[[], T]) -> T:
    """Run `work` in a thread that does not delay the end of the process, because an unfinished copy is not a backup."""
    loop, future = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()

    def end(result: T | None, error: BaseException | None) -> None:
        if not future.done():
            future.set_result(result) if error is None else future.set_exception(error)

    def target() -> None:
        result, error = None, None
        try:
            result = work()
        except Exception as failure:  # noqa: BLE001 - it is raised where the result is awaited
            error = failure
        try:
            loop.call_soon_threadsafe(end, result, error)
        except RuntimeError:
            log.info("the process ended during the nightly backup")

    threading.Thread(target=target, name="backup", daemon=True).start()
    found: T = await future
    return found


JOB = Job("backup", "nightly", run)
