import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from scheduler.app import Scheduler
from scheduler.job import Job

LONG, AT_ONCE = 60.0, 0.0


def clockwork(run: Callable[[Any], Awaitable[None]]) -> Scheduler:
    return Scheduler(None, {"often": 0.01}, (Job("tell", "often", run),))  # type: ignore[arg-type]


async def test_a_run_that_is_on_is_finished_before_the_clock_has_stopped() -> None:
    begun, go, told = asyncio.Event(), asyncio.Event(), []

    async def run(_: Any) -> None:
        begun.set()
        await go.wait()
        told.append("the notice")

    clock = clockwork(run)
    clock.start()
    await begun.wait()
    stopping = asyncio.create_task(clock.stop(LONG))
    await asyncio.sleep(0)
    go.set()
    await stopping
    assert told == ["the notice"]


async def test_once_paused_no_run_begins() -> None:
    runs: list[int] = []
    begun = asyncio.Event()

    async def run(_: Any) -> None:
        runs.append(1)
        begun.set()

    clock = clockwork(run)
    clock.start()
    await begun.wait()
    clock.pause()
    await asyncio.sleep(0)
    before = len(runs)
    await asyncio.sleep(0.05)  # five times as long as from one run to the next
    assert len(runs) == before
    await clock.stop(LONG)


async def test_a_run_that_takes_too_long_is_cut_short_and_that_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def run(_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    clock = clockwork(run)
    clock.start()
    await begun.wait()
    await clock.stop(AT_ONCE)
    assert "job tell was cut short" in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_a_run_that_fails_is_logged_and_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    again = asyncio.Event()
    runs: list[int] = []

    async def run(_: Any) -> None:
        runs.append(1)
        if len(runs) > 1:
            again.set()
        raise ValueError("broken")

    clock = clockwork(run)
    clock.start()
    await again.wait()
    await clock.stop(LONG)
    assert "job tell failed" in caplog.text


async def test_stopping_what_never_started_is_fine() -> None:
    async def run(_: Any) -> None: ...

    await clockwork(run).stop(LONG)
