"""The sandbox: a local Telegram, stand-in providers, and a page that shows both."""

import contextlib
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.page_api import PageApi
from sandbox.providers import StandIns
from sandbox.serving import serving
from sandbox.telegram import server
from sandbox.telegram.world import ADMIN_ID, TOKEN, World

PAGE = Path(__file__).parent / "page"
GUARDED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Sandbox:
    """One server for Telegram's Bot API, the stand-ins and the page; entering the context starts it.

    `providers`: the dialect of each provider to stand in for, by name; None: all with a module of their own.
    `farthing_url`, `farthing_admin_key`: the running Farthing, to show its state of each provider.
    """

    token = TOKEN
    admin_id = ADMIN_ID

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        farthing_url: str | None = None,
        farthing_admin_key: str | None = None,
        providers: Mapping[str, str] | None = None,
        word_seconds: float = 0.03,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket = bound(host, port)
        self.url = f"http://{host}:{self._socket.getsockname()[1]}"
        self.world = World(monotonic)
        self.stand_ins = StandIns(word_seconds, providers=providers)
        self._frame_policy = f"; frame-src {farthing_url}" if farthing_url else ""
        farthing = (farthing_url, farthing_admin_key) if farthing_url and farthing_admin_key else None
        self._exits = contextlib.AsyncExitStack()
        self._page_api = PageApi(self.world, self.stand_ins, self.url, farthing)

    def route_by(
        self, next_offers: Callable[[str], list[str]], expected_costs: Callable[[str], dict[str, str]] = lambda _: {}
    ) -> None:
        """Set the functions that return the offers which `auto` would try for a prompt, and their costs."""
        self._page_api.next_offers, self._page_api.expected_costs = next_offers, expected_costs

    @property
    def telegram_url(self) -> str:
        return f"{self.url}/telegram"

    @property
    def provider_urls(self) -> dict[str, str]:
        """Return the base URL of each stand-in, by provider."""
        return {name: f"{self.url}/providers/{name}" for name in self.stand_ins.providers}

    async def __aenter__(self) -> Self:
        config = uvicorn.Config(
            self._app(), log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
        )
        await self._exits.enter_async_context(serving(uvicorn.Server(config), [self._socket]))
        self._exits.push_async_callback(self.world.updates.close)  # first, because this ends the long poll
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exits.aclose()

    def _app(self) -> Starlette:
        policy = GUARDED["content-security-policy"] + self._frame_policy
        headers = {"cache-control": "no-store", **GUARDED, "content-security-policy": policy}

        async def index(_: Request) -> Response:
            return FileResponse(PAGE / "index.html", headers=headers)

        return Starlette(
            routes=[
                Route("/", index),
                *self._page_api.routes(),
                Mount("/static", StaticFiles(directory=PAGE)),
                Mount("/telegram", routes=server.routes(self.world)),
                Mount("/providers", self.stand_ins.app()),
            ]
        )


def bound(host: str, port: int) -> socket.socket:
    """Return a socket at this address. Raises OSError with a sentence if the address is in use."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise OSError(f"can't listen on {host}:{port}: is it taken? Set SANDBOX_PORT.") from error
    return made
