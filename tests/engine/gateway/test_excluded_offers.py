"""Providers that a tenant excludes get none of its prompts, texts or recordings; without another, nothing is held."""

from dataclasses import replace
from datetime import datetime

import pytest
from msgspec import structs

from engine.catalog.free_tiers import FreeTierLimits, FreeTiers
from engine.catalog.offers import Drop, Offer
from engine.errors import ExcludedBySettings, NoProvider
from engine.gateway.gateway import Gateway
from engine.privacy import LEFT_OUT, DataPolicies, DataPolicy, Exclusions
from engine.speech import SpeechText
from tests.engine.clock import START
from tests.engine.gateway.embeddings.scripts import Embedding, ScriptedEmbedder
from tests.engine.gateway.gateways import ASK, CHEAP, DEAR, fail, gateway, planned
from tests.engine.gateway.transcribing import OFFER, ScriptedSpeech, Setup
from tests.engine.scripted import TENANT

TRAINS = DataPolicy("CN", trains=True)
SAFE = DataPolicy("US", trains=False, free_tier_trains=True)
POLICIES = DataPolicies({"cheap": TRAINS, "dear": SAFE})


def private(gateway: Gateway, free: FreeTiers | None = None) -> Gateway:
    catalog = replace(gateway.market.catalog, policies=POLICIES, free=free or FreeTiers())
    return Gateway(replace(gateway.market, catalog=catalog), None)  # type: ignore[arg-type]


def without(*providers: str, countries: tuple[str, ...] = (), training: bool = False) -> Exclusions:
    return Exclusions(frozenset(providers), frozenset(countries), training)


@pytest.mark.parametrize("exclusions", [without("cheap"), without(countries=("CN",)), without(training=True)])
async def test_excluded_provider_is_no_part_of_the_route(exclusions: Exclusions) -> None:
    made, model = gateway(CHEAP, DEAR)
    route = private(made).route(model, structs.replace(ASK, exclusions=exclusions))
    assert [quote.offer for quote in route.quotes] == [DEAR]
    assert Drop(CHEAP, LEFT_OUT) in route.drops


async def test_tenant_that_leaves_out_every_provider_is_told_which() -> None:
    made, _ = gateway(CHEAP, DEAR)
    tenant = replace(TENANT, exclusions=without("cheap", "dear"))
    with pytest.raises(ExcludedBySettings) as refused:
        async with private(made).answer(tenant, ASK):
            raise AssertionError("nothing may be held")
    assert (refused.value.model, refused.value.providers) == ("auto", ("cheap", "dear"))


async def test_excluded_provider_is_not_asked_where_the_others_rest() -> None:
    made, model = gateway(CHEAP, DEAR)
    made = private(made)
    fail(made, DEAR)
    quotes = made.route(model, structs.replace(ASK, exclusions=without("cheap"))).quotes
    assert [quote.offer for quote in quotes] == [DEAR]  # it rests, and may be back in a moment
    made.market.health.drain("dear")
    with pytest.raises(NoProvider) as failed:
        made.route(model, structs.replace(ASK, exclusions=without("cheap")))
    assert failed.value.left_out == ("cheap",)


@pytest.mark.parametrize(("training", "is_free"), [(False, True), (True, False)])
async def test_free_tier_that_trains_is_left_out_and_the_paid_offer_answers(training: bool, is_free: bool) -> None:
    made, model = gateway(DEAR)
    free = FreeTiers({DEAR: FreeTierLimits(10, 100)})
    (quote,) = private(made, free).route(model, structs.replace(ASK, exclusions=without(training=training))).quotes
    assert quote.free is is_free
    assert (quote.expected_atto == 0) is is_free


async def test_other_tenants_are_answered_as_before() -> None:
    made, model = gateway(CHEAP, DEAR)
    quotes, drops = await planned(private(made), model)
    assert (quotes, drops) == (["cheap", "dear"], [])


async def test_texts_are_embedded_by_a_provider_that_is_let_in() -> None:
    one, two = ScriptedEmbedder("a"), ScriptedEmbedder("b")
    embedding = Embedding(one, two)
    await embedding("hello", tenant=replace(TENANT, exclusions=without("a")))
    assert (len(one.calls), len(two.calls)) == (0, 1)
    assert two.calls[0].exclusions == without("a")
    with pytest.raises(ExcludedBySettings):
        await Embedding(one)("hello", tenant=replace(TENANT, exclusions=without("a")))
    assert not one.calls


async def test_recording_is_neither_fetched_nor_sent() -> None:
    setup = Setup(ScriptedSpeech(SpeechText("hello", 12)))
    tenant = replace(TENANT, exclusions=without(OFFER.provider))
    with pytest.raises(ExcludedBySettings) as refused:
        await setup.transcriber.transcribe(tenant, setup.request(12))
    assert refused.value.providers == (OFFER.provider,)
    assert (setup.fetched, setup.ledger.held) == (0, None)


def test_reason_of_ability_is_told_before_that_of_the_settings() -> None:
    made, model = gateway(CHEAP, Offer("dear", "m"))
    catalog = replace(private(made).market.catalog, configured=lambda name: name != "cheap")
    now: datetime = START
    _, drops = catalog.quote(structs.replace(ASK, exclusions=without("cheap", "dear")), model, now)
    assert drops == (Drop(CHEAP, "not configured"), Drop(DEAR, LEFT_OUT))
