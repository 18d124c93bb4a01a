"""Requests per minute that all processes count together: prompts and embeddings, checked before they are counted."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest

from engine.errors import ModelNotInPlan, TooManyRequests
from engine.gateway.gateway import Gateway
from engine.ports import CountedWindow, Ledger, RequestWindow
from engine.tenancy import Tenant
from tests.engine.gateway.gateways import ASK
from tests.engine.gateway.test_gateway import serving
from tests.engine.scripted import TENANT, whole


class Windows:
    """Shared counts in memory, which have room; `elsewhere` requests came through other processes just now."""

    def __init__(self, elsewhere: int = 0) -> None:
        self.elsewhere = elsewhere
        self.asked: list[Sequence[RequestWindow]] = []

    async def count(self, windows: Sequence[RequestWindow]) -> list[CountedWindow]:
        self.asked.append(windows)
        return [CountedWindow(window, (0.0,) * (self.elsewhere + 1)) for window in windows]


def sharing(windows: Windows) -> Gateway:
    made, ledger, _ = serving(*whole("a"))
    return Gateway(made.market, cast("Ledger", ledger), request_windows=windows)


async def ask(gateway: Gateway, tenant: Tenant = TENANT) -> None:
    async with gateway.answer(tenant, ASK) as answer:
        await answer.whole()


async def test_prompt_is_counted_together_for_its_tenant() -> None:
    windows = Windows()
    await ask(sharing(windows))
    assert windows.asked == [[RequestWindow("tenant", TENANT.id, TENANT.requests_per_minute)]]


async def test_requests_of_other_processes_fill_the_minute() -> None:
    gateway = sharing(Windows(elsewhere=TENANT.requests_per_minute - 1))
    await ask(gateway)
    with pytest.raises(TooManyRequests):
        await ask(gateway)


async def test_model_outside_the_plan_is_refused_and_not_counted() -> None:
    windows = Windows()
    with pytest.raises(ModelNotInPlan):
        await ask(sharing(windows), replace(TENANT, plan=replace(TENANT.plan, models=("smart",))))
    assert windows.asked == []
