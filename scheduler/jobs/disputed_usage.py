"""Alerts about offers that send contradictory usage reports, once per offer."""

from datetime import timedelta
from functools import partial

from scheduler.admin_notices import tell_admins
from scheduler.context import JobContext
from scheduler.job import Job
from storage.database import watermarks
from storage.reports.disputes import Dispute, disputes

_SPAN = timedelta(hours=1)
_TOLD = "yes"


async def run(context: JobContext) -> None:
    since = context.clock.now() - _SPAN
    for dispute in await context.db.read(partial(disputes, since=since)):
        await _alert(context, dispute)


async def _alert(context: JobContext, dispute: Dispute) -> None:
    name = f"disputed usage:{dispute.offer}"
    if await context.db.read(partial(watermarks.read, name=name)) is not None:
        return
    if await context.db.write(partial(watermarks.replace, name=name, old=None, new=_TOLD)):
        values = {"offer": dispute.offer, "count": dispute.attempts}
        await tell_admins(context, "alert.usage_disputed", values)


JOB = Job("disputed_usage", "quotas", run)
