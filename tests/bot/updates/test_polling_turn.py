"""One of several processes polls; when it dies, another takes over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.requests import FormRequest
from bot.updates import polling
from bot.updates.intake import Intake
from bot.updates.polling import Poller
from bot.updates.polling_turn import HANDOVER, PollingTurn
from main.http.server import http_server
from storage.database.connection import ms
from storage.database.database import Database
from storage.telegram import poller_conflicts
from tests.bot.updates.test_polling import Inbox
from tests.scheduler.conftest import HandClock
from tests.served import served
from tests.storage.conftest import db, postgres_server, postgres_template, sqlite_template, url

__all__ = ["db", "postgres_server", "postgres_template", "sqlite_template", "url"]


async def live(db: Database, lease_id: str, *, until: datetime) -> None:
    """Store the lease of a process on another machine, valid by the database's clock."""
    ends = 2**52 if db.dialect == "postgresql" else ms(until)
    sql = (
        "INSERT INTO leases (id, host, pid, process, expires_at) VALUES (:id, 'elsewhere', 1, 'p', :ends)"
        " ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at"
    )
    await db.write(lambda conn: conn.run(sql, id=lease_id, ends=ends))


async def die(db: Database, lease_id: str) -> None:
    await db.write(lambda conn: conn.run("DELETE FROM leases WHERE id = :id", id=lease_id))


@pytest.fixture
async def two(db: Database, clock: HandClock) -> tuple[PollingTurn, PollingTurn]:
    for name in ("one", "two"):
        await live(db, name, until=clock.at + timedelta(days=1))
    return PollingTurn(db, "one", clock), PollingTurn(db, "two", clock)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


async def test_another_process_polls_when_the_first_is_dead(two: tuple[PollingTurn, PollingTurn], db: Database) -> None:
    one, other = two
    assert (await one.is_mine(), await other.is_mine()) == (True, False)
    await die(db, "one")
    assert (await other.is_mine(), await one.is_mine()) == (True, False), "the first one, waking up, has lost its turn"


async def test_process_that_stops_gives_its_turn_away(two: tuple[PollingTurn, PollingTurn]) -> None:
    one, other = two
    assert await one.is_mine()
    await one.resign()
    assert await other.is_mine()


async def test_conflict_is_foreign_where_no_process_of_ours_can_be_its_cause(
    two: tuple[PollingTurn, PollingTurn], db: Database, clock: HandClock
) -> None:
    one, other = two
    assert await one.is_mine()
    assert not await other.is_foreign_conflict(), "the other one of ours polls"
    assert not await one.is_foreign_conflict(), "the poll of the process before may still be open"
    assert await db.read(poller_conflicts.latest) is None
    clock.at += HANDOVER
    assert await one.is_foreign_conflict()
    assert await db.read(poller_conflicts.latest) == clock.at


@dataclass
class StrictBotApi:
    """A getUpdates that counts simultaneous polls, and returns one update in each."""

    number: int = 0
    open: int = 0
    most: int = 0

    async def get_updates(self, request: Request) -> JSONResponse:
        await request.body()
        self.open += 1
        self.most = max(self.most, self.open)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.003):
                await request.receive()  # a poll ends when its connection ends
        self.open -= 1
        self.number += 1
        return JSONResponse({"ok": True, "result": [{"update_id": self.number}]})


@asynccontextmanager
async def polling_with(api: StrictBotApi, turns: tuple[PollingTurn, PollingTurn]) -> AsyncIterator[list[Poller]]:
    app = Starlette(routes=[Route("/bot1:t/getUpdates", api.get_updates, methods=["POST"])])
    async with AsyncExitStack() as stack:
        at = await stack.enter_async_context(served(http_server(app, "127.0.0.1", 0)))
        pollers = []
        for turn in turns:
            request = FormRequest()
            await request.initialize()
            stack.push_async_callback(request.shutdown)
            pollers.append(Poller(f"{at}/bot1:t", request, cast(Intake, Inbox()), turn))
            pollers[-1].start()
            stack.push_async_callback(pollers[-1].stop)
        yield pollers


async def test_two_pollers_never_poll_at_once(
    two: tuple[PollingTurn, PollingTurn], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "TURN_SECONDS", 0.005)
    api = StrictBotApi()
    async with polling_with(api, two) as pollers, asyncio.timeout(60):
        while api.number < 5:
            await asyncio.sleep(0.005)
        await pollers[0].stop()
        seen = api.number
        while api.number < seen + 5:
            await asyncio.sleep(0.005)
    assert api.most == 1
