import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from telegram import InputFile
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.ext import ExtBot
from telegram.request import RequestData
from telegram.request._requestparameter import RequestParameter

from bot.requests import FormRequest, post, urlencoded
from engine.errors import Unreachable
from engine.providers.transport.pool import ConnectionPool
from main.http.server import http_server
from tests.served import served


class BotApi:
    """Records the forms that it gets; `sendSlowly` answers at the end of the test, `sendBadly` refuses."""

    def __init__(self) -> None:
        self.forms: list[dict[str, Any]] = []
        self.status, self.parameters = 400, dict[str, int]()
        self.go = asyncio.Event()

    async def call(self, request: Request) -> JSONResponse:
        async with request.form() as form:
            self.forms.append({name: getattr(value, "filename", value) for name, value in form.items()})
        method = request.path_params["method"]
        if method == "sendSlowly":
            await self.go.wait()
        if method == "sendBadly":
            refused = {"ok": False, "error_code": self.status, "description": "Bad Request: no"}
            return JSONResponse({**refused, "parameters": self.parameters}, self.status)
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
    assert api.forms == [{"chat_id": "7", "text": "a & b = ü", "more": '{"x":[1]}'}]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_form_reads_back_as_it_was(text: str) -> None:
    assert parse_qsl(urlencoded({"text": text, "more": "a b"}).decode(), keep_blank_values=True) == [
        ("text", text),
        ("more", "a b"),
    ]


@pytest.mark.parametrize(
    ("status", "parameters", "error"),
    [
        (400, {}, BadRequest),
        (400, {"migrate_to_chat_id": -7}, ChatMigrated),
        (401, {}, InvalidToken),
        (403, {}, Forbidden),
        (409, {}, Conflict),
        (429, {"retry_after": 3}, RetryAfter),
        (502, {}, NetworkError),
    ],
)
async def test_refusal_is_the_error_that_ptb_raises(
    url: str, api: BotApi, request_: FormRequest, status: int, parameters: dict[str, int], error: type[TelegramError]
) -> None:
    api.status, api.parameters = status, parameters
    with pytest.raises(error) as ours:
        await post(bot(url, request_), "sendBadly", {"chat_id": 7})
    with pytest.raises(error) as ptbs:
        await request_.post(f"{url}1:t/sendBadly", RequestData([]))
    assert (type(ours.value), str(ours.value)) == (type(ptbs.value), str(ptbs.value))


async def test_plain_values_are_those_that_ptb_sends(url: str, api: BotApi, request_: FormRequest) -> None:
    values: dict[str, Any] = {"chat_id": -7, "text": "ü & \n", "can_stop": True, "of": None, "seconds": 1.5, "s": ""}
    await post(bot(url, request_), "sendMessage", values)
    given = [RequestParameter.from_input(name, value) for name, value in values.items() if value is not None]
    await request_.post(f"{url}1:t/sendMessage", RequestData(given))
    assert api.forms[0] == api.forms[1]


async def test_file_is_uploaded(url: str, api: BotApi, request_: FormRequest) -> None:
    file = InputFile(io.BytesIO(b"data"), "a.txt")
    data = RequestData([RequestParameter("chat_id", 7, None), RequestParameter.from_input("document", file)])
    await request_.post(f"{url}1:t/sendDocument", data)
    assert "a.txt" in api.forms[0].values()


async def test_slow_answer_is_a_timeout(url: str, request_: FormRequest) -> None:
    with pytest.raises(TimedOut):
        await request_.post(f"{url}1:t/sendSlowly", RequestData([]), read_timeout=0.05)


async def test_refused_connection_is_a_network_error(request_: FormRequest) -> None:
    with pytest.raises(NetworkError):
        await request_.post("http://127.0.0.1:1/bot1:t/getMe", RequestData([]))


@pytest.mark.parametrize(("detail", "kind"), [("ConnectTimeout", TimedOut), ("the connection was lost", NetworkError)])
async def test_failure_to_connect_in_time_is_told_from_others(
    request_: FormRequest, monkeypatch: pytest.MonkeyPatch, detail: str, kind: type[NetworkError]
) -> None:
    class Lost(ConnectionPool):
        async def post(self, *_: Any) -> None:
            raise Unreachable(detail)

    monkeypatch.setattr(request_, "_transport", Lost())
    with pytest.raises(NetworkError) as raised:
        await request_.post("http://127.0.0.1:1/bot1:t/getMe", RequestData([]))
    assert type(raised.value) is kind


async def test_server_with_a_password_is_called_by_httpx(url: str, api: BotApi, request_: FormRequest) -> None:
    named = url.replace("http://", "http://name:word@")
    assert await post(bot(named, request_), "sendMessage", {"chat_id": 7}) == {"method": "sendMessage"}
    assert api.forms == [{"chat_id": "7"}]


async def test_request_can_be_used_again_after_its_shutdown(url: str, api: BotApi, request_: FormRequest) -> None:
    for _ in range(2):
        await post(bot(url, request_), "sendMessage", {"chat_id": 7})
        await request_.shutdown()
        await request_.initialize()
    assert len(api.forms) == 2


class Proxy:
    """An HTTP and SOCKS5 proxy on loopback that records the requested addresses."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readexactly(1)
        if first == b"\x05":
            await self._socks(reader, writer)
        else:
            await self._http(first, reader, writer)

    async def _socks(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly((await reader.readexactly(1))[0])
        writer.write(b"\x05\x00")
        *_, kind = await reader.readexactly(4)
        host = ".".join(map(str, await reader.readexactly(4))) if kind == 1 else await self._name(reader)
        port = int.from_bytes(await reader.readexactly(2), "big")
        self.asked.append(f"{host}:{port}")
        writer.write(b"\x05\x00\x00\x01" + bytes(6))
        await _join(reader, writer, host, port, b"")

    async def _name(self, reader: asyncio.StreamReader) -> str:
        return (await reader.readexactly((await reader.readexactly(1))[0])).decode()

    async def _http(self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = first + await reader.readuntil(b"\r\n\r\n")
        method, url, rest = head.split(b" ", 2)
        host, _, port = url.decode().removeprefix("http://").partition("/")[0].partition(":")
        self.asked.append(f"{host}:{port}")
        path = b"/" + url.split(b"/", 3)[3]
        await _join(reader, writer, host, int(port), b" ".join((method, path, rest)))


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int, sent: bytes) -> None:
    there, to_there = await asyncio.open_connection(host, port)
    to_there.write(sent)

    async def pass_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(4096):
            target.write(data)
        target.close()

    await asyncio.gather(pass_on(reader, to_there), pass_on(there, writer))


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
async def test_calls_go_through_the_proxy(url: str, api: BotApi, scheme: str) -> None:
    proxy = Proxy()
    async with await asyncio.start_server(proxy.serve, "127.0.0.1", 0) as server:
        request = FormRequest(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await request.initialize()
        try:
            assert await post(bot(url, request), "sendMessage", {"chat_id": 7}) == {"method": "sendMessage"}
            file = RequestData([RequestParameter.from_input("document", InputFile(io.BytesIO(b"data"), "a.txt"))])
            await request.post(f"{url}1:t/sendDocument", file)
        finally:
            await request.shutdown()
    assert set(proxy.asked) == {url.partition("//")[2].partition("/")[0]}
    assert len(api.forms) == 2


async def test_clock_is_compared_with_the_date_of_an_answer(url: str, request_: FormRequest) -> None:
    before = request_.clock_skew_seconds
    await post(bot(url, request_), "sendMessage", {})
    assert before is None
    assert abs(request_.clock_skew_seconds or 99) < 30
