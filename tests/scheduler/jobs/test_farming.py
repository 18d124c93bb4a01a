from dataclasses import replace

from engine.tenancy import Plan
from scheduler.context import JobContext
from scheduler.jobs import farming
from storage.tenants import tenants
from tests.scheduler.conftest import HandClock, Notifications


async def sign_up(context: JobContext, number: int, first_id: int) -> None:
    """Create `number` tenants with Telegram ids from `first_id` on."""
    free: Plan = next(iter(context.plans.values()))
    for user in range(first_id, first_id + number):
        await context.db.write(
            lambda conn, user=user: tenants.create(conn, "", free, now=context.clock.now(), telegram_user_id=user)  # type: ignore[misc]
        )


async def test_burst_is_reported_once_across_hours(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    context = replace(context, new_per_hour_alert=10)
    clock.move(minutes=50)
    await sign_up(context, 12, 5000)
    await farming.run(context)
    for _ in range(12):
        clock.move(minutes=10)
        await farming.run(context)
    assert len(notifier.texts) == 1
    assert "12 new accounts" in notifier.texts[0]


async def test_further_accounts_are_reported_after_an_hour(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    context = replace(context, new_per_hour_alert=10)
    for burst in range(4):
        await sign_up(context, 12, 5000 + 100 * burst)
        await farming.run(context)
        clock.move(minutes=30)
    assert len(notifier.texts) == 2


async def test_accounts_below_the_threshold_are_not_reported(context: JobContext, notifier: Notifications) -> None:
    await sign_up(context, 9, 5000)
    await farming.run(replace(context, new_per_hour_alert=10))
    await farming.run(replace(context, new_per_hour_alert=0))
    assert notifier.texts == []
