"""Alerts about the money left at a provider."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from engine.chat import Usage
from engine.errors import Unreachable
from engine.money import Money
from engine.providers.balances import Balance
from scheduler.context import JobContext
from scheduler.jobs import balances
from scheduler.publishing import publish
from storage.alerts import incidents
from tests.builders import spent
from tests.scheduler.conftest import HandClock, Notifications


@dataclass
class Account:
    """A provider with a balance per key. None: it reports none; an error: it can't be reached."""

    left: list[Balance | Exception | None]
    name: str = "deepseek"

    @property
    def keys(self) -> int:
        return len(self.left)

    async def balance(self, key: int = 0) -> Balance | None:
        found = self.left[key]
        if isinstance(found, Exception):
            raise found
        return found


def usd(amount: str) -> Balance:
    return Balance(Decimal(amount))


def having(context: JobContext, *left: Balance | Exception | None) -> JobContext:
    providers = {**context.market.providers, "deepseek": Account(list(left))}
    return replace(context, market=replace(context.market, providers=providers))  # type: ignore[arg-type]


async def check(context: JobContext) -> None:
    await balances.run(context)
    await publish(context, context.clock.now())


async def test_low_balance_is_reported_once_and_so_is_the_top_up(context: JobContext, notifier: Notifications) -> None:
    for left in ("4.99", "4.99"):
        await check(having(context, usd(left)))
    (message,) = notifier.messages.values()
    assert message.text.startswith("🪫 deepseek has $4.99 left; you asked to be told below $5.00.")
    await check(having(context, usd("25")))
    assert notifier.texts[1] == "🔋 deepseek was topped up: $25.00 are there now."


async def test_balance_at_the_threshold_is_enough(context: JobContext, notifier: Notifications) -> None:
    await check(having(context, usd("5")))
    assert notifier.texts == []


async def test_lowest_key_counts_and_yuan_are_converted(context: JobContext, notifier: Notifications) -> None:
    await check(having(context, usd("90"), Balance(Decimal("34.99"), "CNY"), None, Unreachable("gone")))
    assert notifier.texts[0].startswith("🪫 deepseek has ¥34.99 left")


async def test_days_left_follow_last_weeks_spending(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    """7 USD in a week are 1 USD per day."""
    common: dict[str, Any] = {"provider": "deepseek", "model": "m", "usage": Usage(1, 1), "cost": Money(7 * 10**9)}
    yesterday = clock.at.replace(day=clock.at.day - 1)
    await context.db.write(spent(1, Money(9 * 10**9), yesterday, outcome="answered", request_id="r", **common))
    await check(having(context, usd("3.50")))
    assert "At last week's rate that lasts 3 days." in notifier.texts[0]


async def test_unknown_balance_changes_nothing(context: JobContext, notifier: Notifications) -> None:
    await check(having(context, usd("1")))
    await check(having(context, Unreachable("gone")))
    assert len(notifier.texts) == 1
    (known,) = await context.db.read(incidents.all_open)
    assert known.kind == balances.BALANCE_LOW


async def test_used_up_balance_is_the_other_incident(context: JobContext) -> None:
    now = context.clock.now()
    await context.db.write(lambda conn: incidents.begin(conn, "balance_gone", "deepseek", {}, now))
    await balances.run(having(context, usd("0")))
    assert [each.kind for each in await context.db.read(incidents.all_open)] == ["balance_gone"]
