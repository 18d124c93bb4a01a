"""Who is admitted, and what is known and told of each."""

import pytest

from engine.catalog.offers import Offer
from engine.errors import KeyRefused, RateLimited
from engine.routing.health import LimitFact, State
from tests.engine.ward import A2, DOWN, A, B, Ward


def test_who_has_no_key_is_not_asked(ward: Ward) -> None:
    assert ward.refusal(Offer("none", "m")).reason == "not configured"
    assert ward.refusal(Offer("never heard of", "m")).reason == "not configured"


def test_a_drained_provider_is_not_asked_until_it_is_resumed(ward: Ward) -> None:
    ward.health.drain("a")
    assert ward.state() is State.DRAINED
    assert ward.refusal().reason == "drained by an operator"
    ward.health.resume("a")
    ward.permit()


def test_resuming_forgets_every_rest(ward: Ward) -> None:
    ward.fails(DOWN, 5)
    ward.health.drain("a")
    ward.health.resume("a")
    assert ward.state() is State.CLOSED


def test_a_drained_provider_is_not_probed(ward: Ward) -> None:
    ward.fails(KeyRefused())
    ward.health.drain("a")
    assert ward.health.due_probes() == ()


def test_the_smallest_rest_is_the_soonest_of_all(ward: Ward) -> None:
    assert ward.health.smallest_rest_seconds() == 60
    ward.fails(DOWN, 5)
    ward.fails(RateLimited(retry_after_seconds=20), offer=B)
    assert ward.health.smallest_rest_seconds() == 20
    ward.clock.wait(15)
    assert ward.health.smallest_rest_seconds() == 5


def test_a_drained_provider_s_rest_is_nobody_s_hope(ward: Ward) -> None:
    ward.health.drain("a")
    ward.health.drain("b")
    assert ward.health.smallest_rest_seconds() == 60


def test_a_state_says_since_when(ward: Ward) -> None:
    began = ward.health.state("a").since
    ward.clock.wait(100)
    ward.fails(DOWN, 5)
    opened = ward.health.state("a").since
    assert (opened - began).total_seconds() == 100
    ward.clock.wait(30)
    assert ward.health.state("a").since == opened
    ward.clock.wait(30)
    ward.serves()
    assert (ward.health.state("a").since - opened).total_seconds() == 60


def test_the_median_of_the_first_words_is_shown(ward: Ward) -> None:
    for ms in (100, 900, 300):
        ward.serves(first_token_ms=ms)
    assert ward.health.state("a").p50_first_token_ms == 300


def test_each_offer_has_a_speed_of_its_own(ward: Ward) -> None:
    ward.serves(3, A, first_token_ms=400)
    ward.serves(9, A2, first_token_ms=2000)
    assert ward.health.standing(A).latency_seconds == 0.4
    assert ward.health.standing(A2).latency_seconds == 2.0


def test_an_offer_not_tried_yet_stands_as_its_provider_does(ward: Ward) -> None:
    ward.fails(DOWN, 3)
    assert ward.health.standing(A2).odds == ward.health.standing(A).odds > 0


def test_a_failure_that_took_twenty_seconds_counts_as_such(ward: Ward) -> None:
    for _ in range(4):
        permit = ward.permit()
        ward.clock.wait(20)
        ward.health.failed(permit, DOWN)
    assert ward.health.standing(A).delay_seconds > 10


def test_a_learned_limit_is_kept_under_and_shown(ward: Ward) -> None:
    ward.serves(20)
    ward.fails(RateLimited(retry_after_seconds=1))
    ward.clock.wait(2)
    assert ward.health.standing(A).crowded_seconds == pytest.approx(58.25)
    assert ward.health.state("a").reason == "at its learned limit of 20/min, 59 s left"
    assert ward.health.state("a").requests_per_minute == 20
    ward.permit()  # nobody else may be left: then it is asked all the same


def test_silence_that_is_unusual_counts_before_the_first_time_out(ward: Ward) -> None:
    ward.serves(20, first_token_ms=500)
    waiting = [ward.permit() for _ in range(4)]
    ward.clock.wait(1)
    assert ward.health.standing(A).odds == 0
    ward.clock.wait(2)
    assert ward.health.standing(A).odds == pytest.approx(0.8)
    ward.health.spoke(waiting[3])
    assert ward.health.standing(A).odds == 0


def test_a_slow_answer_that_has_begun_is_not_silence(ward: Ward) -> None:
    ward.serves(20, first_token_ms=500)
    ward.health.spoke(ward.permit())
    ward.clock.wait(60)
    assert ward.health.standing(A).odds == 0


def test_a_fallen_limit_is_told_once_it_is_found(ward: Ward) -> None:
    ward.serves(40)
    ward.clock.wait(61)
    ward.serves(20)
    ward.fails(RateLimited(retry_after_seconds=1))
    assert ward.health.limit_facts() == ()
    ward.clock.wait(60)
    assert ward.health.limit_facts() == (LimitFact("a", 20, 40, ward.clock.now()),)
    assert ward.health.limit_facts() == ()
