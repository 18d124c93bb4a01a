"""Alert about many new accounts within an hour, which may be one person who uses the free plan repeatedly."""

from datetime import UTC, datetime, timedelta

from scheduler.admin_notices import tell_admins
from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from storage.database import watermarks
from storage.database.connection import Connection
from storage.tenants import tenants

HOUR = timedelta(hours=1)
_REPORTED_AT = "farming_reported_at"


async def run(context: JobContext) -> None:
    """Tell admins the number of new accounts, at most once an hour, and count each account once.

    `new_per_hour_alert` = 0 disables this.
    """
    threshold, now = context.new_per_hour_alert, context.clock.now()
    new_accounts = await context.db.write(lambda conn: _newly_seen(conn, threshold, now)) if threshold else 0
    if new_accounts:
        await tell_admins(context, "alert.farming", {"count": new_accounts})


def _newly_seen(conn: Connection, threshold: int, now: datetime) -> int:
    """Return the number of the last hour's new accounts if this process must report them now, else 0."""
    last = watermarks.read(conn, _REPORTED_AT)
    since, reported_at = now - HOUR, datetime.fromisoformat(last) if last else datetime.min.replace(tzinfo=UTC)
    new_accounts = tenants.new_since(conn, since) if reported_at < since else 0
    if new_accounts < threshold or not watermarks.replace(conn, _REPORTED_AT, last, now.isoformat()):
        return 0
    return new_accounts


JOB = Job("farming", "farming", run, Misfire.SKIP)
