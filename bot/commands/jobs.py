"""Operators: /jobs shows the latest run of each scheduled job: time, delay, duration and failure.

Below them it shows the number of notices to users that wait for delivery.
"""

from telegram import Update

from bot.command import Command
from bot.context import Context
from locales.formats import as_code
from storage.alerts import tenant_notices
from storage.operations import job_runs
from storage.operations.job_runs import JobRun

MOST_ERROR = 120
"""The characters of an error that are shown."""
LATE_MS = 5000


async def jobs(_: Update, context: Context) -> None:
    db = context.services.db
    found, (waiting, oldest) = await db.read(job_runs.latest), await db.read(tenant_notices.waiting)
    lines = [_line(context, each) for each in found.values()]
    if oldest is not None:
        lines += ["", context.t("jobs.waiting", n=waiting, since=oldest)]
    await context.reply(context.t("jobs.head", lines="\n".join(lines)) if lines else context.t("jobs.none"))


def _line(context: Context, run: JobRun) -> str:
    if run.error:
        mark, state = "🔴", context.t("jobs.failed", error=as_code(run.error[:MOST_ERROR]))
    elif run.finished_at is None:
        mark, state = "🔵", context.t("jobs.running")
    else:
        mark, state = "🟢", context.t("jobs.took", ms=run.duration_ms)
    late = context.t("jobs.late", seconds=run.lateness_ms // 1000) if run.lateness_ms >= LATE_MS else ""
    return context.t("jobs.line", mark=mark, name=run.name, at=run.started_at, state=state, late=late)


COMMAND = Command("jobs", jobs, 113, admin=True, takes_words=False)
