"""Moments of the last minute, compared with a plain list."""

from hypothesis import given
from hypothesis import strategies as st

from engine.routing import recent_times
from engine.routing.recent_times import RecentAmounts, RecentTimes

_STEPS = st.lists(
    st.tuples(st.sampled_from(["add", "forget", "remove"]), st.integers(0, 3), st.integers(0, 9)), max_size=60
)


@given(_STEPS)
def test_times_and_amounts_are_those_of_a_list(steps: list[tuple[str, int, int]]) -> None:
    known: list[tuple[float, int]] = []
    times, now = RecentAmounts(), 0
    for step, wait, number in steps:
        now += wait
        moment = float(now - number)
        if step == "add":
            times.add(float(now), number)
            known.append((float(now), number))
        elif step == "forget":
            times.forget_until(moment)
            known = [each for each in known if each[0] > moment]
        else:
            times.remove(moment)
            if found := [each for each in known if each[0] == moment]:
                known.remove(found[0])
        assert [times[number] for number in range(len(times))] == [at for at, _ in known]
        assert times.total == sum(amount for _, amount in known)
        assert times.until(moment) == sum(at <= moment for at, _ in known)
        assert times.total_until(moment) == sum(amount for at, amount in known if at <= moment)
        assert (moment in times) == (moment in [at for at, _ in known])
        assert not known or times[-1] == known[-1][0]


def test_space_of_forgotten_times_is_used_again() -> None:
    times, amounts = RecentTimes(), RecentAmounts()
    for number in range(20 * recent_times._LEAST_DROPPED):
        for each in (times, amounts):
            each.forget_until(number - 10.0)
        times.append(float(number))
        amounts.add(float(number), 1)
    assert (len(times), times[0], len(amounts), amounts.total) == (10, times[-1] - 9, 10, 10)
    assert max(len(times._times), len(amounts._amounts), len(amounts._times)) <= recent_times._LEAST_DROPPED + 20


@given(st.lists(st.integers(0, 9)), st.integers(0, 9), st.integers(0, 9))
def test_times_given_at_the_start_or_together_are_kept(first: list[int], until: int, moment: int) -> None:
    known = sorted(map(float, first))
    times = RecentTimes(known)
    times.extend([10.0, 10.0])
    times.forget_until(until)
    left = [each for each in [*known, 10.0, 10.0] if each > until]
    assert [times[number] for number in range(len(times))] == left
    assert times.until(moment) == sum(each <= moment for each in left)


def test_amount_after_forgotten_ones_is_removed() -> None:
    amounts = RecentAmounts()
    for number, amount in enumerate((5, -7, 11)):
        amounts.add(float(number), amount)
    amounts.forget_until(0.0)
    amounts.remove(2.0)
    assert (len(amounts), amounts[0], amounts.total) == (1, 1.0, -7)
