"""Every night a copy of the database, proven; when that fails, the admins hear of it."""

import asyncio
import logging

from scheduler.context import JobContext
from scheduler.job import Job
from storage.operations import daily_runs
from storage.operations.backup import backup, sqlite_path

log = logging.getLogger(__name__)


async def run(desk: JobContext) -> None:
    now, folder = desk.clock.now(), desk.backup_folder
    if folder is None or desk.db.dialect != "sqlite":
        return
    if not await desk.db.read(lambda conn: daily_runs.due(conn, "backup", now)):
        return
    try:
        made = await asyncio.to_thread(backup, sqlite_path(desk.db.url), folder, now, desk.backup_keep)
    except Exception as error:  # a full disk, a wrong folder, unsound books: whatever it is, somebody must know
        log.exception("the nightly backup failed")
        await desk.notifier.tell_admins("alert.backup", {"error": str(error)})
    else:
        log.info("backed up to %s", made)
    await desk.db.write(lambda conn: daily_runs.record(conn, "backup", now))


JOB = Job("backup", "nightly", run)
