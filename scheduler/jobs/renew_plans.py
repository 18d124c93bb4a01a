"""New periods on each tenant's own date; a paid plan that wasn't paid again lapses after its grace."""

import logging
from collections.abc import Mapping
from functools import partial

from locales.button import Button
from scheduler.context import JobContext
from scheduler.job import Job
from storage.billing import renewals, subscriptions
from storage.billing.renewals import CHANGED, LAPSED, RENEWED, UNPAID, Renewal
from storage.billing.subscriptions import Subscription
from storage.tenants import notices

log = logging.getLogger(__name__)
FREE_CHUNK, CHUNK = 200, 50
TOPUP, PLAN = Button("button.topup", "topup", "open"), Button("button.plan", "plan", "open")
TOLD: Mapping[str, tuple[str, tuple[Button, ...]]] = {
    RENEWED: ("alert.renewed", ()),
    CHANGED: ("alert.changed", (PLAN,)),
    UNPAID: ("alert.unpaid", (PLAN, TOPUP)),
    LAPSED: ("alert.lapsed", (PLAN,)),
}
BY_STARS_ALONE = ("alert.unpaid_stars", (PLAN,))


async def run(desk: JobContext) -> None:
    free = next(iter(desk.plans.values()))
    while await desk.db.write(lambda conn: renewals.renew_free(conn, free, desk.clock.now(), FREE_CHUNK)) == FREE_CHUNK:
        pass
    after = 0
    while due := await desk.db.read(partial(renewals.due, free=free, now=desk.clock.now(), after=after, limit=CHUNK)):
        for tenant_id in due:
            try:
                await _renew(desk, tenant_id)
            except Exception:  # one tenant whose books refuse must not stop the others
                log.exception("tenant %d could not be renewed; the next run tries again", tenant_id)
        after = due[-1]
    await _end_subscriptions(desk)


async def _renew(desk: JobContext, tenant_id: int) -> None:
    done = await desk.db.write(
        lambda conn: renewals.renew(conn, tenant_id, desk.plans, desk.clock.now(), wallet_pays=desk.wallet_pays_plans)
    )
    if done is not None and _worth_telling(desk, done) and done.telegram_user_id is not None:
        by_stars_alone = done.outcome == UNPAID and not desk.wallet_pays_plans
        key, buttons = BY_STARS_ALONE if by_stars_alone else TOLD[done.outcome]
        await desk.notifier.tell(done.telegram_user_id, key, {"plan": done.plan}, buttons)


def _worth_telling(desk: JobContext, done: Renewal) -> bool:
    plan = desk.plans.get(done.plan)
    return done.outcome != RENEWED or (plan is not None and bool(plan.usd_per_month))


async def _end_subscriptions(desk: JobContext) -> None:
    """Those that were replaced, and that a crash or a silent Telegram has left collecting."""
    if desk.stars is None:
        return
    for subscription, user_id in await desk.db.read(subscriptions.to_cancel):
        done = await desk.stars.cancel(subscription, user_id)
        if done is not None:
            await desk.db.write(partial(subscriptions.mark_canceled, order_id=subscription.order_id))
        if done is False:
            await _say_it_goes_on(desk, subscription, user_id)


async def _say_it_goes_on(desk: JobContext, subscription: Subscription, user_id: int) -> None:
    if subscription.until <= desk.clock.now():
        return
    key = f"subscription:{subscription.order_id}:{subscription.charge_id}"
    if await desk.db.write(lambda conn: notices.first_time(conn, key, desk.clock.now())):
        values = {"user": user_id, "plan": subscription.plan, "charge": subscription.charge_id}
        await desk.notifier.tell_admins("alert.subscription_goes_on", values)


JOB = Job("renew_plans", "renewals", run)
