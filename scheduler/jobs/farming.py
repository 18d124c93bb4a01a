"""Many fresh accounts at once: somebody may be farming the free plan. The operators hear of it once an hour."""

from datetime import timedelta

from scheduler.desk import Desk
from scheduler.job import Job
from storage import incidents, tenants

HOUR = timedelta(hours=1)


async def run(desk: Desk) -> None:
    """`new_per_hour_alert` = 0 switches it off."""
    if not desk.new_per_hour_alert:
        return
    now = desk.clock.now()
    came = await desk.db.read(lambda conn: tenants.new_since(conn, now - HOUR))
    if came < desk.new_per_hour_alert:
        return
    if await desk.db.write(lambda conn: incidents.first_time(conn, f"farming:{now:%Y-%m-%dT%H}", now)):
        await desk.notifier.tell_admins("alert.farming", {"count": came})


JOB = Job("farming", "farming", run)
