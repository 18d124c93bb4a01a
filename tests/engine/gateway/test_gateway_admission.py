"""Requests per minute that all processes count together: prompts and embeddings, checked before they are counted."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import pytest
from msgspec import structs

from engine.chat import AT_ONCE, LIVE, WHOLE, ReadPace
from engine.errors import DailyAnswersUsed, ModelNotInPlan, TooManyRequests
from engine.gateway.admission import expected_output
from engine.gateway.gateway import Gateway
from engine.holds import LEAST_OUTPUT_TOKENS
from engine.money import Money
from engine.ports import CountedWindow, Ledger, RequestWindow
from engine.privacy import Exclusions
from engine.tenancy import Sponsor, Tenant
from tests.engine.gateway.embeddings.scripts import MODEL, PRICE, Embedding, ScriptedEmbedder
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


@pytest.mark.parametrize("shared", [Windows(), None])
async def test_model_of_the_plan_is_admitted(shared: Windows | None) -> None:
    made, ledger, _ = serving(*whole("a"))
    gateway = Gateway(made.market, cast("Ledger", ledger), request_windows=shared)
    await ask(gateway, replace(TENANT, plan=replace(TENANT.plan, models=("auto",))))
    assert len(ledger.requests) == 1


async def test_daily_limit_of_the_plan_does_not_stop_a_side_call_that_a_sponsor_pays() -> None:
    made, ledger, _ = serving(*whole("a"))
    ledger.today = 5
    limited = replace(TENANT, plan=replace(TENANT.plan, answers_per_day=1))
    await made.check_admission(replace(limited, sponsors=(Sponsor(TENANT.id + 1, TENANT.plan),)), "auto")
    with pytest.raises(DailyAnswersUsed):
        await made.check_admission(limited, "auto")


async def test_embeddings_of_the_plan_go_to_no_excluded_provider() -> None:
    one, two = ScriptedEmbedder("a"), ScriptedEmbedder("b")
    plan = replace(TENANT.plan, models=(MODEL,))
    await Embedding(one, two)("hello", tenant=replace(TENANT, plan=plan, exclusions=Exclusions(frozenset({"a"}))))
    assert (one.calls, len(two.calls)) == ([], 1)


async def test_embeddings_are_not_paid_by_a_sponsor_whose_plan_lacks_the_model() -> None:
    embedding = Embedding(ScriptedEmbedder("a"))
    sponsor = Sponsor(TENANT.id + 1, replace(TENANT.plan, models=("auto",)))
    await embedding("hello", tenant=replace(TENANT, sponsors=(sponsor,)))
    assert embedding.ledger.hold_request is not None
    assert embedding.ledger.hold_request.tenant_id == TENANT.id


async def test_only_number_of_dimensions_is_not_sent_and_the_price_is_that_of_today() -> None:
    one = ScriptedEmbedder("openai", tokens=3)
    embedding = Embedding(one, prices={"x/y": PRICE})
    await embedding("hello", model="openai/text-embedding-ada-002", dimensions=1536)
    assert one.calls[0].dimensions is None
    assert embedding.record.cost == Money(300)  # $0.10 a million tokens


async def test_hold_has_the_highest_prices_and_the_number_of_choices() -> None:
    made, ledger, _ = serving(*whole("a"))
    async with made.answer(TENANT, structs.replace(ASK, n=2)):
        pass
    [request] = ledger.requests
    [ceiling] = request.ceilings
    assert (request.n, ceiling.input_atto, ceiling.output_atto) == (2, 10**12, 10**12)


@pytest.mark.parametrize(("models", "payers"), [(("auto",), [TENANT.id + 1]), (("smart",), [TENANT.id])])
async def test_sponsor_whose_plan_has_the_model_pays_for_the_expected_output(
    models: tuple[str, ...], payers: list[int]
) -> None:
    (made, ledger, _), asked = serving(*whole("a")), structs.replace(ASK, n=2)
    quotes = made.route(made.market.catalog.models["auto"], asked).quotes
    sponsor = Sponsor(TENANT.id + 1, replace(TENANT.plan, models=models))
    async with made.answer(replace(TENANT, sponsors=(sponsor,)), asked):
        pass
    assert [request.tenant_id for request in ledger.requests] == payers
    if payers != [TENANT.id]:
        assert ledger.requests[0].least_output_tokens == max(LEAST_OUTPUT_TOKENS, expected_output(quotes) // 2)


@pytest.mark.parametrize(("pace", "is_shown_at_end"), [(WHOLE, True), (LIVE, False), (AT_ONCE, False)])
async def test_hold_tells_whether_the_answer_is_shown_at_its_end(pace: ReadPace, is_shown_at_end: bool) -> None:
    made, ledger, _ = serving(*whole("a"))
    async with made.answer(TENANT, structs.replace(ASK, pace=pace)):
        pass
    assert [each.is_shown_at_end for each in ledger.requests] == [is_shown_at_end]
