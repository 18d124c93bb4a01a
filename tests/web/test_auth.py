"""The key before the body, and the body within its bounds: raw sockets, since clients are too polite for this."""

import asyncio
import json

import pytest

from tests.web.conftest import ADMIN_KEY, Face
from web.auth import MOST_BODY_BYTES
from web.errors import INVALID_KEY, OPERATORS_ONLY

MIB = 1024 * 1024


async def raw(face: Face, head: str, *pieces: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to `head` and as much of `pieces` as the server takes."""
    host, port = face.url.removeprefix("http://").split(":")
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


async def test_a_wrong_key_is_told_before_a_byte_of_the_body_is_there(face: Face) -> None:
    status, body = await raw(face, head("fk-wrong", "Content-Length: 1000", "Content-Type: application/json"))
    assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")


async def test_a_large_body_is_refused_before_it_is_read(face: Face) -> None:
    status, body = await raw(face, head(face.key, f"Content-Length: {MOST_BODY_BYTES + 1}"))
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")


async def test_a_large_body_in_chunks_is_refused_when_it_is_too_large(face: Face) -> None:
    piece = f"{MIB:x}\r\n".encode() + b"x" * MIB + b"\r\n"
    lines = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    status, body = await raw(face, head(face.key, *lines), *[piece] * 21)
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")


@pytest.mark.parametrize("path", ["/admin/tenants", "/v1/chat/completions"])
async def test_the_bound_holds_for_every_path(face: Face, path: str) -> None:
    key = ADMIN_KEY if path.startswith("/admin") else face.key
    piece = f"{MIB:x}\r\n".encode() + b"x" * MIB + b"\r\n"
    lines = ("Transfer-Encoding: chunked", "Content-Type: application/json")
    status, body = await raw(face, head(key, *lines).replace("/v1/chat/completions", path, 1), *[piece] * 21)
    assert (status, json.loads(body)["error"]["code"]) == (413, "request_too_large")


async def test_a_length_that_is_no_number_is_400(face: Face) -> None:
    status, _ = await raw(face, head(face.key, "Content-Length: many"))
    assert status == 400


async def test_a_tenant_at_the_operators_door_is_told_whose_it_is(face: Face) -> None:
    asked = f"GET /admin/tenants HTTP/1.1\nHost: x\nAuthorization: Bearer {face.key}\n\n"
    status, body = await raw(face, asked)
    assert (status, json.loads(body)["error"]["code"]) == (401, "invalid_api_key")
    assert "ADMIN_API_KEY" in json.loads(body)["error"]["message"]


async def test_refusing_a_key_keeps_nothing_of_the_call(face: Face) -> None:
    for path in ("/v1/models", "/metrics"):
        async with face.http("fk-wrong") as http:
            assert (await http.get(path)).status_code == 401
    assert INVALID_KEY.__traceback__ is None
    assert OPERATORS_ONLY.__traceback__ is None
