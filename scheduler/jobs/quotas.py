"""Notices about allowances and keys at 80 % and 100 % and about low wallets, once a period, with a button.

This job stores them; the job `tenant_notices` sends them.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from locales.button import Button
from scheduler.context import JobContext
from scheduler.job import Job
from scheduler.team_notices import about, to_tenant
from storage.alerts import tenant_notices
from storage.alerts.tenant_notices import TenantNotice
from storage.database.connection import Connection, month_of
from storage.reports import quotas
from storage.reports.quotas import AllowanceCrossing, KeyCrossing, LowWallet

T = TypeVar("T")
TOPUP, PLAN, KEYS = (Button(f"button.{name}", name, "open") for name in ("topup", "plan", "keys"))
FULL = 100


async def run(context: JobContext) -> None:
    percents, now = context.quota_percent, context.clock.now()
    allowances = partial(quotas.allowances_crossed, percents=percents)
    keys = partial(quotas.keys_crossed, percents=percents, month=month_of(now))
    wallets = partial(quotas.low_wallets, threshold=context.low_wallet, now=now)
    await _store(context, allowances, lambda each: each.tenant_id, _of_quota)
    await _store(context, keys, lambda each: each.key_id, _of_key)
    await _store(context, wallets, lambda each: each.tenant_id, _of_wallet)


async def _store(
    context: JobContext,
    crossed: Callable[..., list[T]],
    number: Callable[[T], int],
    notice: Callable[[T], TenantNotice],
) -> None:
    """Store the notices page by page: each page in one transaction, which also marks its tenants as notified."""
    after = 0
    while found := await context.db.read(partial(_page, crossed=crossed, after=after)):
        store = partial(tenant_notices.queue_once, found=[notice(each) for each in found], now=context.clock.now())
        await context.db.write(store)
        after = number(found[-1])


def _page(conn: Connection, crossed: Callable[..., list[T]], after: int) -> list[T]:
    return crossed(conn, after=after)


def _of_quota(found: AllowanceCrossing) -> TenantNotice:
    values = {"percent": found.percent, "left": found.left_tokens, "renews": found.renews_at}
    key = "alert.quota_full" if found.percent >= FULL else "alert.quota"
    return to_tenant(found.user_id, about(found.team, key, values, (TOPUP, PLAN)), found.key)


def _of_key(found: KeyCrossing) -> TenantNotice:
    values = {
        "prefix": found.prefix,
        "percent": found.percent,
        "left": found.left_tokens,
        "limit": found.tokens_per_month,
    }
    key = "alert.key_full" if found.percent >= FULL else "alert.key"
    return to_tenant(found.user_id, (key, values, (KEYS,)), found.key)


def _of_wallet(found: LowWallet) -> TenantNotice:
    notice = about(found.team, "alert.wallet_low", {"wallet": found.wallet}, (TOPUP,))
    return to_tenant(found.user_id, notice, found.key)


JOB = Job("quotas", "quotas", run)
