"""The providers' public status pages, read from a real server on loopback."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from scheduler.context import JobContext
from scheduler.jobs import status_pages
from scheduler.jobs.status_pages import read_summary
from storage.operations.status_pages import CURRENT, PageStatus, current
from tests.scheduler.conftest import HandClock

SUMMARY = {
    "page": {"id": "x", "name": "DeepSeek", "url": "https://status.deepseek.com"},
    "status": {"indicator": "major", "description": "Partial System Outage"},
    "components": [{"name": "API", "status": "major_outage"}],
    "incidents": [{"name": "Elevated errors on the API", "status": "investigating", "impact": "major"}],
    "scheduled_maintenances": [],
}


class Page:
    """A status page; `body` is sent unchanged."""

    def __init__(self) -> None:
        self.body, self.status = json.dumps(SUMMARY).encode(), 200
        app = web.Application()
        app.router.add_get("/api/v2/summary.json", self._answer)
        self.server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self.server.make_url("/api/v2/summary.json"))

    async def _answer(self, _: web.Request) -> web.Response:
        return web.Response(body=self.body, status=self.status, content_type="application/json")


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    made = Page()
    async with made.server:
        yield made


async def shown(context: JobContext) -> dict[str, PageStatus]:
    return await context.db.read(lambda conn: current(conn, context.clock.now()))


async def test_newest_incident_is_shown_while_it_is_current(context: JobContext, clock: HandClock, page: Page) -> None:
    await status_pages.run(replace(context, status_pages={"deepseek": page.url}))
    assert await shown(context) == {"deepseek": PageStatus("major", "Elevated errors on the API")}
    clock.at += CURRENT + timedelta(seconds=1)
    assert await shown(context) == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (200, b"<"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b"[" * 100_000),
        (200, b" " * 3_000_000 + b"{}"),
    ],
)
async def test_page_that_cant_be_read_is_not_shown(context: JobContext, page: Page, status: int, body: bytes) -> None:
    context = replace(context, status_pages={"deepseek": page.url})
    await status_pages.run(context)
    page.status, page.body = status, body
    await status_pages.run(context)
    assert await shown(context) == {}


async def test_unreachable_page_is_not_shown(context: JobContext) -> None:
    await status_pages.run(replace(context, status_pages={"deepseek": "http://127.0.0.1:1/summary.json"}))
    assert await shown(context) == {}


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        ({"status": {"indicator": "none", "description": "All Systems Operational"}}, "All Systems Operational"),
        ({"status": {"indicator": "none"}, "incidents": "?"}, ""),
        ({"status": {"indicator": "minor", "description": "x" * 999}, "incidents": [{}, 3]}, "x" * 200),
    ],
)
def test_sentence_of_the_page(summary: Any, said: str) -> None:
    assert read_summary(summary).said == said
