import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.requests import FormRequest
from bot.updates import polling
from bot.updates.intake import Intake
from bot.updates.polling import Poller, next_offset
from main.http.server import http_server
from tests.served import served

Answer = tuple[int, dict[str, Any]]
NO_UPDATES: Answer = (200, {"ok": True, "result": []})


def updates(*numbers: int) -> Answer:
    return 200, {"ok": True, "result": [{"update_id": number} for number in numbers]}


def refusal(code: int, description: str, **parameters: Any) -> Answer:
    return code, {"ok": False, "error_code": code, "description": description, "parameters": parameters}


@dataclass(slots=True)
class Inbox:
    """Keeps the stored updates; the first `failures` calls fail."""

    failures: int = 0
    updates: list[Mapping[str, Any]] = field(default_factory=list)

    async def store(self, updates: Sequence[Mapping[str, Any]]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the disk is full")
        self.updates += updates


@dataclass(slots=True)
class BotApi:
    """Answers getUpdates with its script, then without updates; `offsets`: those of the requests."""

    script: list[Answer]
    offsets: list[str | None] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def get_updates(self, request: Request) -> JSONResponse:
        self.offsets.append((await request.form()).get("offset"))  # type: ignore[arg-type]
        if not self.script:
            self.ended.set()
            await asyncio.sleep(0.005)
        status, body = self.script.pop(0) if self.script else NO_UPDATES
        return JSONResponse(body, status)


@asynccontextmanager
async def polled(api: BotApi, inbox: Inbox) -> AsyncIterator[Poller]:
    app = Starlette(routes=[Route("/bot1:t/getUpdates", api.get_updates, methods=["POST"])])
    request = FormRequest()
    await request.initialize()
    async with served(http_server(app, "127.0.0.1", 0)) as url:
        poller = Poller(f"{url}/bot1:t", request, cast(Intake, inbox))
        poller.start()
        try:
            yield poller
        finally:
            await poller.stop()
            await request.shutdown()


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(polling, "LONGEST_PAUSE_SECONDS", 0.002)


async def after(script: list[Answer], inbox: Inbox | None = None) -> tuple[list[int], list[str | None]]:
    """Return the ids stored when the script has ended, and the offsets requested until then."""
    api, inbox = BotApi(script), inbox or Inbox()
    async with polled(api, inbox), asyncio.timeout(60):
        await api.ended.wait()
    return [each["update_id"] for each in inbox.updates], api.offsets


async def test_stored_updates_are_confirmed_by_the_next_offset() -> None:
    stored, offsets = await after([updates(5, 7), updates(8)])
    assert stored == [5, 7, 8]
    assert offsets[:3] == [None, "8", "9"]


@pytest.mark.parametrize(
    "failure", [refusal(500, "Internal"), refusal(409, "Conflict: terminated by other getUpdates request")]
)
async def test_failed_call_is_repeated_with_the_same_offset(failure: Answer) -> None:
    stored, offsets = await after([updates(5), failure, updates(6)])
    assert stored == [5, 6]
    assert offsets[:3] == [None, "6", "6"]


async def test_conflict_with_another_process_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    await after([refusal(409, "Conflict: terminated by other getUpdates request")])
    assert "another process polls this bot" in caplog.text


async def test_updates_that_can_not_be_stored_are_fetched_again(caplog: pytest.LogCaptureFixture) -> None:
    stored, offsets = await after([updates(5), updates(5)], Inbox(failures=1))
    assert stored == [5]
    assert offsets[:3] == [None, None, "6"]
    assert "could not be stored" in caplog.text


async def test_retry_after_is_obeyed() -> None:
    begun = asyncio.get_running_loop().time()
    stored, _ = await after([refusal(429, "Too Many Requests", retry_after=1), updates(5)])
    assert stored == [5]
    assert asyncio.get_running_loop().time() - begun >= 1


@pytest.mark.parametrize("answer", [refusal(401, "Unauthorized"), refusal(403, "Forbidden: bot was deleted")])
async def test_refused_token_ends_polling(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    api = BotApi([answer])
    async with polled(api, Inbox()) as poller, asyncio.timeout(60):
        assert poller._task is not None
        await poller._task
    assert len(api.offsets) == 1
    assert [record.levelno for record in caplog.records if record.name == "bot.updates.polling"] == [logging.ERROR]


async def test_poller_that_was_never_started_stops() -> None:
    await Poller("http://127.0.0.1:1/bot1:t", FormRequest(), cast(Intake, Inbox())).stop()


def test_offset_confirms_all_stored_updates_in_any_order() -> None:
    assert next_offset([{"update_id": 1000}, {"update_id": 5}]) == 1001


def test_no_offset_is_sent_after_an_empty_answer() -> None:
    assert next_offset([]) == 0
