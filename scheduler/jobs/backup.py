"""The nightly, verified copy of the database. A failure is reported to the admins."""

import asyncio
import logging

from scheduler.admin_notices import tell_admins
from scheduler.context import JobContext
from scheduler.job import Job
from storage.operations import daily_runs
from storage.operations.backup import backup, sqlite_path

log = logging.getLogger(__name__)


async def run(context: JobContext) -> None:
    now, folder = context.clock.now(), context.backup_folder
    if folder is None or context.db.dialect != "sqlite":
        return
    if not await context.db.read(lambda conn: daily_runs.due(conn, "backup", now)):
        return
    try:
        made = await asyncio.to_thread(backup, sqlite_path(context.db.url), folder, now, context.backup_keep)
    except Exception as error:  # a full disk, a wrong folder, a damaged database
        log.exception("the nightly backup failed")
        await tell_admins(context, "alert.backup", {"error": str(error)})
    else:
        log.info("backed up to %s", made)
    await context.db.write(lambda conn: daily_runs.record(conn, "backup", now))


JOB = Job("backup", "nightly", run)
