"""The limit for calls that reach Telegram."""

import pytest

from tests.scheduler.conftest import HandClock
from tests.web.miniapp.conftest import BAO
from tests.web.miniapp.payments.conftest import Shop, shop
from web.errors import HttpProblem
from web.miniapp.limits import MOST, MOST_TENANTS, WITHIN_SECONDS, TelegramCalls

__all__ = ["shop"]


def test_more_calls_wait_for_the_oldest_of_the_minute() -> None:
    clock = HandClock()
    calls = TelegramCalls(clock)
    for _ in range(MOST):
        calls.count(1)
        clock.move(seconds=1)
    with pytest.raises(HttpProblem) as caught:
        calls.count(1)
    assert (caught.value.status, caught.value.retry_after_seconds) == (429, WITHIN_SECONDS - MOST)
    calls.count(2)
    clock.move(seconds=WITHIN_SECONDS - MOST)
    calls.count(1)


def test_tenants_of_before_are_forgotten() -> None:
    clock = HandClock()
    calls = TelegramCalls(clock)
    for tenant in range(MOST_TENANTS + 1):
        calls.count(tenant)
    clock.move(seconds=WITHIN_SECONDS)
    calls.count(0)
    assert len(calls._times) == 1


async def test_invoices_are_limited_for_each_tenant(shop: Shop) -> None:
    statuses = [(await shop.http.post("/app/topups", json={"amount": "5"})).status_code for _ in range(MOST + 1)]
    assert statuses == [201] * MOST + [429]
    refused = await shop.http.post("/app/plan", json={"plan": "pro", "pay": "stars"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert len(await shop.mini.rows("SELECT id FROM orders")) == MOST
    async with shop.mini.http(BAO) as http:
        await http.post("/app/terms")
        assert (await http.post("/app/topups", json={"amount": "5"})).status_code == 201
