import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from scheduler.app import Scheduler
from scheduler.job import Job

LONG, AT_ONCE = 60.0, 0.0


def scheduler_of(run: Callable[[Any], Awaitable[None]]) -> Scheduler:
    return Scheduler(None, {"often": 0.01}, (Job("notify", "often", run),))  # type: ignore[arg-type]


async def test_stop_waits_for_a_run_in_progress() -> None:
    begun, go, told = asyncio.Event(), asyncio.Event(), []

    async def run(_: Any) -> None:
        begun.set()
        await go.wait()
        told.append("the notice")

    clock = scheduler_of(run)
    clock.start()
    await begun.wait()
    stopping = asyncio.create_task(clock.stop(LONG))
    await asyncio.sleep(0)
    go.set()
    await stopping
    assert told == ["the notice"]


async def test_no_run_starts_after_pause() -> None:
    runs: list[int] = []
    begun = asyncio.Event()

    async def run(_: Any) -> None:
        runs.append(1)
        begun.set()

    clock = scheduler_of(run)
    clock.start()
    await begun.wait()
    clock.pause()
    await asyncio.sleep(0)
    before = len(runs)
    await asyncio.sleep(0.05)  # five times as long as from one run to the next
    assert len(runs) == before
    await clock.stop(LONG)


async def test_late_run_is_canceled_without_an_error(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def run(_: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    clock = scheduler_of(run)
    clock.start()
    await begun.wait()
    await clock.stop(AT_ONCE)
    assert "job notify was canceled" in caplog.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_failed_run_is_logged_and_repeated(caplog: pytest.LogCaptureFixture) -> None:
    again = asyncio.Event()
    runs: list[int] = []

    async def run(_: Any) -> None:
        runs.append(1)
        if len(runs) > 1:
            again.set()
        raise ValueError("broken")

    clock = scheduler_of(run)
    clock.start()
    await again.wait()
    await clock.stop(LONG)
    assert "job notify failed" in caplog.text


async def test_stop_without_start_does_nothing() -> None:
    async def run(_: Any) -> None: ...

    await scheduler_of(run).stop(LONG)
