"""Top-ups in the Mini App."""

from pathlib import Path

import pytest

from engine.money import Money
from tests.web.miniapp.conftest import BAO, Mini, opened
from tests.web.miniapp.payments.conftest import Shop
from web.miniapp.payments.topup import start_of


async def test_invoice_is_an_order_of_the_bot(shop: Shop) -> None:
    answer = await shop.http.post("/app/topups", json={"amount": "$5.00"})
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = answer.json()
    assert made["stars"] == 385
    assert made["bot_link"] == "https://t.me/farthing_sandbox_bot?start=topup_5"
    (order,) = await shop.mini.rows("SELECT * FROM orders")
    assert (order["tenant_id"], order["kind"], order["stars"], order["state"]) == (shop.mini.ann, "topup", 385, "new")
    offered = shop.offered(made["link"])
    assert (offered["payload"], offered["total_amount"], offered["currency"]) == (order["id"], 385, "XTR")
    assert offered["title"] == "$5.00 for your wallet"


@pytest.mark.parametrize(
    ("amount", "stars"), [("7.50", 577), ("7,50", 577), ("$130", 10_000), ("1", 77), ("500¢", 385), ("12 usd", 924)]
)
async def test_amounts_are_taken_as_people_write_them(shop: Shop, amount: str, stars: int) -> None:
    answer = await shop.http.post("/app/topups", json={"amount": amount})
    assert (answer.status_code, answer.json().get("stars")) == (201, stars)


@pytest.mark.parametrize("amount", ["", "abc", "0", "0.99", "130.01", "-5", "5.001", "1e2", "5 $ 5", "9" * 40])
async def test_other_amounts_are_refused_with_the_limits(shop: Shop, amount: str) -> None:
    answer = await shop.http.post("/app/topups", json={"amount": amount})
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, "amount")
    assert "from $1.00 to $130.00" in error["message"]
    assert await shop.mini.rows("SELECT * FROM orders") == []


async def test_terms_come_before_the_first_payment(shop: Shop) -> None:
    async with shop.mini.http(BAO, language="vi") as http:
        for path, body in (("/app/topups", {"amount": "5"}), ("/app/plan", {"plan": "pro"})):
            answer = await http.post(path, json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "terms_not_agreed")
        terms = (await http.get("/app/terms")).json()
        assert not terms["agreed"]
        assert terms["text"].startswith("Điều khoản")
        assert "*" not in terms["text"]
        assert (await http.post("/app/terms")).status_code == 204
        assert (await http.get("/app/terms")).json()["agreed"]
        made = await http.post("/app/topups", json={"amount": "5,00 $"})
        assert (made.status_code, made.json()["text"]) == (201, "5,00 $ · 385 ⭐")


async def test_without_telegram_nothing_is_said_to_be_made(tmp_path: Path) -> None:
    async with opened(tmp_path, telegram_url="http://127.0.0.1:9") as mini, mini.http(BAO) as http:
        await http.post("/app/terms")
        answer = await http.post("/app/topups", json={"amount": "5"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (502, "telegram_silent")
        assert (await http.get("/app/payments")).json()["bot_link"] is None


async def test_without_a_bot_there_are_no_payments(mini: Mini) -> None:
    async with mini.http(BAO) as http:
        assert (await http.get("/app/payments")).status_code == 404
        assert (await http.post("/app/topups", json={"amount": "5"})).status_code == 404


@pytest.mark.parametrize(("usd", "start"), [("5", "topup_5"), ("130", "topup_130"), ("7.50", "topup")])
def test_link_to_the_bot_names_whole_dollars(usd: str, start: str) -> None:
    assert start_of(Money.usd(usd)) == start
