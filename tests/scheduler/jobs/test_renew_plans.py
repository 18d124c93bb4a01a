from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from scheduler.context import JobContext
from scheduler.jobs import renew_plans, tenant_notices
from storage.billing import plans, renewals, subscriptions
from storage.billing.subscriptions import Subscription
from storage.database.connection import Connection
from tests.scheduler.conftest import ADMIN, HandClock, Notifications
from tests.storage.books import FREE
from tests.storage.shop import ANN, KNOWN, MONTH, STARTER, ann, paid, plan_order, state
from tests.storage.teams.crew import crew


class Telegram:
    """Telegram's side of subscriptions. `answer`: the result of cancelling."""

    bot_id = 1

    def __init__(self, answer: bool | None) -> None:
        self.answer = answer
        self.canceled: list[str] = []

    async def page(self, _: int) -> list[Any]:
        return []

    async def cancel(self, subscription: Subscription, user_id: int) -> bool | None:
        assert user_id == ANN
        self.canceled.append(subscription.order_id)
        return self.answer


@pytest.fixture
def shop(context: JobContext) -> JobContext:
    """Return the context with the shop's plans."""
    return replace(context, plans=KNOWN)


async def renew_and_tell(context: JobContext) -> None:
    await renew_plans.run(context)
    await tenant_notices.run(context)


async def test_free_period_is_renewed_without_a_message(
    shop: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await shop.db.write(ann)
    before = await shop.db.read(state)
    clock.at += MONTH
    await renew_and_tell(shop)
    after = await shop.db.read(state)
    assert after.renews_at == before.renews_at + MONTH
    assert notifier.texts == []


async def test_unpaid_plan_is_notified_once_and_lapses_after_the_grace_time(
    shop: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await shop.db.write(lambda conn: paid(conn, plan_order(conn)))
    await shop.db.write(lambda conn: conn.run("DELETE FROM subscriptions"))
    clock.at += MONTH
    for _ in range(2):
        await renew_and_tell(shop)
    assert len(notifier.texts) == 1
    assert "subscribe with /plan" in notifier.texts[0]
    clock.at += renewals.GRACE
    await renew_and_tell(shop)
    assert "was not renewed" in notifier.texts[1]
    assert (await shop.db.read(state)).plan == FREE.name


async def test_wallet_that_pays_plans_is_offered_a_top_up(
    shop: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    await shop.db.write(lambda conn: paid(conn, plan_order(conn)))
    await shop.db.write(lambda conn: conn.run("DELETE FROM subscriptions"))
    clock.at += MONTH
    await renew_and_tell(replace(shop, wallet_pays_plans=True))
    (message,) = notifier.messages.values()
    assert [button.command for button in message.buttons] == ["plan", "topup"]


async def test_teams_owner_is_told_of_the_teams_plan(
    shop: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    def unit(conn: Connection) -> None:
        team, *_ = crew(conn, "9")
        assert plans.buy_from_wallet(conn, team, STARTER, KNOWN, clock.now()).done

    await shop.db.write(unit)
    clock.at += MONTH
    await renew_and_tell(shop)
    clock.at += renewals.GRACE
    await renew_and_tell(shop)
    assert [reader for reader, _ in notifier.messages] == [1001, 1001]
    unpaid, lapsed = notifier.texts
    assert unpaid.startswith("The wallet of your team `Tea house` could not pay")
    assert lapsed.startswith("The plan of your team `Tea house` was not renewed")
    assert {each.command for message in notifier.messages.values() for each in message.buttons} == {"team"}


async def test_one_tenants_error_does_not_stop_the_others(
    shop: JobContext, clock: HandClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    renewed: list[int] = []

    def renew(_: Connection, tenant_id: int, *__: Any, **___: Any) -> None:
        if tenant_id == 1:
            raise ValueError("broken")
        renewed.append(tenant_id)

    monkeypatch.setattr(renewals, "renew", renew)
    monkeypatch.setattr(renewals, "due", lambda _, after, **__: [1, 2] if after == 0 else [])
    clock.move(days=1)
    await renew_plans.run(shop)
    assert renewed == [2]
    assert "tenant 1 could not be renewed" in caplog.text


@pytest.mark.parametrize(
    ("answer", "is_left", "reports"),
    [(True, False, 0), (False, False, 1), (None, True, 0)],
    ids=["done", "no", "offline"],
)
async def test_replaced_subscription_is_canceled_until_telegram_answers(
    shop: JobContext, notifier: Notifications, answer: bool | None, *, is_left: bool, reports: int
) -> None:
    telegram = Telegram(answer)
    order = await shop.db.write(plan_order)
    await shop.db.write(lambda conn: paid(conn, order))
    await shop.db.write(lambda conn: subscriptions.mark_to_cancel(conn, order.id))
    for _ in range(2):
        await renew_and_tell(replace(shop, stars=telegram))
    assert telegram.canceled == [order.id] * (2 if is_left else 1)
    assert [chat for chat, _ in notifier.messages] == [ADMIN] * reports
    assert bool(await shop.db.read(subscriptions.to_cancel)) is is_left


async def test_expired_subscription_that_telegram_keeps_is_not_reported(
    shop: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    order = await shop.db.write(plan_order)
    done = await shop.db.write(lambda conn: paid(conn, order))
    assert done.plan == STARTER.name
    await shop.db.write(lambda conn: subscriptions.mark_to_cancel(conn, order.id))
    clock.at += MONTH + timedelta(seconds=1)
    await renew_and_tell(replace(shop, stars=Telegram(answer=False)))
    assert ADMIN not in [chat for chat, _ in notifier.messages]
