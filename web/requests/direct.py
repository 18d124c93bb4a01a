"""Direct calls of the endpoints that take most traffic, past FastAPI's layers and routes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def direct(endpoints: Mapping[str, Endpoint], app: ASGIApp) -> ASGIApp:
    """Return an app that calls the endpoint of a path for POST, and `app` for everything else.

    The endpoints answer their own failures: nothing of `app` is around them.
    """

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = endpoints.get(scope["path"]) if scope["type"] == "http" and scope["method"] == "POST" else None
        if endpoint is None:
            await app(scope, receive, send)
            return
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)

    return call
