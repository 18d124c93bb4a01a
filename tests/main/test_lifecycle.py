"""The order of starting and stopping."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvloop
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from benchmarks.ports import free_port
from engine.gateway.gateway import Gateway
from main.container import Container, open_container
from main.lifecycle import new_event_loop, serve, stop_on_signals
from main.settings import read

APP = Starlette(routes=[Route("/", lambda _: PlainTextResponse("here"))])


@dataclass
class Recorded:
    """A component that appends its calls to `calls`, which all components share."""

    name: str
    calls: list[str]
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        self.calls.append(f"start {self.name}")
        self.started.set()

    async def quiet(self) -> None:
        self.calls.append(f"quiet {self.name}")

    async def stop(self) -> None:
        self.calls.append(f"stop {self.name}")


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """Undo that serve() freezes the garbage collector's objects, because other tests need them."""
    yield
    gc.unfreeze()


@pytest.fixture
async def container(tmp_path: Path) -> AsyncIterator[Container]:
    variables = {"DATABASE_URL": f"sqlite:///{tmp_path}/farthing.db", "PORT": str(free_port())}
    async with open_container(read({**variables, "FARTHING_CONFIG": "none.toml"}, tmp_path / "no.env")) as opened:
        yield opened


async def test_parts_stop_in_order(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    close = Gateway.close

    async def recorded_close(gateway: Gateway, seconds: float) -> None:
        calls.append(f"close the gateway within {seconds:g} s")
        await close(gateway, seconds)

    monkeypatch.setattr(Gateway, "close", recorded_close)
    bot, jobs, stop = Recorded("bot", calls), Recorded("jobs", calls), asyncio.Event()
    serving = asyncio.create_task(serve(container, None, [bot, jobs], stop))
    await jobs.started.wait()
    assert calls == ["start bot", "start jobs"]
    stop.set()
    await serving
    assert calls[2:] == ["quiet bot", "quiet jobs", "close the gateway within 30 s", "stop jobs", "stop bot"]


async def test_http_answers_before_the_components_start_and_the_port_is_closed_first(container: Container) -> None:
    env, calls, stop = container.settings.env, list[str](), asyncio.Event()
    url = f"http://{env.host}:{env.port}/"

    class Client(Recorded):
        async def start(self) -> None:
            await super().start()
            await self._ask()

        async def stop(self) -> None:
            await self._ask()

        async def _ask(self) -> None:
            async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
                try:
                    self.calls.append((await http.get(url)).text)
                except httpx.ConnectError:
                    self.calls.append("closed")

    client = Client("client", calls)
    serving = asyncio.create_task(serve(container, APP, [client], stop))
    await client.started.wait()
    stop.set()
    await serving
    assert calls == ["start client", "here", "quiet client", "closed"]


async def test_taken_port_is_an_error_and_starts_no_component(container: Container) -> None:
    env, calls = container.settings.env, list[str]()
    taken = await asyncio.start_server(lambda *_: None, env.host, env.port)
    async with taken:
        with pytest.raises(OSError, match=f"can't listen on {env.host}:{env.port}"):
            await serve(container, APP, [Recorded("bot", calls)], asyncio.Event())
    assert "start bot" not in calls


async def test_components_stop_when_answers_do_not_end_in_time(
    container: Container, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def late(_: Gateway, __: float) -> None:
        raise TimeoutError

    monkeypatch.setattr(Gateway, "close", late)
    calls, stop = list[str](), asyncio.Event()
    stop.set()
    await serve(container, None, [Recorded("bot", calls)], stop)
    assert calls[-1] == "stop bot"
    assert "expire_holds will release their holds" in caplog.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signal_sets_the_event(number: signal.Signals) -> None:
    stop, loop = stop_on_signals(), asyncio.get_running_loop()
    try:
        os.kill(os.getpid(), number)
        async with asyncio.timeout(60):
            await stop.wait()
    finally:
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(each)


def test_loop_is_uvloop() -> None:
    loop = new_event_loop()
    assert isinstance(loop, uvloop.Loop)
    loop.close()


def test_loop_is_that_of_asyncio_without_uvloop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    loop = new_event_loop()
    assert not isinstance(loop, uvloop.Loop)
    loop.close()
