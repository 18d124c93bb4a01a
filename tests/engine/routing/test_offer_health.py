from math import inf

import pytest

from engine.routing.breaker import Breaker
from engine.routing.offer_health import OfferHealth, RestCost, SlotDemand


def offer_health() -> OfferHealth:
    return OfferHealth(Breaker(5, 60))


def answer(health: OfferHealth, times: int, *, first_token_ms: int = 500) -> None:
    for _ in range(times):
        health.succeeded(0, 0, number=0, probe=False)
        health.track.learn_speed(first_token_ms)


def fail(
    health: OfferHealth, now: float, *, began_at: float | None = None, probe: bool = False, was_alive: bool = False
) -> bool:
    began_at = now if began_at is None else began_at
    return health.failed(now, began_at, number=0, probe=probe, was_alive=was_alive, patience_seconds=20)


def test_fifth_failure_opens_the_offer() -> None:
    health = offer_health()
    assert [fail(health, now) for now in range(5)] == [False, False, False, False, True]


def test_good_probe_closes_the_offer_and_leaves_a_small_failure_chance() -> None:
    health = offer_health()
    for now in range(5):
        fail(health, now)
    health.succeeded(10, 10, number=9, probe=True)
    assert not health.breaker.is_open
    assert health.track.failure_chance(10) == pytest.approx(0.045)


def test_good_probe_of_a_flaky_offer_leaves_its_usual_failure_chance() -> None:
    health = offer_health()
    for now in range(20):
        health.succeeded(now, now, number=0, probe=False)
        fail(health, now + 0.5)
    for now in range(40, 60):
        fail(health, now)
    assert health.breaker.is_open
    health.succeeded(70, 70, number=99, probe=True)
    assert health.track.failure_chance(70) == pytest.approx(0.45, abs=0.02)


def test_failure_of_an_attempt_in_flight_during_a_rest_teaches_nothing() -> None:
    health = offer_health()
    for now in range(5):
        fail(health, now)
    chance = health.track.failure_chance(4)
    fail(health, 4)
    assert health.track.failure_chance(4) == chance


def test_failure_after_the_first_token_costs_a_larger_share() -> None:
    cut, refused = offer_health(), offer_health()
    for now in range(4):
        fail(cut, now, was_alive=True)
        fail(refused, now)
    assert cut.track.failure_share > 0.3
    assert refused.track.failure_share == pytest.approx(0.05)


def test_attempt_that_may_still_answer_keeps_the_offer_in_service() -> None:
    health = offer_health()
    health.pending.begin(1, 2.5)
    assert not any(fail(health, now) for now in range(8))
    health.pending.end(1)
    assert fail(health, 8)


def test_attempt_that_is_unusually_late_is_no_reason_to_wait() -> None:
    health = offer_health()
    answer(health, 10)
    health.pending.begin(1, 1.5)
    for now in (1, 2, 3):
        fail(health, now)
    assert [fail(health, now) for now in (3.4, 3.5)] == [False, True]


def test_late_attempts_are_counted_from_the_oldest() -> None:
    health = offer_health()
    health.pending.begin(1, 0)
    assert health.late_attempts(100) == 0
    answer(health, 10)
    health.pending.begin(2, 1)
    assert [health.late_attempts(now) for now in (1.9, 2, 3)] == [0, 1, 2]


def test_restoring_ends_the_rest_and_the_missing_model() -> None:
    health = offer_health()
    for now in range(5):
        fail(health, now)
    health.gone_until = 3600
    health.restore(5)
    assert (health.breaker.is_open, health.gone_until) == (False, 0)


def test_place_has_no_value_while_fewer_want_it_than_the_limit_lets_in() -> None:
    demand = SlotDemand()
    for saving in range(20):
        demand.add(0, saving)
    assert demand.slot_atto(10, 20) == 0


def test_place_is_worth_the_best_saving_beyond_the_limit() -> None:
    demand = SlotDemand()
    for saving in range(30):
        demand.add(0, saving)
    assert demand.slot_atto(10, 20) == 9
    assert sum(saving > 9 for saving in range(30)) == 20


def test_value_of_a_place_is_computed_once_a_second() -> None:
    demand = SlotDemand()
    for saving in range(30):
        demand.add(0, saving)
    assert demand.slot_atto(10, 20) == 9
    assert demand.slot_atto(10.9, 10) == 9
    assert demand.slot_atto(11, 10) == 19


def test_demand_of_a_minute_ago_is_forgotten() -> None:
    demand = SlotDemand()
    for saving in range(30):
        demand.add(0, saving)
    assert demand.slot_atto(60, 20) == 0


def test_cut_answers_of_known_numbers_open_the_offer() -> None:
    health = offer_health()
    for number in range(1, 6):
        health.succeeded(number, number, number=number, probe=False)
    opened = [
        health.failed(10, number, number=number, probe=False, was_alive=True, patience_seconds=20)
        for number in range(1, 6)
    ]
    assert opened == [False, False, False, False, True]
    assert len(health.breaker.window(10)) == 5


def test_success_lowers_the_failure_chance() -> None:
    health = offer_health()
    fail(health, 1)
    health.succeeded(1, 1, number=2, probe=False)
    assert health.track.failure_chance(1) == pytest.approx(0.09)


def test_probe_of_an_offer_in_service_is_an_ordinary_success() -> None:
    health = offer_health()
    for now in range(4):
        fail(health, now)
    chance = health.track.failure_chance(4)
    health.succeeded(4, 4, number=9, probe=True)
    assert health.track.failure_chance(4) == pytest.approx(0.9 * chance)


def test_success_of_an_attempt_in_flight_during_a_rest_teaches_nothing() -> None:
    health = offer_health()
    for now in range(5):
        fail(health, now)
    chance = health.track.failure_chance(5)
    health.succeeded(5, 3, number=9, probe=False)
    assert health.breaker.is_open
    assert health.track.failure_chance(5) == chance


def test_failed_probe_doubles_the_rest_and_is_timed() -> None:
    health = offer_health()
    for now in range(5):
        fail(health, now)
    assert health.breaker.wait_seconds(4) == 5
    seconds = health.track.failure_seconds
    assert not health.failed(15, 9, number=6, probe=True, was_alive=False, patience_seconds=20)
    assert health.breaker.wait_seconds(15) == 10
    assert health.track.failure_seconds == pytest.approx(0.8 * seconds + 0.2 * 6)


def test_attempts_begun_before_a_restore_say_nothing() -> None:
    health = offer_health()
    for now in range(5):
        fail(health, now)
    health.restore(100)
    assert health.track.failure_chance(100) == 0.05
    health.failed(101, 99, number=9, probe=False, was_alive=False, patience_seconds=20)
    assert health.breaker.failures == 0


def test_restored_flaky_offer_keeps_its_usual_failure_chance() -> None:
    health = offer_health()
    for now in range(20):
        health.succeeded(now, now, number=0, probe=False)
        fail(health, now + 0.5)
    for now in range(40, 60):
        fail(health, now)
    health.restore(60)
    assert health.track.failure_chance(60) == pytest.approx(health.breaker.usual_failure_share)
    assert health.breaker.usual_failure_share > 0.4


def test_value_of_a_place_is_not_computed_twice_at_one_moment() -> None:
    demand = SlotDemand()
    for saving in range(30):
        demand.add(0, saving)
    assert [demand.slot_atto(10, limit) for limit in (20, 10)] == [9, 9]


def test_latest_4096_savings_are_kept() -> None:
    demand = SlotDemand()
    for _ in range(5000):
        demand.add(0, 7)
    assert demand.slot_atto(1, 4095) == 7
    assert demand.slot_atto(3, 4096) == 0


def test_attempt_during_a_rest_is_due_after_its_pause_once_prompts_have_paid_for_it() -> None:
    resting = RestCost(paid_atto=100)
    waits = {
        (now, failure): resting.wait_seconds(now, opened_at=10, pause_seconds=5, failure_atto=failure)
        for now in (14, 16)
        for failure in (100, 101)
    }
    assert waits == {(14, 100): 1, (14, 101): inf, (16, 100): 0, (16, 101): inf}


def test_attempt_during_a_rest_begins_the_pause_and_the_payments_anew() -> None:
    resting = RestCost(paid_atto=100)
    resting.attempted(20)
    assert resting.paid_atto == 0
    resting.paid_atto = 100
    assert [resting.wait_seconds(now, 10, 5, 100) for now in (24, 25)] == [1, 0]
    assert resting.wait_seconds(25, 21, 5, 100) == 1


def test_silence_of_several_attempts_counts_before_any_of_them_is_late() -> None:
    health = offer_health()
    for now in range(60):
        health.track.succeeded(now, 400 + 10 * (now % 20))
    for number in range(4):
        health.pending.begin(number, 60 + 0.1 * number)
    assert [health.late_attempts(60 + seconds) for seconds in (0.7, 1.0, 1.9, 2.3)] == [0, 4, 4, 4]


@pytest.mark.parametrize(("together", "counts"), [(4, False), (1, True)])
def test_timeouts_of_a_hang_that_is_over_say_nothing_about_the_time_since(together: int, *, counts: bool) -> None:
    health = offer_health()
    for now in range(60):
        health.track.succeeded(now, 500)
    for number in range(together):
        health.pending.begin(number, 60 + 0.1 * number)
    health.pending.begin(9, 62)
    health.first_token(62.5, 9, 62)
    health.succeeded(62.5, 62, number=9, probe=False)
    for number in range(together):
        fail(health, 80 + 0.1 * number, began_at=60 + 0.1 * number)
    assert (health.track.failure_chance(81) > 0, health.failing_since is not None) == (counts, counts)
    assert health.late_attempts(81) == 0


def test_failure_of_an_attempt_after_a_hang_counts() -> None:
    health = offer_health()
    for now in range(60):
        health.track.succeeded(now, 500)
    for number in range(4):
        health.pending.begin(number, 60)
    health.first_token(62.5, 3, 60)
    fail(health, 63, began_at=62)
    assert health.track.failure_chance(63) == pytest.approx(0.1)
