"""The token quota that a provider reports: attempts use it up, and a request that exceeds it tries others first."""

from fractions import Fraction

from engine.catalog.offers import Offer, Quote
from engine.ports import LimitHeaders
from engine.routing.health import Health, HealthPolicy, Permit
from engine.routing.plan import Route, plan
from tests.engine.clock import HandClock
from tests.engine.scripted import PRICE, AnswerSetup, ScriptedProvider, whole

CHEAP, DEAR = Offer("a", "m"), Offer("b", "m")


def reported(left: int, *, keys: int = 1) -> tuple[Health, HandClock]:
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
    return [quote.offer.provider for quote in plan(quotes, (), health.status, Fraction(0)).quotes]


def test_request_over_the_quota_goes_elsewhere_first_until_the_reset() -> None:
    health, clock = reported(1000)
    assert order(health, 1000) == ["a", "b"]
    assert order(health, 1001) == ["b", "a"]
    clock.wait(30)
    assert order(health, 1001) == ["a", "b"]


def test_attempts_under_way_use_up_the_quota() -> None:
    health, _ = reported(1000)
    health.admit(CHEAP, 600)
    assert order(health, 500) == ["b", "a"]
    assert order(health, 400) == ["a", "b"]


def test_key_with_enough_quota_is_used() -> None:
    health, _ = reported(100, keys=2)
    assert answered(health, 5000) == 1
    keys = [permit.key for _ in range(3) if isinstance(permit := health.admit(CHEAP, 1000), Permit)]
    assert keys == [1, 1, 1]
    assert order(health, 2000) == ["a", "b"]
    assert order(health, 2001) == ["b", "a"]


async def test_attempt_uses_up_the_expected_tokens_of_its_quote() -> None:
    setup = AnswerSetup(ScriptedProvider("a", whole("a says")))
    health = setup.market.health
    answered(health, 1000)
    setup.route = Route(tuple(quote._replace(expected_tokens=700) for quote in setup.route.quotes), ())
    await setup.answer()[0].whole()
    assert health.status(CHEAP).remaining_tokens == 300
