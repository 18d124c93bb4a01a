"""Context lengths: a request goes only to models where it fits with its answer, and refusals teach the length."""

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.catalog.offers import MOST_OFFERS, LearnedContexts, Offer, flat_price
from engine.catalog.price_book import PriceBook
from engine.chat import ChatRequest, Role, Usage, says
from engine.errors import ContextTooLong
from engine.gateway.gateway import _ceiling
from engine.routing.plan import Route
from tests.engine.catalog.catalogs import NOON, asks, catalog, dropped
from tests.engine.scripted import TENANT, AnswerSetup, ScriptedProvider, whole

MINE = Offer("mybox", "m")
BOOK = PriceBook({MINE.name: flat_price("1", "1")})


def long(words: int, **more: object) -> ChatRequest:
    return asks(says(Role.USER, "word " * words), **more)


def test_refusal_that_names_the_context_teaches_it_for_an_hour() -> None:
    of, offer = catalog(), Offer("deepseek", "deepseek-v4-flash")
    assert of.context_tokens(offer, NOON) == 1_000_000
    of.teach_context(offer, 100, 300, NOON)
    assert of.context_tokens(offer, NOON + timedelta(minutes=59)) == 100
    assert offer.name in dropped(of, long(200))
    assert of.context_tokens(offer, NOON + timedelta(minutes=60)) == 1_000_000


def test_refusal_without_a_length_teaches_one_below_the_request() -> None:
    of = catalog(frozenset({"mybox"}), offers=(MINE,), book=BOOK)
    assert of.context_tokens(MINE, NOON) is None
    quotes, _ = of.quote(long(2000), of.model("auto"), NOON)
    of.teach_context(MINE, None, quotes[0].input_tokens, NOON)
    assert MINE.name in dropped(of, long(2000))
    assert not dropped(of, long(1000))


def test_refusal_without_a_length_teaches_nothing_where_the_length_is_known() -> None:
    of = catalog(frozenset({"mybox"}), offers=(MINE,), book=BOOK, contexts={MINE.name: 4096})
    of.teach_context(MINE, None, 300, NOON)
    assert of.context_tokens(MINE, NOON) == 4096


def test_learned_context_is_not_below_the_largest_input_that_was_served() -> None:
    of = catalog(frozenset({"mybox"}), offers=(MINE,), book=BOOK)
    of.learn(asks(), MINE, Usage(5000, 5), "words", None)
    of.learn(asks(), MINE, Usage(20, 5), "words", None)
    of.teach_context(MINE, 10, 300, NOON)
    assert of.context_tokens(MINE, NOON) == 5000


def test_contexts_of_so_many_offers_are_kept_and_no_more() -> None:
    learned = LearnedContexts()
    for number in range(MOST_OFFERS + 1):
        learned.learn(Offer("mybox", str(number)), 1000, NOON)
        learned.served(Offer("mybox", str(number)), 2000)
    assert learned.tokens(Offer("mybox", "0"), NOON) is None
    assert learned.tokens(Offer("mybox", "1"), NOON) == 2000
    learned.learn(Offer("mybox", "0"), 1000, NOON)
    assert learned.tokens(Offer("mybox", "0"), NOON) == 1000


@pytest.mark.parametrize(("most", "able"), [(None, False), (20, True)])
def test_context_has_to_fit_the_answer_too(most: int | None, able: bool) -> None:
    free = catalog(frozenset({"mybox"}), offers=(MINE,), book=BOOK)
    needed = free.quote(long(1000), free.model("auto"), NOON)[0][0].input_tokens
    of = catalog(frozenset({"mybox"}), offers=(MINE,), book=BOOK, contexts={MINE.name: needed + 30})
    assert (not dropped(of, long(1000, max_output_tokens=most))) is able


def test_output_limit_fits_in_the_context() -> None:
    of = catalog(frozenset({"mybox"}), offers=(MINE,), book=BOOK, contexts={MINE.name: 2000})
    (quote,), _ = of.quote(long(1000), of.model("auto"), NOON)
    plan = replace(TENANT.plan, max_output_tokens=4096)
    ceiling = _ceiling(quote, plan, long(1000))
    assert quote.input_tokens + ceiling.output_tokens == 2000


async def test_attempt_refused_for_length_teaches_the_catalog() -> None:
    setup = AnswerSetup(
        ScriptedProvider("a", [ContextTooLong(is_certain=True)]), ScriptedProvider("b", whole("b says"))
    )
    setup.route = Route(tuple(quote._replace(input_tokens=500) for quote in setup.route.quotes), ())
    await setup.answer()[0].whole()
    assert setup.market.catalog.context_tokens(Offer("a", "m"), setup.market.clock.now()) == 499
