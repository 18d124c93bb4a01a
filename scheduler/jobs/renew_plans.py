"""Starts new periods on each tenant's date. A paid plan that is not paid again ends after its grace time."""

import logging
from collections.abc import Mapping
from functools import partial

from locales.button import Button
from scheduler.admin_notices import tell_admins_once
from scheduler.context import JobContext
from scheduler.job import Job
from scheduler.team_notices import about, to_tenant
from storage.alerts import tenant_notices
from storage.alerts.tenant_notices import TenantNotice
from storage.billing import renewals, subscriptions
from storage.billing.renewals import CHANGED, LAPSED, RENEWED, UNPAID, Renewal
from storage.billing.subscriptions import Subscription
from storage.database.connection import Connection
from storage.teams import teams
from storage.tenants import tenants

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


async def run(context: JobContext) -> None:
    free = next(iter(context.plans.values()))
    while (
        await context.db.write(lambda conn: renewals.renew_free(conn, free, context.clock.now(), FREE_CHUNK))
        == FREE_CHUNK
    ):
        pass
    after = 0
    while due := await context.db.read(
        partial(renewals.due, free=free, now=context.clock.now(), after=after, limit=CHUNK)
    ):
        for tenant_id in due:
            try:
                await _renew(context, tenant_id)
            except Exception:  # an error with one tenant must not stop the others
                log.exception("tenant %d could not be renewed; the next run tries again", tenant_id)
        after = due[-1]
    await _end_subscriptions(context)


async def _renew(context: JobContext, tenant_id: int) -> None:
    """Start the next period, and store its notice in the same transaction."""
    now, wallet_pays = context.clock.now(), context.wallet_pays_plans

    def unit(conn: Connection) -> None:
        done = renewals.renew(conn, tenant_id, context.plans, now, wallet_pays=wallet_pays)
        if done is not None and _is_worth_a_notice(context, done):
            tenant_notices.queue(conn, _notices(conn, context, done), now)

    await context.db.write(unit)


def _notices(conn: Connection, context: JobContext, done: Renewal) -> list[TenantNotice]:
    by_stars_alone = done.outcome == UNPAID and not context.wallet_pays_plans
    key, buttons = BY_STARS_ALONE if by_stars_alone else TOLD[done.outcome]
    user_id, team = _reader(conn, done)
    return [] if user_id is None else [to_tenant(user_id, about(team, key, {"plan": done.plan}, buttons))]


def _reader(conn: Connection, done: Renewal) -> tuple[int | None, str]:
    """Return the Telegram user to notify, and the team's name if the user is notified as its owner."""
    team = teams.find(conn, done.tenant_id)
    owner = tenants.state(conn, team.owner_id) if team is not None else None
    if team is None or owner is None:
        return done.telegram_user_id, ""
    return owner.telegram_user_id, team.name


def _is_worth_a_notice(context: JobContext, done: Renewal) -> bool:
    plan = context.plans.get(done.plan)
    return done.outcome != RENEWED or (plan is not None and bool(plan.usd_per_month))


async def _end_subscriptions(context: JobContext) -> None:
    """Cancel replaced subscriptions that are still active at Telegram after a crash or an error."""
    if context.stars is None:
        return
    for subscription, user_id in await context.db.read(subscriptions.to_cancel):
        done = await context.stars.cancel(subscription, user_id)
        if done is not None:
            await context.db.write(partial(subscriptions.mark_canceled, order_id=subscription.order_id))
        if done is False:
            await _report_active(context, subscription, user_id)


async def _report_active(context: JobContext, subscription: Subscription, user_id: int) -> None:
    if subscription.until <= context.clock.now():
        return
    key = f"subscription:{subscription.order_id}:{subscription.charge_id}"
    values = {"user": user_id, "plan": subscription.plan, "charge": subscription.charge_id}
    await tell_admins_once(context, key, "alert.subscription_goes_on", values)


JOB = Job("renew_plans", "renewals", run)
