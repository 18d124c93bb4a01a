"""The price of an attempt follows the API key that it uses: free only while that key has free requests left."""

from fractions import Fraction

import pytest
from msgspec.structs import replace

from engine.catalog.free_tiers import FREE_PRICE, FreeTierLimits, FreeTiers
from engine.catalog.offers import Offer, Price, Quote, flat_price
from engine.errors import NoProvider
from engine.gateway.answer import Answer
from engine.gateway.free_attempts import at_price_of_key
from engine.gateway.probes import probe
from engine.holds import Grant
from engine.money import ZERO, Money
from engine.routing.permits import Permit
from engine.routing.plan import Route
from engine.tenancy import Flat, Markup, Tariff
from tests.engine.scripted import AnswerSetup, ScriptedHold, ScriptedProvider, cost, paid, whole

A, B = Offer("a", "m"), Offer("b", "m")
PRICE, DEAR = flat_price("1", "2"), flat_price("10", "20")


def setup_of(*, free_keys: tuple[int, ...], price: Price = PRICE, others: int = 0) -> AnswerSetup:
    """Return a setup whose first offer is quoted free; of its two keys, `free_keys` have a request left."""
    providers = [ScriptedProvider(name, whole(f"{name} says")) for name in "ab"[: 1 + others]]
    setup = AnswerSetup(*providers, keys=2)
    catalog, now = setup.market.catalog, setup.market.clock.now()
    catalog.book.overrides = {A.name: price, B.name: PRICE}
    catalog.free = FreeTiers({A: FreeTierLimits(1, 1)}, {"a": 2})
    setup.market.health.preferred_keys = lambda offer: catalog.free.open_keys(offer, now)
    for key in {0, 1} - set(free_keys):
        catalog.free.use(A, now, key)
    first = Quote(A, FREE_PRICE, 0, 200, free=True, expected_tokens=300, input_tokens=200)
    second = Quote(B, PRICE, 10**15, 200, expected_tokens=300, input_tokens=200)
    setup.route = Route((first, second)[: 1 + others], ())
    return setup


def answer_of(setup: AnswerSetup, tariff: Tariff, wallet: Money) -> tuple[Answer, ScriptedHold]:
    hold = ScriptedHold(Grant(0, wallet, 1000, (100,) * len(setup.route.quotes)))
    return Answer(setup.market, replace(setup.question(), tariff=tariff), hold), hold


@pytest.mark.parametrize("key", [0, 1])
async def test_free_attempt_uses_the_key_that_has_requests_left(key: int) -> None:
    setup = setup_of(free_keys=(key,))
    answer, hold = answer_of(setup, Flat(1), ZERO)
    await answer.whole()
    assert setup.providers[0].calls[0].key == key
    assert hold.bill is not None
    assert hold.bill.attempt.cost == ZERO
    assert not setup.market.catalog.free.is_open(A, setup.market.clock.now())


async def test_attempt_costs_its_full_price_once_the_free_requests_are_used() -> None:
    setup = setup_of(free_keys=())
    answer, hold = answer_of(setup, Flat(1), ZERO)
    await answer.whole()
    assert hold.bill is not None
    assert hold.bill.attempt.cost == cost(paid(hold)) > ZERO
    left = setup.market.catalog.free.left(A, setup.market.clock.now())
    assert left is not None
    assert left.today == 0


async def test_attempt_costs_its_full_price_if_the_keys_with_free_requests_rest() -> None:
    setup = setup_of(free_keys=(0,))
    health = setup.market.health
    health.preferred_keys = lambda _: (1,)  # stands for a rest of key 0
    answer, hold = answer_of(setup, Flat(1), ZERO)
    await answer.whole()
    assert setup.providers[0].calls[0].key == 1
    assert hold.bill is not None
    assert hold.bill.attempt.cost == cost(paid(hold))
    assert setup.market.catalog.free.open_keys(A, setup.market.clock.now()) == {0}


@pytest.mark.parametrize(("expected", "input_tokens"), [(300, 200), (200, 200), (150, 200), (90_000, 70_000)])
def test_quote_at_full_price_is_as_if_never_free(expected: int, input_tokens: int) -> None:
    setup = setup_of(free_keys=())
    tiered = Price((PRICE.tiers[0], (50_000, DEAR.tiers[0][1])))
    setup.market.catalog.book.overrides = {A.name: tiered}
    free = Quote(A, FREE_PRICE, 0, 200, free=True, expected_tokens=expected, input_tokens=input_tokens)
    rates = tiered.rates(input_tokens)
    atto = input_tokens * rates.input + max(0, expected - input_tokens) * rates.output
    full = free._replace(price=tiered, free=False, expected_atto=atto)
    found = at_price_of_key(setup.market, free, Permit(A, 0))
    assert found is not None
    assert (found, found.free) == (full, False)


@pytest.mark.parametrize(("price", "name"), [(PRICE, "a"), (DEAR, "b")])
async def test_cheaper_offer_answers_once_the_free_requests_are_used(price: Price, name: str) -> None:
    setup = setup_of(free_keys=(), price=price, others=1)
    answer, hold = answer_of(setup, Flat(1), ZERO)
    await answer.whole()
    assert hold.bill is not None
    assert hold.bill.attempt.provider == name
    assert hold.bill.attempt.cost == cost(paid(hold))


async def test_markup_that_the_hold_does_not_cover_takes_another_offer() -> None:
    most = Money.ceil_atto(200 * PRICE.rates(0).input + 100 * PRICE.rates(0).output, Fraction(2))
    for wallet, name in ((most, "a"), (most - Money(1), "b")):
        setup = setup_of(free_keys=(), others=1)
        answer, hold = answer_of(setup, Markup(Fraction(2)), wallet)
        await answer.whole()
        assert hold.bill is not None
        assert hold.bill.attempt.provider == name


async def test_markup_without_funds_pays_nothing_and_is_refused() -> None:
    setup = setup_of(free_keys=())
    answer, hold = answer_of(setup, Markup(Fraction(2)), ZERO)
    with pytest.raises(NoProvider):
        await answer.whole()
    assert hold.voided
    assert not setup.providers[0].calls
    assert [drop.reason for drop in answer.receipt.drops] == ["its free requests are used up"]


async def test_attempt_at_full_price_leaves_keys_with_free_requests_to_others() -> None:
    setup = setup_of(free_keys=(1,))
    permits = [setup.market.health.admit(A, free=free) for free in (False, True)]
    assert [permit.key for permit in permits if isinstance(permit, Permit)] == [0, 1]


@pytest.mark.parametrize("free_keys", [(), (0,)])
async def test_probe_counts_a_free_request_or_costs_its_full_price(free_keys: tuple[int, ...]) -> None:
    setup = setup_of(free_keys=(*free_keys, 1))
    setup.market.health.preferred_keys = lambda _: ()
    assert await probe(setup.market, A, "p") is None
    (record,) = setup.journal.records
    assert (record.cost == ZERO) is bool(free_keys)
    assert setup.market.catalog.free.open_keys(A, setup.market.clock.now()) == {1}


async def test_offer_whose_price_is_not_known_any_more_is_left_out() -> None:
    setup = setup_of(free_keys=(), others=1)
    setup.market.catalog.book.overrides = {B.name: PRICE}
    answer, hold = answer_of(setup, Flat(1), ZERO)
    await answer.whole()
    assert hold.bill is not None
    assert hold.bill.attempt.provider == "b"


async def test_probe_prefers_the_key_with_free_requests() -> None:
    setup = setup_of(free_keys=(1,))
    assert await probe(setup.market, A, "p") is None
    assert setup.providers[0].calls[0].key == 1
    assert setup.journal.records[0].cost == ZERO
