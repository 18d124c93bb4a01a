"""The key is checked before the body, and the body is limited. Raw sockets send what no client would."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.money import Money
from engine.tenancy import Plan
from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.tenants import api_keys, tenant_settings, tenants
from storage.tenants.api_keys import KeySettings
from tests.databases import migrated_database
from tests.web.conftest import ADMIN_KEY, ASKED, RunningApi
from web.auth import (
    KNOWN_SECONDS,
    RECORD_SECONDS,
    Authenticator,
    new_request_id,
)
from web.errors import INVALID_KEY, OPERATORS_ONLY, HttpProblem
from web.requests.body import MOST_BODY_BYTES

MIB = 1024 * 1024


async def raw(api: RunningApi, head: str, *pieces: bytes) -> tuple[int, bytes]:
    """Send `head` and `pieces`; return status and body of the answer."""
    host, port = api.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(head.replace("\n", "\r\n").encode())
        for piece in pieces:
            writer.write(piece)
        async with asyncio.timeout(30):
            status = int((await reader.readline()).split()[1])
            length = 0
            while (line := await reader.readline()).strip():
                name, _, value = line.decode().partition(":")
                length = int(value) if name.lower() == "content-length" else length
            return status, await reader.readexactly(length)
    finally:
        writer.close()


def head(key: str, *lines: str) -> str:
    return "\n".join(("POST /v1/chat/completions HTTP/1.1", "Host: x", f"Authorization: Bearer {key}", *lines, "", ""))


async def test_wrong_key_is_refused_before_the_body_is_read(api: RunningApi) -> None:
    status, body = await raw(api, head("fk-wrong", "Content-Length: 1000", "Content-Type: application/json"))
    assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")


async def test_large_body_is_refused_before_it_is_read(api: RunningApi) -> None:
    status, body = await raw(api, head(api.key, f"Content-Length: {MOST_BODY_BYTES + 1}"))
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")


async def test_large_body_in_chunks_is_refused_at_the_limit(api: RunningApi) -> None:
    piece = f"{MIB:x}\r\n".encode() + b"x" * MIB + b"\r\n"
    lines = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    status, body = await raw(api, head(api.key, *lines), *[piece] * 21)
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("path", ["/admin/tenants", "/v1/chat/completions"])
async def test_body_limit_holds_for_every_path(api: RunningApi, path: str) -> None:
    key = ADMIN_KEY if path.startswith("/admin") else api.key
    piece = f"{MIB:x}\r\n".encode() + b"x" * MIB + b"\r\n"
    lines = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    status, body = await raw(api, head(key, *lines).replace("/v1/chat/completions", path, 1), *[piece] * 21)
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")


async def test_invalid_content_length_is_400(api: RunningApi) -> None:
    status, _ = await raw(api, head(api.key, "Content-Length: many"))
    assert status == 400


async def test_api_key_at_an_operators_route_names_the_admin_key(api: RunningApi) -> None:
    asked = f"GET /admin/tenants HTTP/1.1\nHost: x\nAuthorization: Bearer {api.key}\n\n"
    status, body = await raw(api, asked)
    assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")
    assert "ADMIN_API_KEY" in json.loads(body)["error"]["message"]


async def test_refusals_leave_no_traceback_on_the_constants(api: RunningApi) -> None:
    for path in ("/v1/models", "/metrics"):
        async with api.http("fk-wrong") as http:
            assert (await http.get(path)).status_code == 401
    assert INVALID_KEY.__traceback__ is None
    assert OPERATORS_ONLY.__traceback__ is None


async def test_database_error_of_authentication_has_openais_shape(
    api: RunningApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: Any) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(api_keys, "authenticate", locked)
    async with api.http() as http:
        answer = await http.post("/v1/chat/completions", json={"model": "auto", "messages": ASKED})
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "server_error"
    assert "locked" not in answer.text


NOW = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def test_later_request_id_sorts_after_an_earlier_one() -> None:
    assert new_request_id(NOW) < new_request_id(NOW + timedelta(milliseconds=1))


def test_request_ids_of_one_moment_differ() -> None:
    first, second = new_request_id(NOW), new_request_id(NOW)
    assert (len(first), first[:16], first != second) == (36, second[:16], True)


def test_request_ids_are_unique_over_blocks_of_random_digits() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    ids = {new_request_id(now) for _ in range(1000)}
    assert len(ids) == 1000
    assert {len(each) for each in ids} == {36}
    assert len({each[:16] for each in ids}) == 1


@dataclass
class SetClock:
    seconds: float = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 30, tzinfo=UTC) + timedelta(seconds=self.seconds)


@dataclass
class Keyed:
    """An authenticator beside a database with one tenant and its key. `headers` are those of a request."""

    db: Database
    clock: SetClock
    authenticator: Authenticator
    tenant_id: int
    key_id: int
    headers: dict[bytes, bytes]

    async def banned(self) -> bool:
        tenant = (await self.authenticator.tenant(self.headers)).tenant
        assert tenant is not None
        return tenant.banned


@pytest.fixture
async def keyed(tmp_path: Path) -> AsyncIterator[Keyed]:
    clock, new = SetClock(), api_keys.new_key()
    (tmp_path / "farthing.db").write_bytes(migrated_database())
    plan = Plan(
        name="free", usd_per_month=Money(0), tokens_per_month=100, requests_per_minute=10, max_output_tokens=1000
    )

    def unit(conn: Connection) -> tuple[int, int]:
        owner = tenants.create(conn, "A", plan, now=clock.now())
        return owner, api_keys.add(conn, owner, new, KeySettings(), clock.now()).id

    headers = {b"authorization": f"Bearer {new.secret}".encode()}
    async with open_database(f"sqlite:///{tmp_path}/farthing.db") as db:
        owner, key_id = await db.write(unit)
        yield Keyed(db, clock, Authenticator(db, {"free": plan}, clock), owner, key_id, headers)


async def test_key_is_looked_up_once_while_nothing_changes(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keyed.authenticator.known(keyed.headers) is None
    caller = await keyed.authenticator.tenant(keyed.headers)
    monkeypatch.setattr(api_keys, "authenticate", None)
    await keyed.db.write(lambda conn: api_keys.touch(conn, keyed.key_id, keyed.clock.now()))
    assert keyed.authenticator.known(keyed.headers) is caller
    assert await keyed.authenticator.tenant(keyed.headers) is caller
    assert keyed.authenticator.known({b"x-api-key": keyed.headers[b"authorization"]}) is None
    keyed.clock.seconds = KNOWN_SECONDS
    assert keyed.authenticator.known(keyed.headers) is None


CHANGES: dict[str, Callable[[Connection, Keyed], object]] = {
    "revoked": lambda conn, it: api_keys.revoke(conn, it.tenant_id, it.key_id, it.clock.now()),
    "rotated": lambda conn, it: api_keys.rotate(conn, it.tenant_id, it.key_id, api_keys.new_key(), it.clock.now()),
    "expired": lambda conn, it: api_keys.change(
        conn, it.tenant_id, it.key_id, {"expires_at": it.clock.now()}, it.clock.now()
    ),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_key_is_refused_from_its_change_on(keyed: Keyed, change: str) -> None:
    await keyed.authenticator.tenant(keyed.headers)
    await keyed.db.write(lambda conn: CHANGES[change](conn, keyed))
    assert keyed.authenticator.known(keyed.headers) is None
    with pytest.raises(HttpProblem) as refused:
        await keyed.authenticator.tenant(keyed.headers)
    assert refused.value.status == 401


async def test_ban_holds_from_the_next_request_on(keyed: Keyed) -> None:
    assert not await keyed.banned()
    await keyed.db.write(lambda conn: tenant_settings.set_banned(conn, keyed.tenant_id, banned=True))
    assert await keyed.banned()


async def test_change_while_a_key_is_looked_up_is_not_missed(keyed: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read_then_banned(query: Callable[[Connection], Any]) -> Any:
        found = await keyed.db.read(query)
        await keyed.db.write(lambda conn: tenant_settings.set_banned(conn, keyed.tenant_id, banned=True))
        return found

    monkeypatch.setattr(type(keyed.db), "read_key", lambda _, query: read_then_banned(query))
    assert not await keyed.banned()
    monkeypatch.undo()
    assert await keyed.banned()


async def test_use_of_a_known_key_is_recorded_each_minute(keyed: Keyed) -> None:
    async def last_use() -> datetime | None:
        keys = await keyed.db.read(lambda conn: api_keys.list_for(conn, keyed.tenant_id, keyed.clock.now()))
        return keys[0].last_used_at

    for seconds, used in ((0.0, 0.0), (RECORD_SECONDS - 1, 0.0), (RECORD_SECONDS, RECORD_SECONDS)):
        keyed.clock.seconds = seconds
        await keyed.authenticator.tenant(keyed.headers)
        assert await last_use() == SetClock(used).now()
