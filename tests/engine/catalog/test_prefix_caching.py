from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from engine.catalog.conversation_forecast import Outlook
from engine.catalog.offers import Rates, flat_price
from engine.catalog.prefix_caching import writing_pays
from engine.gateway.attempt import Attempt
from engine.routing.permits import Permit
from tests.engine.scripted import AnswerSetup, ScriptedProvider, started, whole

RATES = Rates(input=100, cached_input=10, cache_write=125, output=500)
SOON, LATE = (0.5, 0.5, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("turns", "gaps", "pays"),
    [
        (1.0, SOON, True),
        (0.3, SOON, False),
        (0.5, SOON, True),
        (0.0, SOON, False),
        (9.0, LATE, False),
        (9.0, (0.2, 0.2, 0.6, 0.0), True),
    ],
)
def test_writing_pays_where_the_next_turn_is_likely_and_soon(turns: float, gaps: Any, pays: bool) -> None:
    assert writing_pays(RATES, Outlook(turns, turns, 0.0, gaps, 0.0)) is pays


def test_writing_never_pays_where_cached_tokens_cost_as_much() -> None:
    assert not writing_pays(replace(RATES, cached_input=100), Outlook(9.0, 9.0, 0.0, SOON, 0.0))


@pytest.mark.parametrize(("kept", "pays"), [(1.0, True), (0.2, False)])
def test_writing_pays_where_the_next_prompt_begins_with_this_one(kept: float, pays: bool) -> None:
    assert writing_pays(RATES, Outlook(1.0, 1.0, 0.0, SOON, 0.0, kept)) is pays


async def test_conversation_is_cached_where_the_provider_caches_on_request() -> None:
    for dialect, conversation, expected in (("anthropic", "c", True), ("anthropic", "", False), ("openai", "c", False)):
        setup = AnswerSetup(ScriptedProvider("one", whole("fine"), dialect=dialect))
        question = setup.question()
        question = structs.replace(question, request=structs.replace(question.request, conversation=conversation))
        quote = question.route.quotes[0]._replace(price=flat_price("1", "2", "0.1", "1.25"))
        permit = setup.market.health.admit(quote.offer)
        assert isinstance(permit, Permit)
        await Attempt(setup.market, question, quote, permit, 1, 100).outcome()
        assert [call.caches_prefix for call in setup.providers[0].calls] == [expected]


async def test_attempt_asks_for_the_cache_in_its_call() -> None:
    setup = AnswerSetup(ScriptedProvider("one", whole("fine"), dialect="anthropic"))
    attempt = started(setup)
    await attempt.outcome()
    assert [call.caches_prefix for call in setup.providers[0].calls] == [False]
