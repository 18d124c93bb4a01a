"""Every failure in OpenAI's shape, and a description that is true."""

import json
from typing import Any

import httpx
import pytest

from tests.web.conftest import ADMIN_KEY, ASKED, Face

CHAT = "/v1/chat/completions"


def is_openais(answer: httpx.Response) -> bool:
    return set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/v1/nothing", 404),
        ("GET", CHAT, 405),
        ("DELETE", CHAT, 405),
        ("OPTIONS", CHAT, 405),
        ("POST", "/v1/models", 405),
        ("PUT", "/health", 405),
        ("POST", "/providers", 405),
        ("GET", "/v1/models/nobody/sells-this", 404),
    ],
)
async def test_what_does_not_exist_says_so_in_openais_shape(face: Face, method: str, path: str, status: int) -> None:
    async with face.http() as http:
        answer = await http.request(method, path)
    assert answer.status_code == status
    assert is_openais(answer)
    assert status != 405 or answer.headers["allow"]


async def test_a_head_has_no_body(face: Face) -> None:
    async with face.http() as http:
        for path in ("/health", "/v1/models", "/nothing"):
            assert (await http.head(path)).content == b""
        assert (await http.head("/health")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/models"), ("GET", "/v1/models/nobody/sells-this"), ("POST", CHAT)]
)
@pytest.mark.parametrize("key", ["", None])
async def test_every_answer_of_the_api_has_an_id(face: Face, key: str | None, method: str, path: str) -> None:
    async with face.http(face.key if key is None else key) as http:
        first, second = [(await http.request(method, path, json={})).headers["x-request-id"] for _ in range(2)]
    assert first.startswith("req-")
    assert first != second


@pytest.mark.parametrize("key", ["", "fk-wrong", ADMIN_KEY])
async def test_without_a_tenants_key_there_is_nothing_under_v1(face: Face, key: str) -> None:
    async with face.http(key) as http:
        for path in ("/v1/models", "/v1/models/auto", "/v1/nothing"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
            assert answer.headers["www-authenticate"] == "Bearer"
        assert (await http.post(CHAT, json={})).status_code == 401


async def test_names_with_slashes_are_models(face: Face) -> None:
    async with face.http() as http:
        for name in ("auto", "deepseek/deepseek-v4-flash"):
            answer = await http.get(f"/v1/models/{name}")
            assert (answer.status_code, answer.json()["id"]) == (200, name)
        listed = [model["id"] for model in (await http.get("/v1/models")).json()["data"]]
    assert "auto" in listed


async def test_every_path_is_described_and_every_description_is_true(face: Face) -> None:
    async with face.http() as http, face.http(ADMIN_KEY) as admin:
        described: dict[str, Any] = (await http.get("/openapi.json")).json()
        whole = json.dumps(described)
        for reference in {part.split('"')[0] for part in whole.split('"$ref": "#/components/schemas/')[1:]}:
            assert reference in described["components"]["schemas"]
        for path, operations in described["paths"].items():
            for method, operation in operations.items():
                client = admin if path.startswith("/admin") else http
                filled = path.replace("{tenant_id}", "1").replace("{key_id}", "999").replace("{model}", "auto")
                body: Any = {} if method in {"post", "put"} else None
                answer = await client.request(method, filled, json=body)
                assert str(answer.status_code) in operation["responses"], (method, path, answer.text)
                assert operation["responses"][str(answer.status_code)]["description"]
                assert operation["summary"]


async def test_every_documented_failure_of_a_key_is_met(face: Face) -> None:
    async with face.http("") as nobody:
        described = (await nobody.get("/openapi.json")).json()
        for path, operations in described["paths"].items():
            for method, operation in operations.items():
                if "401" not in operation["responses"]:
                    continue
                assert operation["security"]
                filled = path.replace("{tenant_id}", "1").replace("{key_id}", "1").replace("{model}", "auto")
                assert (await nobody.request(method, filled)).status_code == 401


async def test_forwarded_addresses_are_nobody(face: Face) -> None:
    async with face.http(**{"x-forwarded-for": "1.2.3.4"}) as http:
        answer = await http.post(CHAT, json={"model": "auto", "messages": ASKED})
    assert answer.status_code == 200
