"""GET /app/payments: the wallet and everything that can be bought, in the user's language."""

from pathlib import Path

from storage.tenants import tenant_settings
from tests.web.miniapp.payments.conftest import Shop, open_shop


async def test_offers_are_those_of_the_bot(shop: Shop) -> None:
    seen = (await shop.http.get("/app/payments")).json()
    assert [each["text"] for each in seen["topups"]] == [
        "$5.00 · 385 ⭐",
        "$10.00 · 770 ⭐",
        "$25.00 · 1,924 ⭐",
        "$50.00 · 3,847 ⭐",
    ]
    assert (seen["wallet"], seen["owed"], seen["subscription"], seen["agreed_terms"]) == ("$0.00", None, None, True)
    assert seen["bot_link"] == "https://t.me/farthing_sandbox_bot?start=topup"
    free, starter, *_ = seen["plans"]
    assert (free["is_current"], free["label"]) == (True, None)
    assert starter["label"] == "starter · 693 ⭐ a month"
    assert starter["text"] == "$9.00 a month, 2,000,000 tokens, 20 questions a minute"


async def test_amounts_are_taken_back_as_they_are_written(shop: Shop) -> None:
    await shop.mini.container.db.write(lambda conn: tenant_settings.set_language(conn, shop.mini.ann, "vi"))
    seen = (await shop.http.get("/app/payments")).json()
    assert seen["topups"][0]["text"] == "5,00 $ · 385 ⭐"
    for each, stars in zip(seen["topups"], (385, 770, 1924, 3847), strict=True):
        made = await shop.http.post("/app/topups", json={"amount": each["amount"]})
        assert made.json()["stars"] == stars


async def test_plans_of_the_wallet_have_their_price_in_dollars(tmp_path: Path) -> None:
    async with open_shop(tmp_path, '[billing]\nplans_from = "wallet"\n[plans.free]\nanswers_per_day = 3\n') as shop:
        free, starter, *_ = (await shop.http.get("/app/payments")).json()["plans"]
        assert starter["label"] == "starter · $9.00 a month"
        assert free["text"].endswith("a minute, 3 answers a day")
