"""A budget of tokens that a provider tells: each try takes from it what it is expected to, and what doesn't fit goes
elsewhere first."""

from fractions import Fraction

from engine.catalog.offers import Offer, Quote
from engine.ports import LimitHeaders
from engine.routing.health import Health, HealthPolicy, Permit
from engine.routing.plan import Route, plan
from tests.engine.clock import HandClock
from tests.engine.scripted import PRICE, Scripted, Stage, whole

CHEAP, DEAR = Offer("a", "m"), Offer("b", "m")


def told(left: int, *, keys: int = 1) -> tuple[Health, HandClock]:
    clock = HandClock()
    health = Health(HealthPolicy(), clock, {"a": keys, "b": 1})
    answered(health, left)
    return health, clock


def answered(health: Health, left: int) -> int:
    permit = health.admit(CHEAP)
    assert isinstance(permit, Permit)
    health.succeeded(permit, 100, LimitHeaders(tokens_left=left, tokens_reset_seconds=30))
    return permit.key


def order(health: Health, tokens: int) -> list[str]:
    quotes = [Quote(offer, PRICE, cost, expected_tokens=tokens) for offer, cost in ((CHEAP, 1), (DEAR, 9))]
    return [quote.offer.provider for quote in plan(quotes, (), health.standing, Fraction(0)).quotes]


def test_what_does_not_fit_in_the_budget_goes_elsewhere_first_until_it_is_filled_again() -> None:
    health, clock = told(1000)
    assert order(health, 1000) == ["a", "b"]
    assert order(health, 1001) == ["b", "a"]
    clock.wait(30)
    assert order(health, 1001) == ["a", "b"]


def test_tries_under_way_have_taken_their_part() -> None:
    health, _ = told(1000)
    health.admit(CHEAP, 600)
    assert order(health, 500) == ["b", "a"]
    assert order(health, 400) == ["a", "b"]


def test_of_several_keys_the_one_with_room_is_used() -> None:
    health, _ = told(100, keys=2)
    assert answered(health, 5000) == 1
    keys = [permit.key for _ in range(3) if isinstance(permit := health.admit(CHEAP, 1000), Permit)]
    assert keys == [1, 1, 1]
    assert order(health, 2000) == ["a", "b"]
    assert order(health, 2001) == ["b", "a"]


async def test_a_walk_takes_what_the_quote_expects() -> None:
    stage = Stage(Scripted("a", whole("a says")))
    health = stage.market.health
    answered(health, 1000)
    stage._route = Route(tuple(quote._replace(expected_tokens=700) for quote in stage._route.quotes), ())
    await stage.answer()[0].whole()
    assert health.standing(CHEAP).left_tokens == 300
