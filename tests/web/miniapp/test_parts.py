"""The routers of the Mini App; those of payments exist only with a connection to Telegram."""

from tests.web.miniapp.conftest import ANN, Mini, account
from tests.web.miniapp.payments.conftest import Shop, shop

__all__ = ["shop"]


async def test_page_offers_payments_where_they_exist(shop: Shop) -> None:
    assert (await account(shop.mini, ANN))["has_payments"]
    assert (await shop.http.get("/app/payments")).status_code == 200


async def test_page_offers_no_payments_without_a_way_to_telegram(mini: Mini) -> None:
    assert not (await account(mini, ANN))["has_payments"]
    async with mini.http(ANN) as http:
        for path in ("/app/payments", "/app/terms"):
            assert (await http.get(path)).status_code == 404
