import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from telegram import InputFile
from telegram.error import BadRequest, NetworkError, TimedOut
from telegram.ext import ExtBot
from telegram.request import RequestData

from bot.requests import FormRequest, parameter, post
from main.server import http_server
from tests.served import served


class BotApi:
    """Notes the forms it gets; `sendSlowly` answers at the end of the test, `sendBadly` refuses."""

    def __init__(self) -> None:
        self.forms: list[dict[str, Any]] = []
        self.go = asyncio.Event()

    async def call(self, request: Request) -> JSONResponse:
        async with request.form() as form:
            self.forms.append({name: getattr(value, "filename", value) for name, value in form.items()})
        method = request.path_params["method"]
        if method == "sendSlowly":
            await self.go.wait()
        if method == "sendBadly":
            return JSONResponse({"ok": False, "error_code": 400, "description": "Bad Request: no"}, 400)
        return JSONResponse({"ok": True, "result": {"method": method}})


@pytest.fixture
def api() -> BotApi:
    return BotApi()


@pytest.fixture
async def url(api: BotApi) -> AsyncIterator[str]:
    app = Starlette(routes=[Route("/bot1:t/{method}", api.call, methods=["POST"])])
    async with served(http_server(app, "127.0.0.1", 0)) as address:
        yield f"{address}/bot"
        api.go.set()


@pytest.fixture
async def request_() -> AsyncIterator[FormRequest]:
    made = FormRequest()
    await made.initialize()
    yield made
    await made.shutdown()


def bot(url: str, request: FormRequest) -> ExtBot[Any]:
    return ExtBot("1:t", base_url=url, request=request)


async def test_form_arrives_with_nested_values_as_json(url: str, api: BotApi, request_: FormRequest) -> None:
    answer = await post(bot(url, request_), "sendMessage", {"chat_id": 7, "text": "a & b = ü", "more": {"x": [1]}})
    assert answer == {"method": "sendMessage"}
    assert api.forms == [{"chat_id": "7", "text": "a & b = ü", "more": '{"x": [1]}'}]


async def test_refusal_is_ptbs_error(url: str, request_: FormRequest) -> None:
    with pytest.raises(BadRequest, match="No"):
        await post(bot(url, request_), "sendBadly", {})


async def test_file_is_uploaded(url: str, api: BotApi, request_: FormRequest) -> None:
    file = InputFile(io.BytesIO(b"data"), "a.txt")
    data = RequestData([parameter("chat_id", 7), parameter("document", file)])
    await request_.post(f"{url}1:t/sendDocument", data)
    assert "a.txt" in api.forms[0].values()


async def test_slow_answer_is_a_timeout(url: str, request_: FormRequest) -> None:
    with pytest.raises(TimedOut):
        await request_.post(f"{url}1:t/sendSlowly", RequestData([]), read_timeout=0.05)


async def test_refused_connection_is_a_network_error(request_: FormRequest) -> None:
    with pytest.raises(NetworkError):
        await request_.post("http://127.0.0.1:1/bot1:t/getMe", RequestData([]))
