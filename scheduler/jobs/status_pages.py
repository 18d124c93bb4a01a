"""Reads the providers' public status pages ([status_pages] of farthing.toml) as Statuspage's summary.json.

Their state is displayed beside our own view. It does not change routing, and opens no incident.
"""

import json
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx

from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from storage.operations import status_pages
from storage.operations.status_pages import PageStatus

log = logging.getLogger(__name__)
SECONDS, MOST_BYTES = 10.0, 2_000_000
MOST_SHOWN = 200
"""The characters of a page's sentence that are shown."""


async def run(context: JobContext) -> None:
    if not context.status_pages:
        return
    async with httpx.AsyncClient(timeout=SECONDS, follow_redirects=True) as client:
        for provider, url in context.status_pages.items():
            found = await _read(client, url)
            store = partial(status_pages.store, provider=provider, status=found, now=context.clock.now())
            await context.db.write(store)


async def _read(client: httpx.AsyncClient, url: str) -> PageStatus | None:
    """Return the page's status; None if it can't be read."""
    try:
        async with client.stream("GET", url, headers={"accept": "application/json"}) as response:
            response.raise_for_status()
            return read_summary(json.loads(await _beginning(response)))
    except (httpx.HTTPError, ValueError, RecursionError) as error:
        log.info("the status page %s can't be read: %s", url, error)
        return None


async def _beginning(response: httpx.Response) -> bytes:
    """Return the first MOST_BYTES of the body; a longer body then is invalid JSON."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MOST_BYTES:
            break
    return bytes(body[:MOST_BYTES])


def read_summary(summary: Any) -> PageStatus:
    """Return indicator and description, and the name of the newest open incident. Raises ValueError for other JSON."""
    status = _mapping(summary).get("status")
    indicator = _mapping(status).get("indicator")
    if not isinstance(indicator, str):
        raise ValueError("not the summary.json of a status page")  # noqa: TRY004 - as for other wrong JSON
    incidents = _mapping(summary).get("incidents")
    names = [_mapping(each).get("name") for each in incidents] if isinstance(incidents, list) else []
    said = next((name for name in names if isinstance(name, str)), None) or _mapping(status).get("description") or ""
    return PageStatus(indicator[:MOST_SHOWN], str(said)[:MOST_SHOWN])


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


JOB = Job("status_pages", "status_pages", run, Misfire.SKIP)
