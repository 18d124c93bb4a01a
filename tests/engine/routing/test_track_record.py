import pytest

from engine.routing.track_record import TrackRecord


def test_nothing_is_known_of_one_never_tried() -> None:
    track = TrackRecord()
    assert (track.odds(0), track.p50_first_token_ms) == (0, None)


def test_the_odds_follow_what_happens() -> None:
    track = TrackRecord()
    for _ in range(50):
        track.failed(0, 1)
    assert track.odds(0) == pytest.approx(1, abs=0.01)
    for _ in range(50):
        track.succeeded(0, 100)
    assert track.odds(0) == pytest.approx(0, abs=0.01)


def test_one_in_four_is_about_a_quarter() -> None:
    track = TrackRecord()
    for _ in range(100):
        track.failed(0, 1)
        for _ in range(3):
            track.succeeded(0, 100)
    assert 0.05 < track.odds(0) < 0.4


def test_time_forgives() -> None:
    track = TrackRecord()
    for _ in range(5):
        track.failed(0, 1)
    assert track.odds(60) == pytest.approx(track.odds(0) / 2)
    assert track.odds(3600) < 0.001


def test_a_failure_that_took_long_costs_more() -> None:
    track = TrackRecord()
    for _ in range(60):
        track.failed(0, 20)
    assert track.loss_seconds == pytest.approx(20, abs=0.1)


def test_the_median_of_the_first_words_is_of_the_latest_fifty() -> None:
    track = TrackRecord()
    for ms in [5000] * 50 + [100] * 20 + [300] * 30:
        track.succeeded(0, ms)
    assert track.p50_first_token_ms == 300


def test_an_answer_without_a_word_says_nothing_of_speed() -> None:
    track = TrackRecord()
    track.succeeded(0, None)
    assert track.p50_first_token_ms is None
