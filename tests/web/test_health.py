"""/health, /ready and /providers."""

import sqlite3
from typing import Any

import pytest

from tests.web.conftest import ADMIN_KEY, RunningApi


async def readiness(api: RunningApi) -> tuple[int, Any]:
    async with api.http("") as http:
        assert (await http.get("/health")).json() == {"status": "healthy"}
        answer = await http.get("/ready")
    return answer.status_code, answer.json()


async def test_ready_with_a_database_and_a_provider(api: RunningApi) -> None:
    assert await readiness(api) == (200, {"status": "ready", "reasons": []})


async def test_not_ready_without_a_provider(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.health.any_configured", lambda _: False)
    assert await readiness(api) == (503, {"status": "not_ready", "reasons": ["providers: none is configured"]})


async def test_not_ready_before_the_migration(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.health.migrations_pending", lambda _: True)
    status, body = await readiness(api)
    assert status == 503
    assert body["reasons"] == ["migrations: pending; run `python -m main migrate`"]


async def test_not_ready_without_a_database(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(*_: Any) -> None:
        raise sqlite3.OperationalError("unable to open database file: /secret/path")

    monkeypatch.setattr(type(api.container.db), "read", read)
    status, body = await readiness(api)
    assert (status, body["reasons"]) == (503, ["database: does not answer", "migrations: unknown"])


async def test_not_ready_while_the_lease_can_not_be_renewed(api: RunningApi) -> None:
    """The disk is full: everything can still be read."""
    lease = api.container.lease
    lease._renewed = (-1e9, lease._clock.now())
    status, body = await readiness(api)
    assert (status, body["reasons"]) == (503, ["database: can't be written; is the disk full?"])


@pytest.mark.parametrize(("is_admin", "sees_prices"), [(True, True), (False, False)])
async def test_prices_of_providers_are_for_the_operator(api: RunningApi, *, is_admin: bool, sees_prices: bool) -> None:
    async with api.http(ADMIN_KEY if is_admin else None) as http:
        rows = (await http.get("/providers")).json()["data"]
    assert ("prices" in rows[0]) is sees_prices
    assert {"model", "state", "status", "until"} == set(rows[0]["offers"][0])
    assert rows[0]["status"] == "answering"


async def test_providers_need_a_key(api: RunningApi) -> None:
    async with api.http("fk-wrong") as http:
        assert (await http.get("/providers")).status_code == 401
