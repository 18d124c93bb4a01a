"""A restart under load with a port opened by systemd: calls wait for the next process, none is refused."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import httpx

from tests.databases import migrated_database

ROOT = Path(__file__).parents[2]
START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


async def start(folder: Path, opened: socket.socket) -> asyncio.subprocess.Process:
    """Start `web` as systemd does: the open port is file 3."""
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "ADMIN_API_KEY": "admin-key-of-the-restart",
        "LOCAL_BASE_URL": "http://127.0.0.1:1/v1",
        "DATABASE_URL": f"sqlite:///{folder}/farthing.db",
    }
    command = (sys.executable, "-c", START, str(opened.fileno()), "-m", "main", "web")
    quiet = asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=variables, pass_fds=[opened.fileno()], stdout=quiet, stderr=quiet
    )


async def ask_on(url: str, statuses: list[int]) -> None:
    """Call again and again, each time over a new connection. Raises if one is refused."""
    while True:
        async with httpx.AsyncClient(trust_env=False, timeout=100) as http:
            statuses.append((await http.get(f"{url}/health")).status_code)


async def more(calls: "asyncio.Task[None]", statuses: list[int], number: int) -> None:
    """Wait until this number of further calls is answered, or one has failed."""
    wanted = len(statuses) + number
    async with asyncio.timeout(100):
        while len(statuses) < wanted and not calls.done():
            await asyncio.sleep(0.01)
    if calls.done():
        calls.result()


async def test_no_call_is_refused_during_a_restart(tmp_path: Path) -> None:
    statuses: list[int] = []
    (tmp_path / "farthing.db").write_bytes(migrated_database())
    with socket.create_server(("127.0.0.1", 0), backlog=64) as opened:
        process = await start(tmp_path, opened)
        calls = asyncio.create_task(ask_on(f"http://127.0.0.1:{opened.getsockname()[1]}", statuses))
        try:
            await more(calls, statuses, 5)
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 100) == 0
            process = await start(tmp_path, opened)
            await more(calls, statuses, 5)
        finally:
            calls.cancel()
            await asyncio.gather(calls, return_exceptions=True)
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    assert set(statuses) == {200}
