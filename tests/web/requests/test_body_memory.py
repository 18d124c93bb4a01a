"""The memory for bodies that are being read: its limit, waiting for it, and its division among tenants."""

import asyncio
import contextlib

import pytest

from web.errors import HttpProblem
from web.requests import body_memory
from web.requests.body_memory import BodyHold, BodyMemory

MIB = 1024 * 1024
BIG = 20 * MIB


async def turns() -> None:
    """Let a task that has just been started reach its wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def fill(memory: BodyMemory, owner: int, bodies: int) -> list[BodyHold]:
    holds = [BodyHold(memory, owner) for _ in range(bodies)]
    for hold in holds:
        await hold.grow_to(BIG)
    return holds


async def test_one_more_than_twelve_large_bodies_waits_and_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_memory, "WAIT_SECONDS", 0.05)
    memory = BodyMemory()
    await fill(memory, 1, 12)
    with pytest.raises(HttpProblem) as caught:
        await BodyHold(memory, 1).grow_to(BIG)
    assert (caught.value.status, caught.value.headers()["retry-after"]) == (503, "10")


async def test_requests_of_others_find_space_beside_one_that_takes_all() -> None:
    memory = BodyMemory()
    await fill(memory, 1, 12)
    async with asyncio.timeout(60):
        for owner in range(2, 12):
            await BodyHold(memory, owner).grow_to(MIB)


async def test_waiting_body_is_read_once_another_has_been() -> None:
    memory = BodyMemory()
    await fill(memory, 1, 11)
    async with asyncio.timeout(60):
        async with memory.hold(1) as last:
            await last.grow_to(BIG)
            waiting = asyncio.create_task(BodyHold(memory, 1).grow_to(BIG))
            await turns()
            assert not waiting.done()
        await waiting


async def test_held_bytes_are_those_of_all_bodies() -> None:
    memory = BodyMemory()
    async with memory.hold(1) as hold, memory.hold(2) as other:
        await hold.grow_to(MIB)
        await other.grow_to(2 * MIB)
        await other.grow_to(3 * MIB)
        assert memory.held_bytes == 4 * MIB
    assert memory.held_bytes == 0


async def test_memory_is_given_back_whole() -> None:
    memory = BodyMemory(most=BIG + MIB)
    for _ in range(50):
        async with memory.hold(1) as hold:
            await hold.grow_to(MIB)
            await hold.grow_to(10 * MIB)
        with contextlib.suppress(ZeroDivisionError):
            async with memory.hold(1) as hold:
                await hold.grow_to(MIB)
                await hold.grow_to(MIB // 0)
    async with asyncio.timeout(60):
        await BodyHold(memory, 1).grow_to(18 * MIB)


@pytest.mark.parametrize("granted", [False, True])
async def test_wait_that_is_cancelled_holds_nothing_not_even_a_grant_that_came_with_it(*, granted: bool) -> None:
    memory = BodyMemory(most=BIG)
    async with memory.hold(1) as first:
        await first.grow_to(15 * MIB)
        waiting = asyncio.create_task(BodyHold(memory, 2).grow_to(15 * MIB))
        await turns()
        if not granted:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(60):
        await BodyHold(memory, 3).grow_to(18 * MIB)
