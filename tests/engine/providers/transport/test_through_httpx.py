import httpx
import pytest

from engine.errors import Unreachable
from engine.providers.transport.through_httpx import HttpxTransport
from tests.engine.providers.transport.test_connection import Response


async def test_response_is_pushed_to_the_receiver() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.content, request.headers["x-key"]) == ("POST", b"body", "k")
        return httpx.Response(418, headers={"X-Odd": "1"}, content=b"hello")

    response, transport = Response(), HttpxTransport(httpx.MockTransport(respond))
    await transport.post("http://x.test/", {"x-key": "k"}, b"body", response)
    await transport.aclose()
    assert (response.status, response.headers["x-odd"], response.body, response.has_ended) == (418, "1", b"hello", True)


async def test_receiver_that_has_enough_gets_no_more() -> None:
    response = Response(enough=1)
    await HttpxTransport(httpx.MockTransport(lambda _: httpx.Response(200, content=b"hello"))).post(
        "http://x.test/", {}, b"", response
    )
    assert not response.has_ended


async def test_error_of_the_network() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no", request=request)

    with pytest.raises(Unreachable, match="ConnectError"):
        await HttpxTransport(httpx.MockTransport(fail)).post("http://x.test/", {}, b"", Response())
