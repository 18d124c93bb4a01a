import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from main.clock import SystemClock
from scheduler.app import EverySeconds, Scheduler
from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from storage.operations import job_runs

LONG, AT_ONCE = 60.0, 0.0


@pytest.fixture
def context(context: JobContext) -> JobContext:
    """Return a context with the machine's clock, which APScheduler uses too."""
    return replace(context, clock=SystemClock())


def scheduler_of(
    context: JobContext, run: Callable[[Any], Awaitable[None]], misfire: Misfire = Misfire.ONCE, seconds: float = 0.01
) -> Scheduler:
    return Scheduler(context, {"often": seconds}, (Job("notify", "often", run, misfire),))


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def test_stop_waits_for_a_run_in_progress(context: JobContext) -> None:
    begun, go, told = asyncio.Event(), asyncio.Event(), []

    async def run(_: Any) -> None:
        begun.set()
        await go.wait()
        told.append("the notice")

    clock = scheduler_of(context, run)
    await clock.start()
    await begun.wait()
    stopping = asyncio.create_task(clock.stop(LONG))
    await asyncio.sleep(0)
    go.set()
    await stopping
    assert told == ["the notice"]


async def test_no_run_starts_after_pause(context: JobContext) -> None:
    runs: list[int] = []
    begun = asyncio.Event()

    async def run(_: Any) -> None:
        runs.append(1)
        begun.set()

    clock = scheduler_of(context, run)
    await clock.start()
    await begun.wait()
    clock.pause()
    await asyncio.sleep(0)
    before = len(runs)
    await asyncio.sleep(0.05)  # five times as long as from one run to the next
    assert len(runs) == before
    await clock.stop(LONG)


async def test_late_run_is_canceled_without_an_error(context: JobContext, caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def run(_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    clock = scheduler_of(context, run)
    await clock.start()
    await begun.wait()
    await clock.stop(AT_ONCE)
    assert "job notify was canceled" in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_failed_run_is_logged_and_repeated(context: JobContext, caplog: pytest.LogCaptureFixture) -> None:
    again = asyncio.Event()
    runs: list[int] = []

    async def run(_: Any) -> None:
        runs.append(1)
        if len(runs) > 1:
            again.set()
        raise ValueError("broken")

    clock = scheduler_of(context, run)
    await clock.start()
    await again.wait()
    await clock.stop(LONG)
    assert "job notify failed" in caplog.text


async def test_stop_without_start_does_nothing(context: JobContext) -> None:
    async def run(_: Any) -> None: ...

    await scheduler_of(context, run).stop(LONG)


async def test_restart_runs_no_job_early_and_one_that_skips_at_once(context: JobContext) -> None:
    runs: list[str] = []

    async def run(_: Any) -> None:
        runs.append("run")

    def has(number: int) -> bool:
        return len(runs) >= number

    for misfire, expected in ((Misfire.ONCE, (1, 1)), (Misfire.SKIP, (2, 3))):
        for number in expected:
            clock = scheduler_of(context, run, misfire, seconds=3600)
            await clock.start()
            await until(partial(has, number))
            await asyncio.sleep(0.05)  # otherwise there would be another one
            await clock.stop(LONG)
            assert len(runs) == number


@dataclass
class SetClock:
    """The machine's clock, with a wrong time of day while `off` is not zero."""

    off: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off

    monotonic = staticmethod(time.monotonic)


async def test_jobs_run_on_after_the_clock_was_set_back(context: JobContext) -> None:
    """APScheduler reads the true time here: only the shift of the next run shows."""
    runs: list[int] = []

    async def run(_: Any) -> None:
        runs.append(1)

    set_clock = SetClock()
    clock = scheduler_of(replace(context, clock=set_clock), run, seconds=3600)
    await clock.start()
    await until(lambda: bool(runs) and not clock._running)
    set_clock.off = -timedelta(hours=2)
    clock.follow_clock()
    await until(lambda: len(runs) == 2)
    clock.follow_clock()
    set_clock.off = timedelta(0)
    clock.follow_clock()  # set forward: nothing is shifted
    await asyncio.sleep(0.02)
    await clock.stop(LONG)
    assert len(runs) == 2


async def test_restart_after_the_clock_was_set_back_runs_each_job(context: JobContext) -> None:
    runs: list[int] = []

    async def run(_: Any) -> None:
        runs.append(1)

    for number, off in enumerate((timedelta(days=30), timedelta(0)), start=1):
        clock = scheduler_of(replace(context, clock=SetClock(off)), run, seconds=0.01)
        await clock.start()
        await until(lambda number=number: len(runs) >= 3 * number)  # type: ignore[misc]
        await clock.stop(LONG)
        runs[3 * number :] = []


def test_missed_times_are_left_out() -> None:
    """The clock was set forward by years, as on a machine without a battery."""
    trigger, start = EverySeconds(15), datetime(2020, 1, 1, tzinfo=UTC)
    assert trigger.get_next_fire_time(None, start) == start
    assert trigger.get_next_fire_time(start, start) == start + timedelta(seconds=15)
    later = start + timedelta(days=2000, seconds=7)
    assert trigger.get_next_fire_time(start, later) == start + timedelta(days=2000, seconds=15)
    assert trigger.get_next_fire_time(later, start) == later + timedelta(seconds=15)


async def test_canceled_run_is_repeated_by_the_next_process(context: JobContext) -> None:
    begun, runs = asyncio.Event(), list[int]()

    async def run(_: Any) -> None:
        runs.append(1)
        begun.set()
        if len(runs) == 1:
            await asyncio.Event().wait()

    for _ in range(2):
        clock = scheduler_of(context, run, seconds=3600)
        await clock.start()
        await begun.wait()
        begun.clear()
        await clock.stop(AT_ONCE)
    assert len(runs) == 2


async def test_end_and_failure_of_each_run_are_stored(context: JobContext) -> None:
    begun = asyncio.Event()

    async def run(_: Any) -> None:
        begun.set()
        raise OSError("away")

    for misfire in Misfire:
        clock = scheduler_of(context, run, misfire, seconds=3600)
        begun.clear()
        await clock.start()
        await begun.wait()
        await clock.stop(LONG)
        (found,) = (await context.db.read(job_runs.latest)).values()
        assert (found.error, found.failures, found.finished_at is not None) == ("OSError", found.runs, True)
