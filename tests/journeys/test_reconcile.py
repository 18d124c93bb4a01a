"""Journeys of the reconciliation with Telegram's Star transactions, and of messages to operators."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from engine.money import Money
from sandbox.telegram import stars
from scheduler.jobs import broadcasts, farming, quotas, reconcile, spending_caps
from scheduler.ports import LoggingNotifier
from storage.billing import payments
from storage.billing.reconciliation import StarEntry
from storage.reports.caps import SpendingCaps
from tests.journeys.conftest import ANN, BAO, OLGA, Journey
from tests.journeys.test_clock import context_of, run_and_tell, told
from tests.journeys.test_money import top_up, wallet

FIVE = 385 * 13_000_000
HOUR = 3600


async def order(journey: Journey) -> str:
    """Send Ann an invoice. Return its payload."""
    await top_up(journey)
    (offered, *_) = journey.sandbox.world.links.values()
    return str(offered["payload"])


def age_transactions(journey: Journey) -> None:
    """Make all transactions at Telegram an hour old."""
    for row in journey.sandbox.world.star_rows:
        row["date"] -= HOUR


def pay_without_update(journey: Journey, payload: str, charge: str) -> None:
    """Pay at Telegram without an update for the bot."""
    payment = {"total_amount": 385, "invoice_payload": payload, "user_id": ANN, "refunded": False, "currency": "XTR"}
    journey.sandbox.world.payments[charge] = {**payment, "telegram_payment_charge_id": charge}
    stars._book(journey.sandbox.world, charge, "source")


async def test_unseen_payment_is_credited_and_notified_once(journey: Journey) -> None:
    pay_without_update(journey, await order(journey), "lost1")
    desk = context_of(journey)
    await reconcile.run(desk)
    assert await wallet(journey) == FIVE  # its update may still arrive
    age_transactions(journey)
    for _ in range(3):
        await reconcile.run(desk)
    assert await wallet(journey) == 2 * FIVE
    assert len(told(journey, ANN, "had not reached me")) == 1
    assert len(told(journey, OLGA, "had not reached the bot")) == 1
    await journey.check_books()


async def test_unseen_refund_is_booked_once(journey: Journey) -> None:
    charge = await top_up(journey)
    journey.sandbox.world.payments[charge]["refunded"] = True
    stars._book(journey.sandbox.world, charge, "receiver")
    age_transactions(journey)
    for _ in range(2):
        await reconcile.run(context_of(journey))
    assert await wallet(journey) == 0
    assert len(told(journey, ANN, "was refunded")) == 1
    await journey.check_books()


async def test_agreeing_books_cause_no_message(journey: Journey) -> None:
    charge = await top_up(journey)
    stars.refund(journey.sandbox.world, ANN, charge)
    await journey.idle()
    age_transactions(journey)
    before = len(journey.sandbox.world.messages(OLGA))
    await reconcile.run(context_of(journey))
    assert len(journey.sandbox.world.messages(OLGA)) == before


async def test_long_list_is_read_to_its_end_and_continued_from_there(journey: Journey) -> None:
    payload = await order(journey)
    for number in range(230):
        pay_without_update(journey, payload, f"lost{number}")
    age_transactions(journey)
    desk = replace(context_of(journey), notifier=Silence())
    await reconcile.run(desk)
    assert await wallet(journey) == 231 * FIVE
    calls = [params for name, params in journey.sandbox.world.calls if name.lower() == "getstartransactions"]
    assert [int(params.get("offset") or 0) for params in calls] == [0, 100, 200, 231]
    await reconcile.run(desk)
    assert await wallet(journey) == 231 * FIVE
    await journey.check_books()


async def test_bookings_are_notified_when_the_list_breaks_off(journey: Journey) -> None:
    payload = await order(journey)
    for number in range(30):
        pay_without_update(journey, payload, f"lost{number}")
    age_transactions(journey)
    desk, heard = context_of(journey), Silence()
    assert desk.stars is not None
    await reconcile.run(replace(desk, stars=FirstPages([await desk.stars.page(0)]), notifier=heard))
    assert await wallet(journey) == 31 * FIVE
    assert heard.count("payment.found") == 30
    assert (heard.count("alert.stars_credited"), heard.count("alert.stars_more")) == (10, 1)
    await reconcile.run(replace(desk, notifier=heard))
    assert heard.count("payment.found") == 30


async def test_bookings_of_a_dead_process_are_notified_by_the_next_one(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    pay_without_update(journey, await order(journey), "lost1")
    age_transactions(journey)
    with monkeypatch.context() as dying:
        dying.setattr(reconcile, "_notify", fail_as_if_killed)
        with pytest.raises(KeyboardInterrupt):
            await reconcile.run(replace(context_of(journey), lease_id="of-a-dead-one"))
    assert await wallet(journey) == 2 * FIVE
    for _ in range(2):
        await reconcile.run(context_of(journey))
    assert len(told(journey, ANN, "had not reached me")) == 1
    assert len(told(journey, OLGA, "had not reached the bot")) == 1


async def test_unseen_subscription_payment_begins_its_plan_and_is_notified(journey: Journey) -> None:
    await journey.ask("/plan")
    await journey.press("pro")
    await journey.idle()
    await journey.press("I agree")
    await journey.idle()
    (offered, *_) = (each for each in journey.sandbox.world.links.values() if each["period"])
    payment = {"total_amount": offered["total_amount"], "invoice_payload": offered["payload"], "user_id": ANN}
    journey.sandbox.world.payments["sub1"] = {**payment, "is_recurring": True}
    stars._book(journey.sandbox.world, "sub1", "source")
    age_transactions(journey)
    await reconcile.run(context_of(journey))
    assert len(told(journey, ANN, "you are on plan pro until")) == 1
    stars._book(journey.sandbox.world, "sub1", "receiver")
    age_transactions(journey)
    await reconcile.run(context_of(journey))
    assert len(told(journey, ANN, "Plan pro ended with it")) == 1
    await journey.check_books()


async def fail_as_if_killed(_: Any) -> None:
    raise KeyboardInterrupt


class FirstPages:
    """A list of Star transactions that fails after its first pages."""

    bot_id = 1

    def __init__(self, pages: list[list[StarEntry]]) -> None:
        self._pages = pages

    async def page(self, _: int) -> list[StarEntry]:
        if not self._pages:
            raise OSError("Telegram is out of reach")
        return self._pages.pop(0)

    async def cancel(self, *_: Any) -> bool | None:
        return None


class Silence(LoggingNotifier):
    """A notifier that only records, because sending 230 notices would take minutes under Telegram's limits."""

    def __init__(self) -> None:
        self._heard: list[str] = []

    def count(self, key: str) -> int:
        return self._heard.count(key)

    async def notify(self, _: int, key: str, *__: Any) -> None:
        self._heard.append(key)

    async def deliver(self, user_id: int, key: str, *_: Any, **__: Any) -> tuple[int, int]:
        self._heard.append(key)
        return user_id, len(self._heard)


async def test_payment_that_could_not_be_booked_is_retried(journey: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database fails once, between Telegram's payment and its booking."""
    real, broken = payments.pay, [True]

    def failing(*args: Any, **kwargs: Any) -> Any:
        if broken:
            raise OSError("the disk is full")
        return real(*args, **kwargs)

    await order(journey)
    (offered, *_) = journey.sandbox.world.links.values()
    monkeypatch.setattr(payments, "pay", failing)
    assert (await stars.pay(journey.sandbox.world, ANN, ANN, offered))["ok"]
    async with asyncio.timeout(60):
        while not await journey.rows("SELECT 1 FROM inbox WHERE state = 'new' AND epoch = 1"):
            await asyncio.sleep(0.01)
    broken.clear()
    assert await wallet(journey) == FIVE
    assert await journey.bot.take_up() == 1
    await journey.idle()
    assert await wallet(journey) == 2 * FIVE
    assert len(told(journey, ANN, "was added")) == 2


async def test_refund_before_its_payment_leaves_nothing(journey: Journey) -> None:
    await order(journey)
    (offered, *_) = journey.sandbox.world.links.values()
    updates = journey.sandbox.world.updates
    charge = stars.paid(journey.sandbox.world, ANN, ANN, {**offered, "total_amount": 100})
    await journey.idle()
    number = next(n for n, u in updates._all.items() if charge in str(u))
    late = dict(updates._all[number]["message"])
    fields = {"currency": "XTR", "total_amount": 385, "invoice_payload": offered["payload"]}
    told_first = {**fields, "telegram_payment_charge_id": "swapped", "provider_payment_charge_id": ""}
    before = await wallet(journey)
    journey.sandbox.world.say(ANN, ANN, "", refunded_payment=told_first)
    await journey.idle()
    updates.push("message", {**late, "successful_payment": told_first})
    await journey.idle()
    assert await wallet(journey) == before
    await journey.check_books()


async def test_broadcast_asks_first_and_skips_users_that_blocked_the_bot(journey: Journey) -> None:
    await journey.ask("/start")
    await journey.ask("/start", BAO)
    journey.sandbox.world.block(BAO)
    await journey.idle()
    await journey.ask("/broadcast We are *back*.\nThanks!", OLGA)
    desk = context_of(journey)
    await run_and_tell(broadcasts, desk)
    assert not told(journey, ANN, "We are back")
    for _ in range(2):
        await journey.press("Send to", OLGA)
        await journey.idle()
        await run_and_tell(broadcasts, desk)
    assert told(journey, ANN, "We are") == ["We are back.\nThanks!"]
    assert told(journey, OLGA, "2 got it.")


async def test_many_new_accounts_are_alerted_once_an_hour(journey: Journey) -> None:
    await journey.ask("/start")
    await journey.ask("/start", BAO)
    await farming.run(replace(context_of(journey), new_per_hour_alert=4))
    assert not told(journey, OLGA, "new accounts")
    for _ in range(2):
        await farming.run(replace(context_of(journey), new_per_hour_alert=2))
    assert len(told(journey, OLGA, "new accounts")) == 1


async def test_spending_cap_is_alerted_near_it_and_at_it(journey: Journey) -> None:
    await journey.ask("tell me about tea at length")
    await journey.idle()
    (spent,) = await journey.rows("SELECT SUM(cost_nanousd) AS n FROM attempts")
    container = journey.container
    for most, words in ((spent["n"] * 10 // 9, "At the cap"), (spent["n"], "has reached the cap")):
        caps = SpendingCaps(container.db, container.clock, Money(int(most)), None)
        for _ in range(2):
            await spending_caps.run(replace(context_of(journey), caps=caps))
        assert len(told(journey, OLGA, words)) == 1


async def test_key_near_its_limit_is_notified_with_its_button(journey: Journey) -> None:
    await journey.ask("/keys")
    await journey.press("New key")
    await journey.sandbox.world.wait_message(ANN, lambda m: "fk-" in m.get("text", ""))
    await journey.ask("/keys")
    await journey.press("Settings fk-")
    await journey.idle()
    await journey.press("Tokens a month")
    await journey.idle()
    await journey.press("1,000,000")
    await journey.sandbox.world.wait_message(ANN, lambda m: "Tokens a month: 1,000,000" in m.get("text", ""))
    now = journey.container.clock.now()
    await journey.container.db.write(
        lambda conn: conn.run("UPDATE api_keys SET used_tokens = 850000, month = :m", m=now.year * 100 + now.month)
    )
    for _ in range(2):
        await run_and_tell(quotas, context_of(journey))
    assert len(told(journey, ANN, "85 %")) + len(told(journey, ANN, "has used 80 %")) == 1
    await journey.press("API keys")
    await journey.idle()
    assert told(journey, ANN, "850,000 tokens this month of 1,000,000")
