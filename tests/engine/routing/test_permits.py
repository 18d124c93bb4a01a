"""The values that health and its callers exchange, and the retry budget."""

from engine.routing.permits import FIRST_RETRIES, MOST_RETRIES, HealthPolicy, RetryBudget


def test_patience_is_longer_for_a_model_that_thinks_first() -> None:
    policy = HealthPolicy(first_token_seconds=20, first_token_seconds_thinking=90)
    assert [policy.patience_seconds(thinks=thinks) for thinks in (False, True)] == [20, 90]


def test_patience_with_thinking_is_never_below_that_without() -> None:
    assert HealthPolicy(first_token_seconds=200).patience_seconds(thinks=True) == 200


def spent(budget: RetryBudget, now: float, wanted: int) -> int:
    return sum(budget.spend(now) for _ in range(wanted))


def test_retries_run_out_and_come_back_one_a_second() -> None:
    budget = RetryBudget()
    assert spent(budget, 0, 100) == FIRST_RETRIES
    assert spent(budget, 0.5, 100) == 0
    assert spent(budget, 3, 100) == 3


def test_ten_first_attempts_earn_one_retry() -> None:
    budget = RetryBudget()
    spent(budget, 0, 100)
    for _ in range(55):
        budget.first_attempt(0)
    assert spent(budget, 0, 100) == 5


def test_process_begins_with_few_retries_however_long_the_machine_has_run() -> None:
    assert spent(RetryBudget(), 10**6, 1000) == FIRST_RETRIES


def test_quiet_time_saves_up_the_retries_of_a_minute_at_most() -> None:
    budget = RetryBudget()
    budget.first_attempt(10)
    assert spent(budget, 40, 1000) == FIRST_RETRIES + 30
    assert spent(budget, 10**6, 1000) == MOST_RETRIES


def test_share_of_a_retry_is_not_enough_and_is_kept() -> None:
    budget = RetryBudget()
    spent(budget, 0, 10)
    assert not budget.spend(0.75)
    assert budget.spend(1)


def test_clock_that_goes_back_earns_nothing() -> None:
    budget = RetryBudget()
    spent(budget, 100, 10)
    assert not budget.spend(50)
