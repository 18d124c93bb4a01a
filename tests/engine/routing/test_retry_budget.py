from engine.routing.retry_budget import MOST, RetryBudget


def spent(budget: RetryBudget, now: float, wanted: int) -> int:
    return sum(budget.spend(now) for _ in range(wanted))


def test_repeats_run_out_and_come_back_one_a_second() -> None:
    budget = RetryBudget()
    assert spent(budget, 0, 100) == MOST
    assert spent(budget, 0.5, 100) == 0
    assert spent(budget, 3, 100) == 3


def test_a_tenth_of_the_first_tries_may_be_repeated() -> None:
    budget = RetryBudget()
    spent(budget, 0, 100)
    for _ in range(55):
        budget.tried(0)
    assert spent(budget, 0, 100) == 5


def test_a_quiet_while_saves_up_no_storm() -> None:
    budget = RetryBudget()
    assert spent(budget, 10**6, 1000) == MOST
