from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from scheduler.context import JobContext
from scheduler.jobs import reconcile
from storage.billing.orders import Order
from storage.billing.payments import Payment
from storage.billing.reconciliation import StarEntry, offset
from storage.billing.subscriptions import Subscription
from tests.scheduler.conftest import ADMIN, NOW, HandClock, Notifications
from tests.storage.shop import ANN, KNOWN, paid, plan_order, topup_order, wallet

LONG_AGO = NOW - timedelta(hours=1)


class Telegram:
    """Telegram's list of Star transactions, in pages; it can't be reached after `fails_at` entries were read."""

    bot_id = 7

    def __init__(self, entries: Sequence[StarEntry], page_size: int = 2, fails_at: int | None = None) -> None:
        self.entries, self.page_size, self.fails_at = entries, page_size, fails_at
        self.offsets: list[int] = []

    async def page(self, offset: int) -> list[StarEntry]:
        self.offsets.append(offset)
        if self.fails_at is not None and offset >= self.fails_at:
            raise OSError("offline")
        return list(self.entries[offset : offset + self.page_size])

    async def cancel(self, *_: Subscription | int) -> bool | None:
        return None


def entry(order: Order, charge: str, *, kind: str = "payment", **how: Any) -> StarEntry:
    return StarEntry(kind, how.get("at", LONG_AGO), Payment(charge, order.id, ANN, order.stars, how.get("until")))


@pytest.fixture
def shop(context: JobContext) -> JobContext:
    return replace(context, plans=KNOWN)


async def test_missing_payment_is_credited_and_reported_once(shop: JobContext, notifier: Notifications) -> None:
    order = await shop.db.write(topup_order)
    shop = replace(shop, stars=Telegram([entry(order, "lost")]))
    for _ in range(2):
        await reconcile.run(shop)
    assert await shop.db.read(wallet) == order.usd
    assert [chat for chat, _ in notifier.messages] == [ANN, ADMIN]


async def test_young_payment_waits_for_its_update(shop: JobContext, clock: HandClock, notifier: Notifications) -> None:
    order = await shop.db.write(topup_order)
    shop = replace(shop, stars=Telegram([entry(order, "young", at=clock.now() - timedelta(minutes=14))]))
    await reconcile.run(shop)
    assert notifier.texts == []
    clock.move(minutes=1)
    await reconcile.run(shop)
    assert len(notifier.messages) == 2


async def test_plan_payment_is_reported_with_its_plan(shop: JobContext, notifier: Notifications) -> None:
    order = await shop.db.write(plan_order)
    await reconcile.run(replace(shop, stars=Telegram([entry(order, "sub", until=NOW + timedelta(days=30))])))
    assert "plan *starter* until" in notifier.texts[0]


async def test_missing_refund_is_booked_and_reported(shop: JobContext, notifier: Notifications) -> None:
    order = await shop.db.write(topup_order)
    await shop.db.write(lambda conn: paid(conn, order, "c1"))
    entries = [entry(order, "c1"), entry(order, "c1", kind="refund")]
    await reconcile.run(replace(shop, stars=Telegram(entries)))
    assert (await shop.db.read(wallet)).nanousd == 0
    assert "refunded" in notifier.texts[0]
    assert "owe" not in notifier.texts[0]


async def test_run_resumes_a_little_before_the_last_ones_end(shop: JobContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "OVERLAP", 1)
    order = await shop.db.write(topup_order)
    telegram = Telegram([entry(order, f"c{number}") for number in range(5)])
    shop = replace(shop, stars=telegram)
    for _ in range(2):
        await reconcile.run(shop)
    assert telegram.offsets == [0, 2, 4, 5, 4, 5]
    assert await shop.db.read(lambda conn: offset(conn, telegram.bot_id)) == 5


async def test_findings_of_a_broken_off_run_are_reported(
    shop: JobContext, notifier: Notifications, caplog: pytest.LogCaptureFixture
) -> None:
    order = await shop.db.write(topup_order)
    telegram = Telegram([entry(order, f"c{number}") for number in range(5)], fails_at=2)
    await reconcile.run(replace(shop, stars=telegram))
    assert len([chat for chat, _ in notifier.messages if chat == ANN]) == 2
    assert "could not be read" in caplog.text


async def test_findings_beyond_ten_of_a_kind_are_one_message(
    shop: JobContext, notifier: Notifications, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "MOST_SINGLE_MESSAGES", 2)
    order = await shop.db.write(topup_order)
    await reconcile.run(replace(shop, stars=Telegram([entry(order, f"c{number}") for number in range(5)])))
    alerts = [message.text for (chat, _), message in notifier.messages.items() if chat == ADMIN]
    assert len(alerts) == 3
    assert f"3 more like these, {3 * order.stars:,}" in alerts[2]


async def test_without_a_bot_nothing_is_read(context: JobContext, notifier: Notifications) -> None:
    await reconcile.run(context)
    assert notifier.texts == []
