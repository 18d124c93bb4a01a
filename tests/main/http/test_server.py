"""The limit of open files: raised at the start, and shared between clients and everything else."""

import asyncio
import contextlib
import os
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from benchmarks.ports import free_port
from main.http import server as serving


@pytest.mark.parametrize(
    ("files", "connections"), [(64, 32), (191, 32), (194, 33), (1024, 448), (20_128, 10_000), (1_048_576, 10_000)]
)
def test_clients_get_half_of_the_files_that_are_left(files: int, connections: int) -> None:
    assert serving.share_of_connections(files) == connections


@pytest.fixture
def _file_limit() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("_file_limit")
def test_soft_limit_of_files_becomes_the_hard_one() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    assert serving.raise_file_limit() == hard
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


SERVE = """
import asyncio
from main.http.server import http_server
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])
asyncio.run(http_server(app, "127.0.0.1", {port}).serve())
"""


@pytest.mark.usefixtures("_file_limit")
async def test_sockets_beyond_the_file_limit_stop_no_other_client() -> None:
    """1,100 sockets send a byte occasionally to a server that may open 1,024 files."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2000:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    port = free_port()
    code = SERVE.format(port=port)
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", 'ulimit -n 1024; exec "$0" -c "$1"', sys.executable, code, cwd=Path(__file__).parents[3]
    )
    attackers: list[socket.socket] = []
    try:
        await _listening(port)
        for _ in range(1100):
            attacker = socket.create_connection(("127.0.0.1", port), timeout=60)
            attacker.setblocking(False)
            attackers.append(attacker)
        for _ in range(10):
            for attacker in attackers:
                with contextlib.suppress(OSError):
                    attacker.send(b"G")
            async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
                assert (await client.get(f"http://127.0.0.1:{port}/", timeout=60)).text == "here"
        assert len(os.listdir(f"/proc/{process.pid}/fd")) < 1000  # noqa: PTH208 - pathlib blocks no less
    finally:
        for attacker in attackers:
            attacker.close()
        process.terminate()
        await process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
