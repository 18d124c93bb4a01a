"""The house's own caps: the operators hear of each at 80 %, and when it is reached; of a model's losses likewise."""

from functools import partial

from engine.money import ZERO
from scheduler.context import JobContext
from scheduler.job import Job
from storage.database.dates import day_of
from storage.reports.caps import SpendingCap
from storage.reports.losses import lost_since
from storage.tenants import notices

NEAR, FULL = 80, 100


async def run(desk: JobContext) -> None:
    for cap in await desk.caps.caps() if desk.caps is not None else []:
        threshold = FULL if cap.percent >= FULL else NEAR if cap.percent >= NEAR else None
        if threshold is not None and await _first(desk, cap, threshold):
            values = {
                "per": {"key": f"house.{cap.period}", "values": {}},
                "spent": str(cap.spent),
                "most": str(cap.limit),
            }
            key = "alert.house_full" if threshold == FULL else "alert.house_near"
            await desk.notifier.tell_admins(key, {**values, "percent": cap.percent})
    await _losses(desk)


async def _losses(desk: JobContext) -> None:
    """Once a day for each model that has lost its `max_loss_usd_per_day`."""
    limits = {name: model.max_loss_per_day for name, model in desk.market.catalog.models.items()}
    if all(most is None for most in limits.values()):
        return
    day = day_of(desk.clock.now())
    lost, _ = await desk.db.read(partial(lost_since, day=day))
    for name, most in limits.items():
        if most is not None and (here := lost.get(name, ZERO)) >= most and await _once(desk, f"loss:{name}:{day}"):
            values = {"model": name, "lost": str(here), "most": str(most)}
            await desk.notifier.tell_admins("alert.model_loses", values)


async def _first(desk: JobContext, cap: SpendingCap, threshold: int) -> bool:
    return await _once(desk, f"house:{cap.key}:{cap.limit}:{threshold}")


async def _once(desk: JobContext, key: str) -> bool:
    return await desk.db.write(partial(notices.first_time, key=key, now=desk.clock.now()))


JOB = Job("house_caps", "house", run)
