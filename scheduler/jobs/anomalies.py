"""Alerts about tenants whose hour has ten times the usual tokens: a program's endless loop, or a stolen key."""

from functools import partial

from locales.formats import as_code
from scheduler.admin_notices import tell_admins_once
from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from storage.reports.anomalies import BusyHour, busy_hours
from storage.tenants import tenants

TIMES = 10
LEAST_TOKENS = 50_000
"""An hour with fewer tokens causes no alert, even if it is unusual."""
LEAST_HOURS = 3
"""The least number of earlier hours with answers that the usual use is computed from."""


async def run(context: JobContext) -> None:
    """Tell admins about unusual spending, at most once a day for each tenant."""
    now = context.clock.now()
    for hour in await context.db.read(partial(busy_hours, now=now, least_tokens=LEAST_TOKENS)):
        if hour.hours >= LEAST_HOURS and hour.tokens >= TIMES * hour.usual_tokens:
            once = f"anomaly:{hour.tenant_id}:{now:%Y-%m-%d}"
            await tell_admins_once(context, once, "alert.anomaly", await _values(context, hour))


async def _values(context: JobContext, hour: BusyHour) -> dict[str, object]:
    state = await context.db.read(partial(tenants.state, tenant_id=hour.tenant_id))
    return {
        "name": as_code((state.name if state else "") or str(hour.tenant_id)),
        "id": str(hour.tenant_id),
        "tokens": hour.tokens,
        "answers": hour.answers,
        "charge": hour.charge,
        "usual": hour.usual_tokens,
    }


JOB = Job("anomalies", "anomalies", run, Misfire.SKIP)
