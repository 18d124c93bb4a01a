"""Every night the books are checked; what is wrong is told to the admins, and what is proven isn't looked at again."""

import logging

from scheduler.context import JobContext
from scheduler.job import Job
from storage.database.connection import Connection
from storage.operations import daily_runs
from storage.operations.audit import AuditPoint, AuditReport, advance, audit, settled_point
from storage.tenants import notices

log = logging.getLogger(__name__)
TOLD = 3


async def run(desk: JobContext) -> None:
    if not await desk.db.read(lambda conn: daily_runs.due(conn, "audit", desk.clock.now())):
        return

    def look(conn: Connection) -> tuple[AuditReport, AuditPoint]:
        return audit(conn), settled_point(conn, desk.clock.now())

    report, point = await desk.db.read(look)
    if report.ok:
        while not await desk.db.write(lambda conn: advance(conn, point)):
            pass  # chunk by chunk: nobody waits long
    else:
        log.error("the audit found %d problems: %s", len(report.problems), report.problems[:TOLD])
        await _tell(desk, report)
    await desk.db.write(lambda conn: daily_runs.record(conn, "audit", desk.clock.now()))


async def _tell(desk: JobContext, report: AuditReport) -> None:
    """Once a day, whichever clock found it."""
    now = desk.clock.now()
    if await desk.db.write(lambda conn: notices.first_time(conn, f"audit:{now:%Y-%m-%d}", now)):
        await desk.notifier.tell_admins("alert.audit", _values(report))


def _values(report: AuditReport) -> dict[str, object]:
    rules = dict.fromkeys(problem.rule for problem in report.problems)
    return {"n": len(report.problems), "rules": "\n".join(f"- {rule}" for rule in list(rules)[:TOLD])}


JOB = Job("audit", "nightly", run)
