from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from telegram.error import BadRequest, NetworkError, RetryAfter, TelegramError

from bot.updates import webhook
from main.http.server import http_server
from tests.served import served

SECRET = webhook.secret_of("1:token")
HEADERS = {"x-telegram-bot-api-secret-token": SECRET}


@dataclass(slots=True)
class Inbox:
    """Keeps the stored updates."""

    updates: list[Mapping[str, Any]] = field(default_factory=list)

    async def store(self, updates: Sequence[Mapping[str, Any]]) -> None:
        self.updates += updates


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
async def face(inbox: Inbox) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[webhook.route(inbox, SECRET)])  # type: ignore[arg-type]
    async with (
        served(http_server(app, "127.0.0.1", 0)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False, timeout=60) as client,
    ):
        yield client


class Endless:
    """An endless body; `sent` counts the bytes that were read from it."""

    def __init__(self) -> None:
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.sent < 200_000_000:
            self.sent += 65_536
            yield b"x" * 65_536


async def test_update_is_stored_before_the_200(face: httpx.AsyncClient, inbox: Inbox) -> None:
    answer = await face.post("/telegram", json={"update_id": 5, "message": {}}, headers=HEADERS)
    assert (answer.status_code, inbox.updates) == (200, [{"update_id": 5, "message": {}}])


@pytest.mark.parametrize("headers", [{}, {"x-telegram-bot-api-secret-token": "wrong"}])
async def test_call_without_the_secret_is_refused(
    face: httpx.AsyncClient, inbox: Inbox, headers: dict[str, str]
) -> None:
    answer = await face.post("/telegram", json={"update_id": 5}, headers=headers)
    assert (answer.status_code, inbox.updates) == (403, [])


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"update_id": "x"}', b'"text"', b"\xff\xfe", b"[" * 100_000])
async def test_invalid_update_is_a_400(face: httpx.AsyncClient, inbox: Inbox, body: bytes) -> None:
    answer = await face.post("/telegram", content=body, headers=HEADERS)
    assert (answer.status_code, inbox.updates) == (400, [])


async def test_huge_body_is_refused_without_being_read_whole(face: httpx.AsyncClient, inbox: Inbox) -> None:
    body = Endless()
    try:
        answer = await face.post("/telegram", content=body, headers=HEADERS)
        assert answer.status_code == 413
    except httpx.TransportError:
        pass  # the server closed the connection: refused as well
    assert body.sent < 100_000_000
    assert inbox.updates == []


@dataclass
class Telegram:
    """A Bot API that answers with `refusals` one after another, then accepts."""

    refusals: list[TelegramError]
    calls: list[dict[str, Any]] = field(default_factory=list)

    async def get_webhook_info(self) -> Any:
        raise NetworkError("away")

    async def set_webhook(self, url: str, **options: Any) -> None:
        self.calls.append({"url": url, **options})
        if self.refusals:
            raise self.refusals.pop(0)


async def test_webhook_is_set_again_where_another_replica_has_just_set_it() -> None:
    telegram = Telegram([RetryAfter(0), RetryAfter(0)])
    await webhook.register(telegram, "https://f.test/", SECRET)  # type: ignore[arg-type]
    assert [each["url"] for each in telegram.calls] == ["https://f.test/telegram"] * 3
    assert telegram.calls[-1]["secret_token"] == SECRET


@pytest.mark.parametrize("refusals", [[BadRequest("bad webhook")], [RetryAfter(0)] * 9], ids=["refused", "busy"])
async def test_webhook_that_telegram_does_not_take_is_one_sentence(refusals: list[TelegramError]) -> None:
    with pytest.raises(OSError, match=r"does not take the webhook https://f\.test/telegram"):
        await webhook.register(Telegram(refusals), "https://f.test", SECRET)  # type: ignore[arg-type]
