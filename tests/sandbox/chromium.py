"""Headless Chromium over its DevTools protocol: click, wait, take a screenshot."""

import asyncio
import base64
import itertools
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

BINARY = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--remote-debugging-port=0",
]


class Browser:
    """One page. `js` evaluates an expression and awaits its result; `until` repeats it until it is true."""

    def __init__(self, width: int = 1400, height: int = 850) -> None:
        self._size = f"--window-size={width},{height}"
        self._ids = itertools.count(1)

    async def __aenter__(self) -> Self:
        assert BINARY is not None
        self._folder = tempfile.mkdtemp(prefix="farthing-chromium-")
        self._process = await asyncio.create_subprocess_exec(
            BINARY,
            *FLAGS,
            self._size,
            f"--user-data-dir={self._folder}",
            "about:blank",
            stderr=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        port = await self._port()
        self._session = aiohttp.ClientSession()
        async with self._session.get(f"http://127.0.0.1:{port}/json") as answer:
            page = next(each for each in await answer.json() if each["type"] == "page")
        self._socket = await self._session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()
        await self._session.close()
        self._process.terminate()
        await self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def open(self, url: str) -> None:
        await self._call("Page.enable")
        await self._call("Page.navigate", url=url)

    async def js(self, expression: str) -> Any:
        answer = await self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, expression: str, seconds: float = 90) -> None:
        async with asyncio.timeout(seconds):
            while not await self.js(f"Boolean({expression})"):
                await asyncio.sleep(0.05)

    async def picture(self, path: Path) -> None:
        answer = await self._call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(answer["data"]))  # noqa: ASYNC240 - a test's picture

    async def _port(self) -> str:
        async with asyncio.timeout(90):
            while not (port := _read_port(self._folder)):
                await asyncio.sleep(0.05)
        return port

    async def _call(self, method: str, **params: Any) -> Any:
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        async for message in self._socket:
            data = message.json()
            if data.get("id") == number:
                assert "error" not in data, data
                return data["result"]
        raise AssertionError("the browser went away")


def _read_port(folder: str) -> str:
    """Return the port from the file that Chromium writes when it listens."""
    path = Path(folder) / "DevToolsActivePort"
    return path.read_text().partition("\n")[0] if path.exists() else ""
