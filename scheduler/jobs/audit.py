"""The nightly audit. Problems are reported to the admins; audited rows are not checked again."""

import logging

from scheduler.admin_notices import tell_admins_once
from scheduler.context import JobContext
from scheduler.job import Job
from storage.database.connection import Connection
from storage.operations import daily_runs
from storage.operations.audit import AuditPoint, AuditReport, advance, audit, settled_point

log = logging.getLogger(__name__)
MOST_SHOWN = 3


async def run(context: JobContext) -> None:
    if not await context.db.read(lambda conn: daily_runs.due(conn, "audit", context.clock.now())):
        return

    def look(conn: Connection) -> tuple[AuditReport, AuditPoint]:
        return audit(conn), settled_point(conn, context.clock.now())

    report, point = await context.db.read(look)
    if report.ok:
        while not await context.db.write(lambda conn: advance(conn, point)):
            pass  # in chunks, so that other writes wait only briefly
    else:
        log.error("the audit found %d problems: %s", len(report.problems), report.problems[:MOST_SHOWN])
        await _report(context, report)
    await context.db.write(lambda conn: daily_runs.record(conn, "audit", context.clock.now()))


async def _report(context: JobContext, report: AuditReport) -> None:
    """Report problems once a day among all processes."""
    once = f"audit:{context.clock.now():%Y-%m-%d}"
    await tell_admins_once(context, once, "alert.audit", _values(report))


def _values(report: AuditReport) -> dict[str, object]:
    rules = dict.fromkeys(problem.rule for problem in report.problems)
    return {"n": len(report.problems), "rules": "\n".join(f"- {rule}" for rule in list(rules)[:MOST_SHOWN])}


JOB = Job("audit", "nightly", run)
