"""New periods on each tenant's own date; a paid plan that wasn't paid again lapses after its grace."""

from scheduler.desk import Desk
from scheduler.job import Job
from storage import plans

CHUNK = 100


async def run(desk: Desk) -> None:
    while True:
        done = await desk.db.write(lambda conn: plans.renew_due(conn, desk.plans, desk.clock.now(), CHUNK))
        for renewal in done:
            paid = desk.plans.get(renewal.plan)
            worth_telling = renewal.lapsed or (paid is not None and paid.usd_per_month)
            if renewal.telegram_user_id is not None and worth_telling:
                key = "alert.lapsed" if renewal.lapsed else "alert.renewed"
                await desk.notifier.tell(renewal.telegram_user_id, key, {"plan": renewal.plan})
        if len(done) < CHUNK:
            return


JOB = Job("renew_plans", "renewals", run)
