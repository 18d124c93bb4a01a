"""Alerts about tenants who use far more than usual."""

from datetime import timedelta

import pytest

from engine.chat import Usage
from engine.money import Money
from scheduler.context import JobContext
from scheduler.jobs import anomalies
from tests.builders import spent
from tests.scheduler.conftest import HandClock, Notifications

HOUR = timedelta(hours=1)


class Tenant:
    def __init__(self, context: JobContext) -> None:
        self._context, self._number = context, 0

    async def uses(self, tokens: int, ago: timedelta = timedelta(minutes=5)) -> None:
        self._number += 1
        at, number = self._context.clock.now() - ago, f"r{self._number}"
        usage = Usage(tokens - 1, 1)
        await self._context.db.write(
            spent(1, Money(5), at, outcome="answered", request_id=number, usage=usage, cost=Money(1))
        )


@pytest.fixture
async def tenant(context: JobContext) -> Tenant:
    """Return a tenant with three hours of 6,000 tokens each."""
    made = Tenant(context)
    for hours in (30, 50, 70):
        await made.uses(4000, hours * HOUR)
        await made.uses(2000, hours * HOUR)
    return made


async def test_ten_times_the_usual_hour_is_reported_once_a_day(
    context: JobContext, clock: HandClock, tenant: Tenant, notifier: Notifications
) -> None:
    await tenant.uses(20_000)
    await tenant.uses(40_000)
    for _ in range(3):
        await anomalies.run(context)
        clock.move(minutes=5)
    (text,) = notifier.texts
    assert "(tenant 1) used 60,000 tokens in the last hour, in 2 answers; usual is 6,000." in text


@pytest.mark.parametrize("tokens", [59_999, 49_999])
async def test_less_is_usual(context: JobContext, tenant: Tenant, notifier: Notifications, tokens: int) -> None:
    await tenant.uses(tokens)
    await anomalies.run(context)
    assert notifier.texts == []


async def test_small_hours_are_not_reported(context: JobContext, notifier: Notifications) -> None:
    made = Tenant(context)
    for hours in (30, 50, 70):
        await made.uses(100, hours * HOUR)
    await made.uses(anomalies.LEAST_TOKENS - 1)
    await anomalies.run(context)
    assert notifier.texts == []
    await made.uses(1)
    await anomalies.run(context)
    assert len(notifier.texts) == 1


async def test_new_tenant_has_no_usual_hour(context: JobContext, notifier: Notifications) -> None:
    made = Tenant(context)
    for hours in (30, 50):
        await made.uses(100, hours * HOUR)
    await made.uses(500_000)
    await anomalies.run(context)
    assert notifier.texts == []


async def test_old_hours_are_forgotten(context: JobContext, notifier: Notifications) -> None:
    made = Tenant(context)
    for hours in (30, 50, 14 * 24 + 2):
        await made.uses(100, hours * HOUR)
    await made.uses(500_000)
    await anomalies.run(context)
    assert notifier.texts == []
