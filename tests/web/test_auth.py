"""The key is checked before the body, whose size is limited. Raw sockets send requests that no client would."""

import asyncio
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.tenants import api_keys
from tests.web.conftest import ADMIN_KEY, ASKED, RunningApi
from web.auth import (
    new_request_id,
)
from web.errors import INVALID_KEY, OPERATORS_ONLY
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
        async with asyncio.timeout(60):
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
