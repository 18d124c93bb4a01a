"""Plans in the Mini App, with the rules of /plan."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from engine.money import Money
from storage.billing import payments
from storage.billing.payments import Payment
from storage.ledger import transfers
from tests.web.miniapp.payments.conftest import Shop, open_shop

BOTH = '[billing]\nplans_from = "both"\n'


async def subscribe(shop: Shop, plan: str) -> str:
    """Pay for a plan by a Stars subscription, and book it like the bot. Return the charge id."""
    offered = shop.offered((await shop.choose(plan, "stars"))["link"])
    charge, until = f"stx-{plan}", datetime.now(UTC) + timedelta(days=30)
    shop.world.payments[charge] = {"is_recurring": True, "user_id": 1001}
    payment = Payment(charge, offered["payload"], 1001, offered["total_amount"], until)
    container, now = shop.mini.container, datetime.now(UTC)
    known, per_star = container.plans, Money.usd("0.013")
    await container.db.write(lambda conn: payments.pay(conn, payment, per_star=per_star, known=known, now=now))
    return charge


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_ways_to_pay_come_first_then_the_invoice_of_a_subscription(shop: Shop) -> None:
    found = await shop.choose("pro")
    assert not found["done"]
    assert found["ways"] == [{"pay": "stars", "text": "Subscribe for 2,231 ⭐"}]
    assert found["text"] == "Plan pro: 2,231 Stars a month, as a Telegram subscription; cancel any time."
    assert await shop.mini.rows("SELECT * FROM orders") == []
    made = await shop.choose("pro", "stars")
    assert made["bot_link"] == "https://t.me/farthing_sandbox_bot?start=plan"
    offered = shop.offered(made["link"])
    (order,) = await shop.mini.rows("SELECT * FROM orders")
    assert (offered["payload"], offered["period"], offered["total_amount"]) == (order["id"], 2_592_000, 2231)
    assert (order["kind"], order["plan"], order["price_nanousd"]) == ("plan", "pro", 29 * 10**9)


async def test_subscription_is_cancelled_and_resumed(shop: Shop) -> None:
    charge = await subscribe(shop, "pro")
    assert await shop.plan() == ("pro", None)
    seen = (await shop.http.get("/app/payments")).json()
    assert (seen["subscription"]["can_cancel"], seen["subscription"]["can_resume"]) == (True, False)
    assert refused(await shop.http.post("/app/plan/resume")) == (409, "stale")
    cancelled = (await shop.http.post("/app/plan/cancel")).json()
    assert "ends on" in cancelled["text"]
    assert shop.world.payments[charge]["canceled"]
    assert refused(await shop.http.post("/app/plan/cancel")) == (409, "stale")
    assert "continues" in (await shop.http.post("/app/plan/resume")).json()["text"]
    assert not shop.world.payments[charge]["canceled"]


async def test_lower_plan_waits_for_the_end_of_the_period(shop: Shop) -> None:
    charge = await subscribe(shop, "pro")
    assert "begins when this period ends" in (await shop.choose("starter"))["text"]
    assert await shop.plan() == ("pro", "starter")
    assert shop.world.payments[charge]["canceled"]
    assert "continues" in (await shop.choose("pro"))["text"]
    assert await shop.plan() == ("pro", None)
    assert not shop.world.payments[charge]["canceled"]
    assert (await shop.choose("pro"))["text"] == "You are already on that plan."


async def test_change_that_telegram_refuses_is_not_made(shop: Shop) -> None:
    charge = await subscribe(shop, "pro")
    del shop.world.payments[charge]
    for answer in (await shop.http.post("/app/plan/cancel"), await shop.http.post("/app/plan", json={"plan": "free"})):
        assert refused(answer) == (409, "telegram_refused")
    assert await shop.plan() == ("pro", None)


async def test_plan_is_bought_from_the_wallet_once(tmp_path: Path) -> None:
    async with open_shop(tmp_path, BOTH) as shop:
        ways = (await shop.choose("starter"))["ways"]
        assert [way["pay"] for way in ways] == ["stars", "wallet"]
        short = await shop.http.post("/app/plan", json={"plan": "starter", "pay": "wallet"})
        assert refused(short) == (402, "wallet_short")
        assert "$9.00 short" in short.json()["error"]["message"]
        now, db = datetime.now(UTC), shop.mini.container.db
        gift = Money.usd("20")
        await db.write(lambda conn: transfers.credit(conn, shop.mini.ann, gift, ref="g", reason="gift", now=now))
        assert (await shop.choose("starter", "wallet"))["text"] == "You are on plan starter now."
        assert (await shop.choose("starter", "wallet"))["text"] == "You are already on that plan."
        account = (await shop.http.get("/app/account")).json()["account"]
        assert (account["plan"], account["wallet_usd"]) == ("starter", "11.00")
        await shop.mini.check_books()


async def test_wallet_pays_no_plan_unless_the_operator_allows_it(shop: Shop) -> None:
    answer = await shop.http.post("/app/plan", json={"plan": "starter", "pay": "wallet"})
    assert refused(answer) == (409, "stale")


@pytest.mark.parametrize("body", [{"plan": "gold"}, {"plan": "pro", "pay": "card"}, {}])
async def test_wrong_choice_is_named(shop: Shop, body: dict[str, str]) -> None:
    answer = await shop.http.post("/app/plan", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] in {"plan", "pay"}
