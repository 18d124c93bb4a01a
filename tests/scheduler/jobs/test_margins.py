"""Alerts about a model whose margin of the day is below the minimum."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from engine.chat import Usage
from engine.money import Money
from scheduler.context import JobContext
from scheduler.jobs import margins
from tests.builders import spent
from tests.scheduler.conftest import Notifications


async def sell(context: JobContext, count: int, charge: int, cost: int) -> None:
    """Sell `count` answers, each at a charge and a cost in nano-dollars."""
    now = context.clock.now()
    for number in range(count):
        common: dict[str, Any] = {"provider": "deepseek", "model": "m", "usage": Usage(1, 1), "cost": Money(cost)}
        await context.db.write(spent(1, Money(charge), now, outcome="answered", request_id=f"r{number}", **common))


async def test_margin_under_the_floor_is_reported_once_a_day(context: JobContext, notifier: Notifications) -> None:
    await sell(context, 20, charge=9_000_000, cost=10_000_000)
    for _ in range(2):
        await margins.run(context)
    (text,) = notifier.texts
    assert "earns less than your floor of 0 % today: 20 answers sold for 18 ¢ cost 20 ¢, a margin of −2 ¢" in text


@pytest.mark.parametrize(("count", "charge", "cost"), [(19, 1, 10**8), (20, 1, 4_999_999), (20, 10**7, 10**7)])
async def test_few_answers_small_costs_and_the_floor_itself_are_not_reported(
    context: JobContext, notifier: Notifications, count: int, charge: int, cost: int
) -> None:
    await sell(context, count, charge, cost)
    await margins.run(context)
    assert notifier.texts == []


async def test_floor_is_a_share_of_the_sales(context: JobContext, notifier: Notifications) -> None:
    await sell(context, 20, charge=20_000_000, cost=10_000_000)
    await margins.run(replace(context, margin_percent=Decimal(50)))
    assert notifier.texts == []
    await margins.run(replace(context, margin_percent=Decimal(51)))
    assert len(notifier.texts) == 1
