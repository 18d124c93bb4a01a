"""Direct calls: only a POST to a listed path leaves the app out."""

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from web.requests.direct import direct


async def endpoint(request: Request) -> Response:
    return PlainTextResponse(b"direct " + await request.body())


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("app")(scope, receive, send)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/messages", "direct hi"),
        ("GET", "/v1/messages", "app"),
        ("POST", "/v1/messages/other", "app"),
        ("POST", "/other", "app"),
    ],
)
async def test_only_a_post_to_a_listed_path_is_direct(method: str, path: str, expected: str) -> None:
    transport = httpx.ASGITransport(direct({"/v1/messages": endpoint}, app))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        assert (await http.request(method, path, content=b"hi")).text == expected


async def test_other_scopes_are_of_the_app() -> None:
    seen: list[str] = []

    async def lifespan(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - an ASGI app
        seen.append(scope["type"])

    async def unused() -> dict[str, str]:
        raise AssertionError

    async def send(_: object) -> None:
        raise AssertionError

    await direct({}, lifespan)({"type": "lifespan"}, unused, send)
    assert seen == ["lifespan"]
