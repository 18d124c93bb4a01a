import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.call_budgets import CallGate, CallRate, CallWindow
from main.lifecycle import new_event_loop
from tests.bot.virtual import run


def test_window_allows_its_number_of_calls_and_frees_a_slot_after_its_seconds() -> None:
    window = CallWindow(2, 10.0)
    window.spend(100.0)
    window.spend(104.0)
    assert (window.left(105.0), window.wait_seconds(105.0)) == (0, 5.0)
    assert (window.left(109.999), window.left(110.0)) == (0, 1)
    assert window.wait_seconds(110.0) == 0


def test_window_over_its_number_waits_for_the_call_that_frees_a_slot() -> None:
    window = CallWindow(2, 10.0)
    for now in (0.0, 1.0, 2.0):
        window.spend(now)
    assert window.wait_seconds(3.0) == 8.0


def test_rate_allows_a_burst_and_then_one_call_each_interval() -> None:
    rate = CallRate(3, 2.0)
    for _ in range(3):
        assert rate.wait_seconds(50.0) == 0
        rate.spend(50.0)
    assert rate.wait_seconds(50.0) == 2.0
    assert rate.wait_seconds(52.0) == 0


def test_rate_is_fresh_when_its_calls_delay_nothing() -> None:
    rate = CallRate(2, 5.0)
    assert rate.is_fresh(0.0)
    rate.spend(0.0)
    assert not rate.is_fresh(4.9)
    assert rate.is_fresh(5.0)


@given(st.integers(1, 6), st.floats(0.1, 5), st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_rate_is_never_exceeded(burst: int, interval: float, gaps: list[float]) -> None:
    rate, now, made = CallRate(burst, interval), 0.0, list[float]()
    for gap in gaps:
        now += gap
        now += rate.wait_seconds(now)
        rate.spend(now)
        made.append(now)
    for first, begin in enumerate(made):
        for last in range(first, len(made)):
            assert last - first + 1 <= burst + (made[last] - begin) / interval + 1e-3


def entered(
    priorities: list[int], *, shut_seconds: float = 0.0, cancelled: int | None = None, probing: int = -1
) -> list[tuple[int, float]]:
    """Return the order and times at which calls with these priorities pass a gate of one call per second."""

    async def scenario() -> list[tuple[int, float]]:
        now = asyncio.get_running_loop().time
        begun, passed = now(), list[tuple[int, float]]()
        gate = CallGate(CallRate(1, 1.0), now, probing)
        gate.shut(begun + shut_seconds)

        async def call(priority: int) -> None:
            await gate.enter(priority)
            passed.append((priority, round(now() - begun, 3)))

        tasks = [asyncio.create_task(call(priority)) for priority in priorities]
        if cancelled is not None:
            await asyncio.sleep(0)
            tasks[cancelled].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return passed

    return run(scenario())


def test_gate_lets_the_lowest_priority_number_pass_first() -> None:
    assert entered([9, 3, 1, 2]) == [(9, 0.0), (1, 1.0), (2, 2.0), (3, 3.0)]


def test_gate_keeps_the_order_of_arrival_among_equals() -> None:
    assert [when for _, when in entered([1, 1, 1])] == [0.0, 1.0, 2.0]


def test_shut_gate_opens_at_its_time() -> None:
    assert entered([1, 0], shut_seconds=5.0) == [(0, 5.0), (1, 6.0)]


def test_cancelled_call_uses_no_slot() -> None:
    assert entered([5, 1, 2], cancelled=1) == [(5, 0.0), (2, 1.0)]


def test_gate_is_shut_until_the_latest_time() -> None:
    gate = CallGate(CallRate(1, 1.0), lambda: 10.0)
    gate.shut(12.0)
    gate.shut(11.0)
    assert gate.is_shut
    assert not CallGate(CallRate(1, 1.0), lambda: 10.0).is_shut


def test_gate_that_is_opened_early_lets_the_waiting_calls_pass() -> None:
    async def scenario() -> float:
        loop = asyncio.get_running_loop()
        gate = CallGate(CallRate(1, 0.1), loop.time)
        begun = loop.time()
        gate.open()
        gate.shut(begun + 60)
        waiting = asyncio.create_task(gate.enter(0))
        await asyncio.sleep(1)
        assert not waiting.done()
        gate.open()
        await waiting
        return loop.time() - begun

    assert run(scenario()) == pytest.approx(1)


def test_urgent_calls_pass_a_shut_gate_one_by_one() -> None:
    found = entered([2, 0, 1, 0], shut_seconds=10.0, probing=1)
    assert found == [(0, 0.0), (0, 1.0), (1, 2.0), (2, 10.0)]


@pytest.mark.parametrize("loop_factory", [new_event_loop, asyncio.new_event_loop])
def test_all_calls_pass_on_real_loops_however_short_their_waits(
    loop_factory: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """uvloop rounds waits to milliseconds: a shorter one is a handle without a time."""

    async def scenario() -> None:
        for every_seconds in (0.0, 0.0001, 0.0004, 0.0006, 0.002):
            gate = CallGate(CallRate(1, every_seconds), asyncio.get_running_loop().time)
            await asyncio.gather(*(gate.enter(priority) for priority in (3, 2, 1, 0, 0)))

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(asyncio.wait_for(scenario(), 10))
