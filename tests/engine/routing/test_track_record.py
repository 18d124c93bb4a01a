import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.routing.offer_health import FIRST_TOKEN_SAMPLES, TrackRecord
from engine.routing.permits import OfferStatus


def test_untried_offer_has_no_failure_chance_and_no_speed() -> None:
    track = TrackRecord()
    assert (track.failure_chance(0), track.p50_first_token_ms) == (0, None)


def test_failure_chance_follows_the_outcomes() -> None:
    track = TrackRecord()
    for _ in range(50):
        track.failed(0, 1)
    assert track.failure_chance(0) == pytest.approx(1, abs=0.01)
    for _ in range(50):
        track.succeeded(0, 100)
    assert track.failure_chance(0) == pytest.approx(0, abs=0.01)


def test_one_failure_in_four_is_about_a_quarter() -> None:
    track = TrackRecord()
    for _ in range(100):
        track.failed(0, 1)
        for _ in range(3):
            track.succeeded(0, 100)
    assert 0.05 < track.failure_chance(0) < 0.4


def test_failure_chance_halves_each_minute_without_attempts() -> None:
    track = TrackRecord()
    for _ in range(5):
        track.failed(0, 1)
    assert track.failure_chance(60) == pytest.approx(track.failure_chance(0) / 2)
    assert track.failure_chance(3600) < 0.001


def test_failure_seconds_follow_the_time_failures_take() -> None:
    track = TrackRecord()
    for _ in range(60):
        track.failed(0, 20)
    assert track.failure_seconds == pytest.approx(20, abs=0.1)


def test_median_is_of_the_latest_fifty_first_tokens() -> None:
    track = TrackRecord()
    for ms in [5000] * 50 + [100] * 20 + [300] * 30:
        track.succeeded(0, ms)
    assert track.p50_first_token_ms == 300


def test_answer_without_a_token_teaches_no_speed() -> None:
    track = TrackRecord()
    track.succeeded(0, None)
    assert track.p50_first_token_ms is None


def test_recovery_leaves_a_small_failure_chance() -> None:
    track = TrackRecord()
    for _ in range(50):
        track.failed(0, 1)
    track.recovered(0)
    assert track.failure_chance(0) == 0.05
    assert track.failure_chance(60) == pytest.approx(0.025)


def test_recovery_does_not_raise_a_lower_failure_chance() -> None:
    track = TrackRecord()
    track.succeeded(0, 100)
    track.recovered(0)
    assert track.failure_chance(0) == 0


def test_single_failure_weighs_a_tenth() -> None:
    track = TrackRecord()
    track.failed(0, 6)
    assert track.failure_chance(0) == pytest.approx(0.1)
    assert track.failure_seconds == pytest.approx(0.8 * 1 + 0.2 * 6)


def test_clock_that_goes_back_does_not_raise_the_failure_chance() -> None:
    track = TrackRecord()
    track.failed(100, -5)
    assert track.failure_chance(50) == pytest.approx(0.1)
    assert track.failure_seconds == pytest.approx(0.8)


def test_lateness_is_unknown_below_ten_samples_and_at_least_two_seconds() -> None:
    track = TrackRecord()
    for _ in range(9):
        track.succeeded(0, 100)
    assert track.late_seconds is None
    track.succeeded(0, 100)
    assert track.late_seconds == 2


def test_lateness_is_two_and_a_half_times_the_95th_percentile() -> None:
    track = TrackRecord()
    for ms in [200] * 19 + [1000]:
        track.succeeded(0, ms)
    assert (track.p50_first_token_ms, track.p95_first_token_ms) == (200, 1000)
    assert track.late_seconds == 2.5
    assert track.first_token_seconds == 0.2


def test_fifty_first_token_times_are_kept() -> None:
    track = TrackRecord()
    for ms in [10] + [100] * 25 + [300] * 25:
        track.succeeded(0, ms)
    assert track.p50_first_token_ms == 300


def test_share_of_the_cost_that_failures_lose_follows_them() -> None:
    track = TrackRecord()
    track.failed(0, 1)
    assert track.failure_share == pytest.approx(0.05)
    track.failed(0, 1, was_alive=True)
    assert track.failure_share == pytest.approx(0.05 + 0.2 * (0.6 - 0.05))


def test_offer_is_tried_after_its_first_outcome() -> None:
    track = TrackRecord()
    assert track.is_untried is True
    track.succeeded(0, None)
    assert track.is_untried is False


def test_95th_percentile_of_25_leaves_out_the_slowest() -> None:
    track = TrackRecord()
    for ms in [100] * 24 + [1000]:
        track.succeeded(0, ms)
    assert track.p95_first_token_ms == 100


def test_status_has_the_chance_the_costs_and_the_speed() -> None:
    track = TrackRecord()
    track.succeeded(0, 400)
    calm = track.status(0)
    assert calm == OfferStatus("", False, 0.0, 1.0, 0.05, 0.4)
    assert track.status(5) is calm
    track.failed(5, 6, was_alive=True)
    found = track.status(5)
    assert found == OfferStatus("", False, track.failure_chance(5), track.failure_seconds, track.failure_share, 0.4)
    assert found.failure_chance == pytest.approx(0.1)
    assert found.failure_share == pytest.approx(0.16)
    assert track.status(65).failure_chance == pytest.approx(0.05)


def test_status_follows_speed_and_recovery() -> None:
    track = TrackRecord()
    assert track.status(0).first_token_seconds == 0
    track.learn_speed(400)
    assert track.status(0).first_token_seconds == 0.4
    track.recovered(0, 0.3)
    assert track.status(0) == OfferStatus("", False, 0.0, 1.0, 0.05, 0.4)
    for _ in range(50):
        track.failed(0, 1)
    track.recovered(0)
    assert track.status(0).failure_chance == 0.05


@given(st.lists(st.integers(0, 9), min_size=1, max_size=3 * FIRST_TOKEN_SAMPLES))
def test_percentiles_are_those_of_the_latest_times(times: list[int]) -> None:
    track = TrackRecord()
    for each in times:
        track.learn_speed(each)
    latest = sorted(times[-FIRST_TOKEN_SAMPLES:])
    expected = latest[len(latest) // 2], latest[len(latest) * 95 // 100]
    assert (track.p50_first_token_ms, track.p95_first_token_ms) == expected


def test_waits_as_long_as_the_latest_ones_are_no_silence() -> None:
    track = TrackRecord()
    for _ in range(46):
        track.learn_speed(500)
    assert track.waiting_chance(2) == pytest.approx(1 / 47)
    for _ in range(4):
        track.learn_speed(8000)
    assert [track.waiting_chance(seconds) for seconds in (0.4, 2, 9)] == [1, 0.8, pytest.approx(1 / 51)]
