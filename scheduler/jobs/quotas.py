"""The allowance at 80 % and 100 %, the wallet low: each told once per period, with the button that mends it."""

from functools import partial

from scheduler.desk import Desk
from scheduler.job import Job
from scheduler.ports import Button
from storage import incidents, tenants
from storage.tenants import TenantState

PAGE = 200
MEND = (Button("button.topup", "topup", "open"), Button("button.plan", "plan", "open"))


async def run(desk: Desk) -> None:
    after = 0
    while True:
        page = await desk.db.read(partial(tenants.active_page, after=after, limit=PAGE))
        for state in page:
            await _look(desk, state)
        if len(page) < PAGE:
            return
        after = page[-1].id


async def _look(desk: Desk, state: TenantState) -> None:
    percent = crossed(state, desk.quota_percent)
    if percent is not None and await _first(desk, state, f"quota:{percent}"):
        await _tell_quota(desk, state, percent)
    if await _is_low(desk, state) and await _first(desk, state, "wallet"):
        await _tell(desk, state, "alert.wallet_low", {"wallet": str(state.wallet)})


async def _is_low(desk: Desk, state: TenantState) -> bool:
    if state.wallet >= desk.low_wallet:
        return False
    return await desk.db.read(lambda conn: tenants.ever_credited(conn, state.id))


def crossed(state: TenantState, percents: tuple[int, ...]) -> int | None:
    """The highest threshold passed; full when what is left no longer covers the least answer."""
    if not state.allowance_tokens:
        return None
    used = state.allowance_tokens - state.allowance_left_tokens
    share = 100 if state.allowance_left_tokens < LEAST_TOKENS else used * 100 // state.allowance_tokens
    return max((percent for percent in percents if share >= percent), default=None)


LEAST_TOKENS = 64 + 80  # the least output, and the least input with its template


async def _tell_quota(desk: Desk, state: TenantState, percent: int) -> None:
    values = {
        "percent": percent,
        "left": f"{state.allowance_left_tokens:,}",
        "renews": f"{state.renews_at:%Y-%m-%d}",
    }
    await _tell(desk, state, "alert.quota_full" if percent >= 100 else "alert.quota", values)  # noqa: PLR2004


async def _tell(desk: Desk, state: TenantState, key: str, values: dict[str, object]) -> None:
    if state.telegram_user_id is not None and not state.blocked:
        await desk.notifier.tell(state.telegram_user_id, key, values, MEND)


async def _first(desk: Desk, state: TenantState, what: str) -> bool:
    key = f"{what}:{state.id}:{state.period_no}"
    return await desk.db.write(lambda conn: incidents.first_time(conn, key, desk.clock.now()))


JOB = Job("quotas", "quotas", run)
