"""Alerts about the operator's spending caps at 80 % and 100 %, and about a model's losses at their limit."""

from functools import partial

from engine.money import ZERO
from scheduler.admin_notices import tell_admins_once
from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from storage.database.connection import day_of
from storage.reports.losses import lost_since

NEAR, FULL = 80, 100


async def run(context: JobContext) -> None:
    for cap in await context.caps.caps() if context.caps is not None else []:
        threshold = FULL if cap.percent >= FULL else NEAR if cap.percent >= NEAR else None
        if threshold is not None:
            values = {
                "per": {"key": f"cap.{cap.period}", "values": {}},
                "spent": cap.spent,
                "most": cap.limit,
            }
            key = "alert.cap_full" if threshold == FULL else "alert.cap_near"
            once = f"house:{cap.key}:{cap.limit}:{threshold}"
            await tell_admins_once(context, once, key, {**values, "percent": cap.percent})
    await _report_losses(context)


async def _report_losses(context: JobContext) -> None:
    """Report, once a day, each model whose losses have reached `max_loss_usd_per_day`."""
    limits = {name: model.max_loss_per_day for name, model in context.market.catalog.models.items()}
    if all(most is None for most in limits.values()):
        return
    day = day_of(context.clock.now())
    lost, _ = await context.db.read(partial(lost_since, day=day))
    for name, most in limits.items():
        loss = lost.get(name, ZERO)
        if most is not None and loss >= most:
            values = {"model": name, "lost": loss, "most": most}
            await tell_admins_once(context, f"loss:{name}:{day}", "alert.model_loses", values)


JOB = Job("spending_caps", "house", run, Misfire.SKIP)
