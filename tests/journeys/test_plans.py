"""Journeys of plans: bought, changed and cancelled."""

import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.app import Sandbox
from sandbox.telegram import stars
from scheduler.jobs import renew_plans
from storage.database.connection import ms
from tests.journeys.conftest import ANN, CONFIG, OLGA, Journey, started, words
from tests.journeys.test_clock import context_of, run_and_tell, told
from tests.journeys.test_money import top_up, wallet

MONTH_SECONDS = 30 * 86_400
BOTH = f'{CONFIG}\n[billing]\nplans_from = "both"\n'


async def subscription_link(journey: Journey, plan: str) -> dict[str, Any]:
    """Press `plan` in /plan. Return the subscription that is then offered."""
    known = set(journey.sandbox.world.links)
    await journey.ask("/plan")
    await journey.press(plan)
    await journey.idle()
    (name,) = (each for each in journey.sandbox.world.links if each not in known)
    return journey.sandbox.world.links[name]


async def subscribe(journey: Journey, plan: str = "starter") -> str:
    """Let Ann subscribe. Return the charge id."""
    offered = await subscription_link(journey, plan)
    paid = await stars.pay(journey.sandbox.world, ANN, ANN, offered)
    assert paid["ok"], paid
    await journey.idle()
    return str(paid["charge_id"])


async def agree_to_terms(journey: Journey) -> None:
    await journey.ask("/plan")
    await journey.press("starter")
    await journey.sandbox.world.wait_message(ANN, lambda m: "Do you agree" in m.get("text", ""))
    await journey.press("I agree")
    await journey.idle()


async def plan_of(journey: Journey, user: int = ANN) -> str:
    rows = await journey.rows("SELECT plan FROM tenants WHERE telegram_user_id = :user", user=user)
    return str(rows[0]["plan"])


async def test_terms_are_agreed_to_before_the_first_payment_and_stored_with_their_version(journey: Journey) -> None:
    await agree_to_terms(journey)
    assert told(journey, ANN, "Telegram subscription")  # the subscription that was begun continues
    (tenant,) = await journey.rows("SELECT * FROM tenants WHERE telegram_user_id = :user", user=ANN)
    version = date.fromisoformat(tenant["agreed_terms"])
    assert f"Terms of {version:%-d %b %Y}" in await journey.ask("/terms")
    assert tenant["agreed_terms_at"]


async def test_upgrade_cancels_the_old_subscription_at_telegram(journey: Journey) -> None:
    await agree_to_terms(journey)
    old = await subscribe(journey)
    new = await subscribe(journey, "pro")
    payments = journey.sandbox.world.payments
    assert (payments[old].get("canceled"), payments[new].get("canceled")) == (True, None)
    assert await plan_of(journey) == "pro"
    await journey.idle()
    texts = [words(message) for message in journey.sandbox.world.messages(ANN)]
    assert any("$9.00 for the unused part of your old plan was added to your wallet" in each for each in texts), texts
    await journey.check_books()


@pytest.mark.parametrize(("days_left", "tokens_left", "usd"), [(15, 90, "4.50"), (27, 40, "3.60"), (6, 20, "1.80")])
async def test_upgrade_in_mid_month_credits_the_lesser_of_time_and_tokens(
    journey: Journey, days_left: int, tokens_left: int, usd: str
) -> None:
    """Of a plan for 9 USD, `tokens_left` percent of the tokens and `days_left` of 30 days are unused."""
    await agree_to_terms(journey)
    await subscribe(journey)
    now = journey.container.clock.now()
    end = ms(now + timedelta(days=days_left))
    start = end - MONTH_SECONDS * 1000
    await journey.container.db.write(
        lambda conn: conn.run(
            "UPDATE accounts SET period_start_at = :start, period_end_at = :end,"
            " allowance_used_tokens = allowance_tokens * (100 - :left) / 100 WHERE allowance_tokens > 0",
            start=start,
            end=end,
            left=tokens_left,
        )
    )
    await subscribe(journey, "pro")
    await journey.idle()
    assert await plan_of(journey) == "pro"
    assert len(told(journey, ANN, f"${usd} for the unused part of your old plan was added to your wallet")) == 1
    await journey.check_books()


async def test_second_subscription_to_the_same_plan_is_refused(journey: Journey) -> None:
    await agree_to_terms(journey)
    first, second = await subscription_link(journey, "starter"), await subscription_link(journey, "starter")
    assert (await stars.pay(journey.sandbox.world, ANN, ANN, first))["ok"]
    await journey.idle()
    refused = await stars.pay(journey.sandbox.world, ANN, ANN, second)
    assert refused == {"ok": False, "error": "You already have this subscription. /plan shows it."}


async def test_renewal_uses_the_same_order_and_is_credited_once(journey: Journey) -> None:
    await agree_to_terms(journey)
    offered = await subscription_link(journey, "starter")
    world = journey.sandbox.world
    assert (await stars.pay(world, ANN, ANN, offered))["ok"]
    await journey.idle()
    charge = stars.paid(world, ANN, ANN, offered, renewal=True)
    later = int(time.time()) + 2 * MONTH_SECONDS
    number = next(n for n, u in world.updates._all.items() if charge in str(u))
    world.updates._all[number]["message"]["successful_payment"]["subscription_expiration_date"] = later
    await journey.idle()
    world.updates.push("message", dict(world.updates._all[number]["message"]))
    await journey.idle()
    (account,) = await journey.rows(
        "SELECT a.* FROM accounts a JOIN tenants t ON t.id = a.tenant_id WHERE telegram_user_id = :user", user=ANN
    )
    assert account["period_end_at"] == later * 1000
    assert account["period_no"] == 3
    await journey.check_books()


async def test_subscription_is_cancelled_and_resumed_by_buttons(journey: Journey) -> None:
    await agree_to_terms(journey)
    charge = await subscribe(journey)
    await journey.ask("/plan")
    await journey.press("Cancel subscription")
    await journey.sandbox.world.wait_message(ANN, lambda m: "ends on" in m.get("text", ""))
    assert journey.sandbox.world.payments[charge]["canceled"] is True
    assert "is cancelled and ends on" in await journey.ask("/plan")
    await journey.press("Resume subscription")
    await journey.sandbox.world.wait_message(ANN, lambda m: "continues" in m.get("text", ""))
    assert journey.sandbox.world.payments[charge]["canceled"] is False
    assert "renews on" in await journey.ask("/plan")


async def test_downgrade_waits_for_the_periods_end_and_cancels_at_telegram(journey: Journey) -> None:
    await agree_to_terms(journey)
    charge = await subscribe(journey, "pro")
    await journey.ask("/plan")
    await journey.press("starter")
    await journey.sandbox.world.wait_message(ANN, lambda m: "begins when this period ends" in m.get("text", ""))
    assert journey.sandbox.world.payments[charge]["canceled"] is True
    assert await plan_of(journey) == "pro"
    assert "Next period: plan starter" in await journey.ask("/plan")
    await journey.press("Keep pro")
    await journey.sandbox.world.wait_message(ANN, lambda m: "continues" in m.get("text", ""))
    assert "Next period" not in await journey.ask("/plan")
    assert journey.sandbox.world.payments[charge]["canceled"] is False


async def test_smaller_plan_can_be_subscribed_to_once_the_larger_one_is_over(journey: Journey) -> None:
    await agree_to_terms(journey)
    await subscribe(journey, "pro")
    await journey.ask("/plan")
    await journey.press("starter")
    await journey.sandbox.world.wait_message(ANN, lambda m: "I'll ask you" in m.get("text", ""))
    desk = context_of(journey)
    over = "UPDATE accounts SET period_start_at = period_start_at - :ms, period_end_at = period_end_at - :ms"
    await journey.container.db.write(lambda conn: conn.run(over, ms=(MONTH_SECONDS + 3600) * 1000))
    await run_and_tell(renew_plans, desk)
    assert len(told(journey, ANN, "subscribe with /plan")) == 1
    await subscribe(journey, "starter")
    assert await plan_of(journey) == "starter"
    assert "renews on" in await journey.ask("/plan")
    await journey.check_books()


async def test_subscription_update_of_telegram_is_notified_once(journey: Journey) -> None:
    await agree_to_terms(journey)
    await subscribe(journey)
    (order,) = await journey.rows("SELECT order_id FROM subscriptions")
    said = {"user": {"id": ANN}, "invoice_payload": order["order_id"]}
    for state in ("failed", "failed", "canceled", "active"):
        journey.sandbox.world.updates.push("subscription", {**said, "state": state})
        await journey.idle()
    assert len(told(journey, ANN, "could not collect")) == 1
    assert len(told(journey, ANN, "ends on")) == 1
    assert len(told(journey, ANN, "continues")) == 1
    journey.sandbox.world.updates.push("subscription", {**said, "user": {"id": OLGA}, "state": "failed"})
    await journey.idle()
    assert (await journey.rows("SELECT state FROM subscriptions"))[0]["state"] == "active"


async def test_refunded_subscription_ends_its_plan(journey: Journey) -> None:
    await agree_to_terms(journey)
    charge = await subscribe(journey)
    stars.refund(journey.sandbox.world, ANN, charge)
    await journey.idle()
    assert await plan_of(journey) == "free"
    assert "ended with it" in told(journey, ANN, "was refunded")[0]
    assert journey.sandbox.world.payments[charge]["canceled"] is True
    await journey.check_books()


async def test_plan_set_by_an_operator_ends_another_subscription(journey: Journey) -> None:
    await agree_to_terms(journey)
    charge = await subscribe(journey)
    async with journey.admin() as http:
        (tenant,) = (await http.get("/admin/tenants", params={"telegram_user_id": ANN})).json()["data"]
        assert (await http.put(f"/admin/tenants/{tenant['id']}/plan", json={"plan": "pro"})).status_code == 200
    await run_and_tell(renew_plans, context_of(journey))
    assert journey.sandbox.world.payments[charge]["canceled"] is True
    assert await journey.rows("SELECT * FROM subscriptions WHERE state <> 'ended'") == []
    await journey.check_books()


async def test_plan_is_bought_and_renewed_from_the_wallet_where_configured(tmp_path: Path, sandbox: Sandbox) -> None:
    async with started(tmp_path, sandbox, BOTH) as journey:
        await top_up(journey)
        await journey.confirm("/credit 1 20", OLGA)
        await journey.ask("/plan")
        await journey.press("starter")
        await journey.sandbox.world.wait_message(ANN, lambda m: "Telegram subscription" in m.get("text", ""))
        await journey.press("from the wallet")
        await journey.sandbox.world.wait_message(ANN, lambda m: "on plan starter now" in m.get("text", ""))
        assert await wallet(journey) == 385 * 13_000_000 + 20 * 10**9 - 9 * 10**9
        desk = context_of(journey)
        past = int((desk.clock.now() - timedelta(hours=2)).timestamp() * 1000)
        await journey.container.db.write(lambda conn: conn.run("UPDATE accounts SET period_end_at = :past", past=past))
        for _ in range(2):
            await run_and_tell(renew_plans, desk)
        assert await wallet(journey) == 385 * 13_000_000 + 2 * 10**9
        assert len(told(journey, ANN, "A new period of plan")) == 1
        await journey.check_books()


async def test_unpaid_renewal_is_notified_with_buttons_and_lapses_after_a_day(journey: Journey) -> None:
    await journey.ask("/start")
    await journey.confirm("/setplan 1 starter", OLGA)
    desk = context_of(journey)
    for hours in (2, 3, 25):
        past = int((desk.clock.now() - timedelta(hours=hours)).timestamp() * 1000)
        await journey.container.db.write(lambda conn: conn.run("UPDATE accounts SET period_end_at = :past", past=past))  # noqa: B023
        await run_and_tell(renew_plans, desk)
    assert len(told(journey, ANN, "is not paid")) == 1
    assert len(told(journey, ANN, "was not renewed")) == 1
    assert await plan_of(journey) == "free"
