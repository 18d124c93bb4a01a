"""Allowances and keys at 80 % and 100 %, wallets low: each told once per period, with the button that mends it."""

from locales.button import Button
from scheduler.context import JobContext
from scheduler.job import Job
from storage.database.dates import month_of
from storage.reports import quotas
from storage.reports.quotas import AllowanceCrossing, KeyCrossing, LowWallet
from storage.tenants import notices

TOPUP, PLAN, KEYS = (Button(f"button.{name}", name, "open") for name in ("topup", "plan", "keys"))
FULL = 100


async def run(desk: JobContext) -> None:
    """Whoever is told is marked as told, so the next reading finds others."""
    percents, month = desk.quota_percent, month_of(desk.clock.now())
    while found := await desk.db.read(lambda conn: quotas.allowances_crossed(conn, percents)):
        for each in found:
            await _tell_quota(desk, each)
    while keys := await desk.db.read(lambda conn: quotas.keys_crossed(conn, percents, month)):
        for key in keys:
            await _tell_key(desk, key)
    while low := await desk.db.read(lambda conn: quotas.low_wallets(conn, desk.low_wallet)):
        for wallet in low:
            await _tell_low(desk, wallet)


async def _tell_quota(desk: JobContext, found: AllowanceCrossing) -> None:
    values = {"percent": found.percent, "left": f"{found.left_tokens:,}", "renews": f"{found.renews_at:%Y-%m-%d}"}
    key = "alert.quota_full" if found.percent >= FULL else "alert.quota"
    await _once(desk, found.key, found.user_id, key, values, (TOPUP, PLAN))


async def _tell_key(desk: JobContext, found: KeyCrossing) -> None:
    values = {
        "prefix": found.prefix,
        "percent": found.percent,
        "left": f"{found.left_tokens:,}",
        "limit": f"{found.tokens_per_month:,}",
    }
    key = "alert.key_full" if found.percent >= FULL else "alert.key"
    await _once(desk, found.key, found.user_id, key, values, (KEYS,))


async def _tell_low(desk: JobContext, found: LowWallet) -> None:
    await _once(desk, found.key, found.user_id, "alert.wallet_low", {"wallet": str(found.wallet)}, (TOPUP,))


async def _once(
    desk: JobContext, notice: str, user_id: int, key: str, values: dict[str, object], buttons: tuple[Button, ...]
) -> None:
    if await desk.db.write(lambda conn: notices.first_time(conn, notice, desk.clock.now())):
        await desk.notifier.tell(user_id, key, values, buttons)


JOB = Job("quotas", "quotas", run)
