"""Notices about allowances and keys at 80 % and 100 % and about low wallets, once a period, with a button."""

from locales.button import Button
from scheduler.context import JobContext
from scheduler.job import Job
from scheduler.team_notices import Notice, about
from storage.database.connection import month_of
from storage.reports import quotas
from storage.reports.quotas import AllowanceCrossing, KeyCrossing, LowWallet
from storage.tenants import notices

TOPUP, PLAN, KEYS = (Button(f"button.{name}", name, "open") for name in ("topup", "plan", "keys"))
FULL = 100


async def run(context: JobContext) -> None:
    """Notify page by page: a notified tenant is not in the next page."""
    percents, now = context.quota_percent, context.clock.now()
    month = month_of(now)
    while found := await context.db.read(lambda conn: quotas.allowances_crossed(conn, percents)):
        for each in found:
            await _notify_quota(context, each)
    while keys := await context.db.read(lambda conn: quotas.keys_crossed(conn, percents, month)):
        for key in keys:
            await _notify_key(context, key)
    while low := await context.db.read(lambda conn: quotas.low_wallets(conn, context.low_wallet, now)):
        for wallet in low:
            await _notify_low(context, wallet)


async def _notify_quota(context: JobContext, found: AllowanceCrossing) -> None:
    values = {"percent": found.percent, "left": found.left_tokens, "renews": found.renews_at}
    key = "alert.quota_full" if found.percent >= FULL else "alert.quota"
    await _notify_once(context, found.key, found.user_id, about(found.team, key, values, (TOPUP, PLAN)))


async def _notify_key(context: JobContext, found: KeyCrossing) -> None:
    values = {
        "prefix": found.prefix,
        "percent": found.percent,
        "left": found.left_tokens,
        "limit": found.tokens_per_month,
    }
    key = "alert.key_full" if found.percent >= FULL else "alert.key"
    await _notify_once(context, found.key, found.user_id, (key, values, (KEYS,)))


async def _notify_low(context: JobContext, found: LowWallet) -> None:
    notice = about(found.team, "alert.wallet_low", {"wallet": found.wallet}, (TOPUP,))
    await _notify_once(context, found.key, found.user_id, notice)


async def _notify_once(context: JobContext, key: str, user_id: int, notice: Notice) -> None:
    if await context.db.write(lambda conn: notices.first_time(conn, key, context.clock.now())):
        await context.notifier.notify(user_id, *notice)


JOB = Job("quotas", "quotas", run)
