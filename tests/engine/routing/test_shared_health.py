"""Facts between two processes: one learns, the other rests the same offers, and neither sends back received facts."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from engine.catalog.offers import Offer
from engine.errors import KeyRefused, NoSuchModel, Overloaded, ProviderError, RateLimited
from engine.routing.health import Health, HealthPolicy, LimitFact, Permit, State
from engine.routing.provider_health import Status
from engine.routing.shared_health import SharedHealth

A, B, OTHER = Offer("p", "a"), Offer("p", "b"), Offer("q", "a")


@dataclass
class Clock:
    at: float = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at


@dataclass
class Process:
    """A process whose monotonic clock differs from the others'."""

    clock: Clock
    health: Health = field(init=False)
    shared: SharedHealth = field(init=False)

    def __post_init__(self) -> None:
        self.health = Health(HealthPolicy(), self.clock, {"p": 2, "q": 1}, lambda: 0.0)
        self.shared = SharedHealth(self.health, self.clock)

    def attempt(self, offer: Offer, error: ProviderError | None = None, *, early: bool = False) -> None:
        permit = self.health.admit(offer, early=early)
        assert isinstance(permit, Permit)
        if error is None:
            self.health.succeeded(permit, 100)
        else:
            self.health.failed(permit, error)

    def is_resting(self, offer: Offer) -> bool:
        return self.health.offer_state(offer).status is Status.RESTING


@pytest.fixture
def two() -> tuple[Process, Process]:
    return Process(Clock(1000)), Process(Clock(77))


def exchange(one: Process, two: Process, age_seconds: float = 0.5) -> int:
    """Send to `two`, as JSON, the facts that `one` learned; return their number."""
    facts, counts = json.loads(json.dumps([one.shared.changes(), one.shared.counts()]))
    for each in (one, two):
        each.clock.at += age_seconds
    two.shared.apply(facts, age_seconds)
    two.shared.count(counts)
    return len(facts)


def fail(process: Process, offer: Offer = A, error: Callable[[], ProviderError] = Overloaded) -> None:
    for _ in range(5):
        process.attempt(offer, error())


@dataclass(frozen=True)
class News:
    """A fact of one process: how it begins and ends there, and how it looks from outside after `seconds`."""

    begin: Callable[[Process], object]
    end: Callable[[Process], object]
    look: Callable[[Process], object]


def _seen(process: Process, name: str) -> object:
    provider, now = process.health.providers[name], process.clock.at
    waits = round(provider.breaker.wait_seconds(now), 1), provider.breaker.next_rest_seconds
    return process.health.state(name).state, waits, provider.last_error


def _open_provider(process: Process) -> None:
    fail(process, A)
    fail(process, B)


def _offer_seen(process: Process, offer: Offer) -> object:
    state, now = process.health.offer_state(offer), process.clock.now()
    wait = None if state.until is None else round((state.until - now).total_seconds(), 1)
    return state.state, state.status, wait, process.health.offer_health(offer.provider, offer.model).last_error


def _key_seen(process: Process) -> object:
    (key,) = process.health.providers["q"].keys
    refused = None if key.refused_at is None else round(process.clock.at - key.refused_at, 1)
    return refused, key.refused_for if refused else "", key.reason(process.clock.at)


NEWS = {
    "provider is down": News(_open_provider, lambda each: each.health.restore("p"), lambda each: _seen(each, "p")),
    "offer is down": News(fail, lambda each: each.health.restore("p"), lambda each: _offer_seen(each, A)),
    "key is refused": News(
        lambda each: each.attempt(OTHER, KeyRefused()),
        lambda each: each.health.restore("q"),
        _key_seen,
    ),
    "key is over its limit": News(
        lambda each: each.attempt(OTHER, RateLimited(status=429, retry_after_seconds=40)),
        lambda each: each.health.restore("q"),
        lambda each: (_offer_seen(each, OTHER), _key_seen(each)),
    ),
    "model is gone": News(
        lambda each: each.attempt(B, NoSuchModel()),
        lambda each: each.health.restore("p"),
        lambda each: _offer_seen(each, B),
    ),
    "provider is drained": News(
        lambda each: each.health.drain("p"), lambda each: each.health.resume("p"), lambda each: _seen(each, "p")
    ),
}


@pytest.mark.parametrize("news", NEWS.values(), ids=NEWS)
@pytest.mark.parametrize("seconds", [0, 3, 50])
def test_every_fact_and_its_end_look_the_same_in_both(two: tuple[Process, Process], news: News, seconds: int) -> None:
    one, other = two
    calm = news.look(other)
    news.begin(one)
    assert exchange(one, other) > 0
    assert exchange(other, one) == 0
    for each in two:
        each.clock.at += seconds
    assert news.look(one) == news.look(other)
    assert seconds or news.look(other) != calm
    news.end(other)
    exchange(other, one)
    assert news.look(one) == news.look(other)


def test_offer_put_to_rest_by_one_rests_in_the_other_for_as_long(two: tuple[Process, Process]) -> None:
    one, other = two
    fail(one)
    assert exchange(one, other) == 1
    assert [other.is_resting(offer) for offer in (A, B, OTHER)] == [True, False, False]
    states = [each.health.offer_state(A).until for each in two]
    waits = [until - each.clock.now() for until, each in zip(states, two, strict=True) if until]
    assert abs(waits[0] - waits[1]) < timedelta(milliseconds=10)
    assert exchange(one, other) == 0
    assert exchange(other, one) == 0  # a received fact is not sent on


def test_recovery_seen_by_one_ends_the_rest_of_the_other(two: tuple[Process, Process]) -> None:
    one, other = two
    fail(one)
    exchange(one, other)
    for each in two:
        each.clock.at += 6
    other.attempt(A)  # its probe
    assert exchange(other, one) == 1
    assert one.health.offer_state(A).state is State.CLOSED
    assert exchange(one, other) == 0


def test_failed_probe_of_one_prolongs_the_rest_of_the_other(two: tuple[Process, Process]) -> None:
    one, other = two
    fail(one)
    exchange(one, other)
    for each in two:
        each.clock.at += 6
    other.attempt(A, Overloaded())
    exchange(other, one)
    assert one.is_resting(A)
    one.clock.at += 8
    assert one.is_resting(A)  # the second rest is of ten seconds


def test_two_offers_that_rest_by_two_processes_rest_their_provider(two: tuple[Process, Process]) -> None:
    one, other = two
    fail(one, A)
    fail(other, B)
    exchange(one, other)
    assert other.health.state("p").state is State.OPEN
    exchange(other, one)
    assert one.health.state("p").state is State.OPEN


def test_drain_and_resume_reach_the_other(two: tuple[Process, Process]) -> None:
    one, other = two
    one.health.drain("p")
    exchange(one, other)
    assert other.health.state("p").state is State.DRAINED
    other.health.resume("p")
    exchange(other, one)
    assert one.health.state("p").state is State.CLOSED


def test_refused_key_and_gone_model_reach_the_other_and_so_does_their_return(two: tuple[Process, Process]) -> None:
    one, other = two
    one.attempt(OTHER, KeyRefused())
    one.attempt(B, NoSuchModel())
    exchange(one, other)
    assert other.health.locked_out() == ("q",)
    assert other.is_resting(B)
    other.health.restore("q")
    other.health.restore("p")
    exchange(other, one)
    assert one.health.locked_out() == ()
    assert not one.is_resting(B)


def test_rest_after_a_429_holds_for_the_key_and_model_only(two: tuple[Process, Process]) -> None:
    one, other = two
    one.attempt(OTHER, RateLimited(status=429, retry_after_seconds=30))
    exchange(one, other)
    assert other.is_resting(OTHER)
    assert not other.is_resting(A)
    other.clock.at += 31
    assert not other.is_resting(OTHER)


def test_limit_is_learned_from_the_attempts_of_all_and_its_fall_is_reported_whole(two: tuple[Process, Process]) -> None:
    one, other = two
    for minute, most in ((0, 40), (1, 20)):
        for number in range(most):
            (one, other)[number % 2].attempt(OTHER)
            exchange(one, other, 0.5)
            exchange(other, one, 0.0)
        if minute == 1:
            one.attempt(OTHER, RateLimited(status=429, retry_after_seconds=1))
            exchange(one, other, 0.5)
        for each in two:
            each.clock.at += 61
    for each in two:
        each.clock.at += 61
    facts = [each.health.limit_facts() for each in two]
    for (fact,) in facts:
        assert isinstance(fact, LimitFact)
        assert fact.before_per_minute in (39, 40)  # one of them may not know the last attempt
        assert fact.now_per_minute == 20
    assert {each.health.state("q").requests_per_minute for each in two} == {20}


def test_limit_of_tokens_is_learned_from_the_attempts_of_all(two: tuple[Process, Process]) -> None:
    one, other = two
    for each in two:
        each.health.providers["q"].keys[0].begin(each.clock.at, "a", 500)
    exchange(one, other)
    exchange(other, one)
    limits = [each.health.providers["q"].keys[0].budget("a").token_limit for each in two]
    limits[0].refused(one.clock.at, one.clock.at)
    exchange(one, other)
    assert limits[0].per_minute == limits[1].per_minute
    assert limits[1].remaining_at(other.clock.at) <= 0


def test_news_of_this_process_outlives_older_news_of_another(two: tuple[Process, Process]) -> None:
    one, other = two
    fail(one)
    exchange(one, other)
    for each in two:
        each.clock.at += 6
    one.attempt(A)
    stale = json.loads(json.dumps(one.shared.changes()))  # the fact that the offer is back
    other.attempt(A, Overloaded())  # outdated: a newer failure shows that it is not
    other.shared.apply(stale, 0.1)
    assert other.is_resting(A)


def test_facts_after_unknown_ones_are_taken_over(two: tuple[Process, Process]) -> None:
    one, other = two
    one.attempt(OTHER, KeyRefused())
    one.health.drain("p")
    known = json.loads(json.dumps(one.shared.changes()))
    other.shared.apply([(["offer", "x", "a"], None), (["key", "q", 1], {"until": 9}), *known], 0)
    other.shared.count([("x", 0, "m", 1, 0, 9), ("q", 1, "m", 1, 0, 9), ("q", 0, "a", 7, 0, 9)])
    assert (other.health.locked_out(), other.health.state("p").state) == (("q",), State.DRAINED)
    limit = other.health.providers["q"].keys[0].budget("a").limit
    limit.begin(other.clock.at)
    limit.refused(other.clock.at, other.clock.at)
    assert limit.per_minute == 7


def test_unknown_providers_and_keys_of_another_configuration_are_ignored(two: tuple[Process, Process]) -> None:
    _, other = two
    other.shared.apply([(["drained", "x"], {}), (["key", "q", 5], {"until": 9}), (["budget", "q", 5, "m"], {})], 0)
    other.shared.count([("x", 0, "m", 1, 0, 9), ("q", 5, "m", 1, 0, 9)])
    assert other.shared.changes() == []
