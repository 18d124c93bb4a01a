"""Sixty concurrent streams over real sockets leave no socket, task or hold, under any fault."""

import asyncio
import contextlib
from pathlib import Path

import httpx
import pytest

from sandbox.app import Sandbox
from tests.web.conftest import ASKED, CONFIG, RunningApi, serving

AT_ONCE = 60
HASTY = CONFIG + "[health]\nfirst_token_seconds = 2\nidle_seconds = 2\nfailures_to_open = 100000\n"
LEAVES, STAYS = True, False


def sockets() -> int:
    """Return the number of open sockets of this process."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            found += str(link.readlink()).startswith("socket:")
    return found


def tasks() -> int:
    return len(asyncio.all_tasks())


async def one(http: httpx.AsyncClient, *, leaves: bool) -> None:
    body = {"model": "auto", "messages": ASKED, "stream": True}
    async with http.stream("POST", "/v1/chat/completions", json=body) as answer:
        async for line in answer.aiter_lines():
            if leaves and line:
                return


async def storm(api: RunningApi, *, leaves: bool) -> None:
    limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=0)
    async with httpx.AsyncClient(
        base_url=api.url,
        headers={"authorization": f"Bearer {api.key}"},
        trust_env=False,
        verify=False,
        timeout=120,
        limits=limits,
    ) as http:
        await asyncio.gather(*(one(http, leaves=leaves) for _ in range(AT_ONCE)))
    await api.idle()
    for provider in api.container.market.providers.values():
        await provider.aclose()  # idle connections are kept on purpose


@pytest.mark.parametrize(
    ("mode", "leaves"),
    [
        ("up", LEAVES),
        ("up", STAYS),
        ("cut", STAYS),
        ("429", STAYS),
        ("slow", STAYS),
        ("stall", STAYS),
        ("stream_error", STAYS),
        ("garbage", STAYS),
        ("reset", STAYS),
    ],
)
async def test_no_socket_task_or_hold_is_left(tmp_path: Path, mode: str, *, leaves: bool) -> None:
    before = sockets()
    async with Sandbox(word_seconds=0.005) as sandbox, serving(tmp_path, sandbox, HASTY) as api:
        quiet = tasks()
        api.set_mode(mode, "deepseek")
        await storm(api, leaves=leaves)
        async with asyncio.timeout(60):
            while tasks() > quiet:
                await asyncio.sleep(0.02)
        assert sum(found.streams for found in sandbox.stand_ins.providers.values()) == 0
        await api.check_books()
    async with asyncio.timeout(60):
        while sockets() > before:
            await asyncio.sleep(0.02)
