"""Many fresh accounts at once: somebody may be farming the free plan. The operators hear of each account once."""

from datetime import UTC, datetime, timedelta

from scheduler.context import JobContext
from scheduler.job import Job
from storage.database import watermarks
from storage.database.connection import Connection
from storage.tenants import tenants

HOUR = timedelta(hours=1)
_TOLD = "farming_told_at"


async def run(desk: JobContext) -> None:
    """At most once an hour, of those who came since. `new_per_hour_alert` = 0 switches it off."""
    most, now = desk.new_per_hour_alert, desk.clock.now()
    came = await desk.db.write(lambda conn: _newly_seen(conn, most, now)) if most else 0
    if came:
        await desk.notifier.tell_admins("alert.farming", {"count": came})


def _newly_seen(conn: Connection, most: int, now: datetime) -> int:
    """How many came within the hour, where that is to be told now; else 0. Of several clocks one tells."""
    last = watermarks.read(conn, _TOLD)
    since, told_at = now - HOUR, datetime.fromisoformat(last) if last else datetime.min.replace(tzinfo=UTC)
    came = tenants.new_since(conn, since) if told_at < since else 0
    if came < most or not watermarks.replace(conn, _TOLD, last, now.isoformat()):
        return 0
    return came


JOB = Job("farming", "farming", run)
