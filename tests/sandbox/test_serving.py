"""Start and stop of a server."""

import asyncio

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.served import served


class Slow:
    """An app whose response waits for `go`."""

    def __init__(self) -> None:
        self.asked, self.go = asyncio.Event(), asyncio.Event()
        self.ends: list[str] = []

    async def respond(self, _: Request) -> Response:
        self.asked.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.ends.append("cancelled")
            raise
        self.ends.append("answered")
        return Response("late")

    def server(self, grace_seconds: int) -> uvicorn.Server:
        app = Starlette(routes=[Route("/", self.respond)])
        config = uvicorn.Config(
            app, port=0, log_config=None, lifespan="off", timeout_graceful_shutdown=grace_seconds, loop="asyncio"
        )
        return uvicorn.Server(config)


async def test_response_has_a_date() -> None:
    slow = Slow()
    slow.go.set()
    async with served(slow.server(5)) as url, httpx.AsyncClient(trust_env=False, timeout=60) as http:
        assert "date" in (await http.get(url)).headers


async def test_open_request_is_answered_before_the_server_ends() -> None:
    slow = Slow()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        async with served(slow.server(30)) as url:
            answering = asyncio.create_task(http.get(url))
            await slow.asked.wait()
            asyncio.get_running_loop().call_soon(slow.go.set)
        answer = await answering
        assert (answer.text, slow.ends) == ("late", ["answered"])
        with pytest.raises(httpx.ConnectError):
            await http.get(url)


async def test_request_is_cancelled_after_the_time_of_grace() -> None:
    slow = Slow()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        async with served(slow.server(0)) as url:
            answering = asyncio.create_task(http.get(url))
            await slow.asked.wait()
        await asyncio.gather(answering, return_exceptions=True)
    assert slow.ends == ["cancelled"]


async def test_idle_connection_does_not_delay_the_end() -> None:
    slow, loop = Slow(), asyncio.get_running_loop()
    slow.go.set()
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
        async with served(slow.server(60)) as url:
            await http.get(url)
            began = loop.time()
        assert loop.time() - began < 30
