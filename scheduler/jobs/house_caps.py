"""The house's own caps: the operators hear of each at 80 %, and when it is reached."""

from functools import partial

from scheduler.desk import Desk
from scheduler.job import Job
from storage import incidents
from storage.caps import Cap

NEAR, FULL = 80, 100


async def run(desk: Desk) -> None:
    for cap in await desk.caps.caps() if desk.caps is not None else []:
        threshold = FULL if cap.percent >= FULL else NEAR if cap.percent >= NEAR else None
        if threshold is not None and await _first(desk, cap, threshold):
            values = {"per": {"key": f"house.{cap.per}", "values": {}}, "spent": str(cap.spent), "most": str(cap.most)}
            key = "alert.house_full" if threshold == FULL else "alert.house_near"
            await desk.notifier.tell_admins(key, {**values, "percent": cap.percent})


async def _first(desk: Desk, cap: Cap, threshold: int) -> bool:
    notice = partial(incidents.first_time, key=f"house:{cap.key}:{cap.most}:{threshold}", now=desk.clock.now())
    return await desk.db.write(notice)


JOB = Job("house_caps", "house", run)
