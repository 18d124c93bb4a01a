from engine.routing.breaker import MOST_OUTCOMES, Breaker


def opened() -> Breaker:
    breaker = Breaker(failures_to_open=5, rest_seconds=60)
    for _ in range(5):
        breaker.failed(100, 100, probe=False)
    return breaker


def fail(breaker: Breaker, times: int, now: float) -> None:
    for _ in range(times):
        breaker.failed(now, now, probe=False)


def test_five_failures_in_a_row_open_the_breaker() -> None:
    breaker = Breaker(5, 60)
    for _ in range(4):
        breaker.failed(0, 0, probe=False)
    assert breaker.wait_seconds(0) == 0
    breaker.failed(0, 0, probe=False)
    assert breaker.is_open
    assert breaker.wait_seconds(2) == 3


def test_one_success_resets_the_count_of_failures() -> None:
    breaker = Breaker(5, 60)
    for _ in range(4):
        breaker.failed(0, 0, probe=False)
    breaker.succeeded(0, 0, probe=False)
    breaker.failed(0, 0, probe=False)
    assert not breaker.is_open


def test_every_second_attempt_failing_does_not_open_the_breaker() -> None:
    breaker = Breaker(5, 60)
    for _ in range(50):
        breaker.succeeded(0, 0, probe=False)
        breaker.failed(0, 0, probe=False)
    assert not breaker.is_open


def test_failures_of_an_hour_ago_are_forgotten() -> None:
    breaker = Breaker(5, 60)
    for number in range(200):
        breaker.failed(number * 10, number * 10, probe=False)
        breaker.succeeded(number * 10, number * 10, probe=False)
    assert not breaker.is_open


def test_failures_of_attempts_in_flight_do_not_prolong_the_rest() -> None:
    breaker = opened()
    breaker.failed(150, 150, probe=False)
    assert breaker.wait_seconds(160) == 0


def test_success_that_is_not_a_probe_does_not_close_an_open_breaker() -> None:
    breaker = opened()
    breaker.succeeded(101, 101, probe=False)
    assert breaker.is_open


def test_good_probe_closes_the_breaker_and_resets_the_count() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.succeeded(160, 160, probe=True)
    assert not breaker.is_open
    assert not breaker.probing
    breaker.failed(161, 161, probe=False)
    assert not breaker.is_open


def test_rest_begins_at_a_twelfth_and_each_failed_probe_doubles_it_up_to_the_longest() -> None:
    breaker, now, rests = opened(), 100.0, []
    for _ in range(6):
        rests.append(breaker.wait_seconds(now))
        now += rests[-1]
        breaker.probing = True
        breaker.failed(now, now, probe=True)
        assert not breaker.probing
    assert rests == [5, 10, 20, 40, 60, 60]


def test_next_outage_begins_with_a_short_rest_again() -> None:
    breaker = opened()
    breaker.failed(105, 105, probe=True)
    breaker.succeeded(120, 120, probe=True)
    fail(breaker, 5, 200)
    assert breaker.wait_seconds(200) == 5


def test_failure_begun_before_the_latest_success_is_not_in_a_row() -> None:
    breaker = Breaker(5, 60)
    breaker.succeeded(30, 29)
    for _ in range(9):
        breaker.failed(31, 11)  # timeouts of an outage that has ended
    assert not breaker.is_open
    assert breaker.failures == 0


def test_success_begun_before_the_failures_does_not_end_their_row() -> None:
    breaker = Breaker(5, 60)
    for began_at in (10, 10.1, 10.2, 10.3):
        breaker.failed(began_at, began_at)
    breaker.succeeded(10.4, 9)  # begun before the outage
    breaker.failed(10.5, 10.5)
    assert breaker.is_open


def test_attempts_begun_before_the_end_of_an_outage_say_nothing_after_it() -> None:
    breaker = opened()
    breaker.succeeded(110, 109, probe=True)
    for _ in range(9):
        breaker.failed(115, 108)
    assert not breaker.is_open
    breaker.succeeded(116, 99)
    assert breaker.failures == 0
    fail(breaker, 5, 117)
    assert breaker.is_open


def test_cut_after_the_first_token_turns_the_success_into_a_failure() -> None:
    breaker = Breaker(5, 60)
    for number in range(1, 6):
        breaker.succeeded(number, number, number=number)
    for number in range(1, 5):
        breaker.failed(10, number, number=number)
    assert not breaker.is_open
    breaker.failed(10, 5, number=5)
    assert breaker.is_open


def test_row_is_not_complete_while_an_attempt_begun_within_it_may_still_answer() -> None:
    for pending, is_open in (((2.5,), False), ((0.5,), True), ((6.0,), True)):
        breaker = Breaker(5, 60)
        for began_at in range(1, 6):
            breaker.failed(began_at, began_at, pending=pending)
        assert breaker.is_open is is_open


def test_failures_far_apart_are_still_in_a_row() -> None:
    breaker = Breaker(5, 60)
    for number in range(5):
        breaker.failed(number * 300, number * 300)
    assert breaker.is_open


def test_failed_returns_whether_it_opened_the_breaker() -> None:
    breaker = Breaker(2, 60)
    assert [breaker.failed(now, now) for now in (1, 2, 3)] == [False, True, False]


def test_probe_that_fails_after_the_breaker_was_closed_is_one_ordinary_failure() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.close(150)
    breaker.failed(160, 160, probe=True)
    assert not breaker.is_open


def test_failures_while_it_is_open_do_not_count() -> None:
    breaker = opened()
    breaker.failed(102, 102)
    assert (breaker.failures, breaker.wait_seconds(102)) == (5, 3)


def test_released_probe_allows_another() -> None:
    breaker = opened()
    breaker.probing = True
    breaker.release_probe()
    assert (breaker.is_open, breaker.probing) == (True, False)


def test_answers_cut_by_an_outage_do_not_count_as_the_usual_failure_rate() -> None:
    breaker = Breaker(failures_to_open=5, rest_seconds=60)
    for number in range(1, 41):
        breaker.succeeded(number / 2 + 0.5, number / 2, number=number)
    for number in range(21, 41):
        breaker.failed(21.0, number / 2, number=number)
    for number in range(5):
        breaker.failed(21.6 + number, 21.5 + number, number=41 + number)
    assert breaker.is_open
    assert breaker.usual_failure_share == 0


def test_failure_begun_with_a_success_but_known_later_is_in_the_row() -> None:
    breaker = Breaker(5, 60)
    breaker.succeeded(11, 10)
    for _ in range(5):
        breaker.failed(12, 10)
    assert breaker.is_open


def test_success_without_a_number_is_not_turned_into_a_failure() -> None:
    breaker = Breaker(5, 60)
    breaker.succeeded(1, 1)
    breaker.failed(2, 2, number=1)
    assert [outcome.failed for outcome in breaker.window(2)] == [False, True]


def test_failed_probe_opens_nothing_and_allows_another() -> None:
    breaker = opened()
    assert breaker.opened_at == 100
    breaker.probing = True
    assert breaker.failed(105, 105, probe=True) is False
    assert breaker.probing is False


def test_attempt_that_may_still_answer_breaks_the_row_only_if_begun_after_its_first_failure() -> None:
    for pending, is_open in ((1.0, True), (1.5, False), (4.5, False), (5.0, False), (5.5, True)):
        breaker = Breaker(5, 60)
        for began_at in range(1, 6):
            breaker.failed(began_at, began_at, pending=[pending])
        assert breaker.is_open is is_open, pending


def test_answers_cut_after_the_latest_first_token_belong_to_the_outage() -> None:
    breaker = Breaker(failures_to_open=5, rest_seconds=60)
    for number in range(1, 41):
        breaker.succeeded(number / 2 + 0.5, number / 2, number=number)
    breaker.succeeded(20.9, 20.2, number=41)
    for number in range(21, 41):
        breaker.failed(21.0, number / 2, number=number)
    for number in range(5):
        breaker.failed(21.6 + number, 21.5 + number, number=42 + number)
    assert breaker.is_open
    assert breaker.usual_failure_share == 0


def test_probe_that_is_cut_goes_on_with_the_outage() -> None:
    breaker = Breaker(failures_to_open=2, rest_seconds=60)
    for number in (1, 2):
        breaker.failed(number, number, number=number)
    breaker.succeeded(10, 9, number=3, probe=True)
    assert breaker.wait_seconds(10) == 0
    breaker.failed(11, 9, number=3, probe=True)
    assert (breaker.opened_at, breaker.wait_seconds(11)) == (2, 10), "the second rest of the outage that began at 2"


def test_cut_of_the_probe_after_other_answers_is_one_failure() -> None:
    breaker = Breaker(failures_to_open=2, rest_seconds=60)
    for number in (1, 2):
        breaker.failed(number, number, number=number)
    breaker.succeeded(10, 9, number=3, probe=True)
    breaker.succeeded(11, 10.5, number=4)
    breaker.failed(12, 9, number=3, probe=True)
    assert not breaker.is_open
    assert [each.failed for each in breaker.window(12)] == [True, False]


def test_of_a_busy_minute_the_latest_outcomes_count() -> None:
    breaker = Breaker(5, 60)
    for number in range(MOST_OUTCOMES):
        breaker.failed(number / 1000, number / 1000, pending=[0.5])
        breaker.succeeded(number / 1000, number / 1000)
    assert [each.known_at for each in breaker.window(2)] == [
        number / 1000 for number in range(1000, 2000) for _ in "12"
    ]


def test_timeouts_from_before_the_latest_answer_do_not_make_an_offer_likely_down() -> None:
    breaker = Breaker(5, 60)
    for _ in range(40):
        breaker.succeeded(20, 10)
    for _ in range(2):
        breaker.failed(21, 1)
    assert not breaker.is_likely_down(21)
    for _ in range(3):
        breaker.failed(22, 21.9)
    assert not breaker.is_open
    breaker.failed(22, 21.9)
    assert breaker.is_likely_down(22)


def test_answers_cut_after_the_latest_answer_make_an_offer_likely_down_whenever_they_began() -> None:
    breaker = Breaker(5, 60)
    for number in range(1, 5):
        breaker.succeeded(2, 1, number=number)
    for number in range(5, 25):
        breaker.succeeded(20, 10, number=number)
    for number in range(1, 5):
        breaker.failed(21, 1, number=number)
    assert breaker.is_likely_down(21)
