"""Errors in OpenAI's shape, and the truth of the app's own description."""

import json
from typing import Any

import httpx
import pytest

from tests.web.conftest import ADMIN_KEY, ASKED, RunningApi

CHAT = "/v1/chat/completions"


def has_openais_shape(answer: httpx.Response) -> bool:
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
async def test_unknown_path_or_method_has_openais_error_shape(
    api: RunningApi, method: str, path: str, status: int
) -> None:
    async with api.http() as http:
        answer = await http.request(method, path)
    assert answer.status_code == status
    assert has_openais_shape(answer)
    assert status != 405 or answer.headers["allow"]


async def test_head_request_has_no_body(api: RunningApi) -> None:
    async with api.http() as http:
        for path in ("/health", "/v1/models", "/nothing"):
            assert (await http.head(path)).content == b""
        assert (await http.head("/health")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/models"), ("GET", "/v1/models/nobody/sells-this"), ("POST", CHAT)]
)
@pytest.mark.parametrize("key", ["", None])
async def test_every_api_response_has_a_request_id(api: RunningApi, key: str | None, method: str, path: str) -> None:
    async with api.http(api.key if key is None else key) as http:
        first, second = [(await http.request(method, path, json={})).headers["x-request-id"] for _ in range(2)]
    assert first.startswith("req-")
    assert first != second


@pytest.mark.parametrize("key", ["", "fk-wrong", ADMIN_KEY])
async def test_v1_needs_a_tenants_key(api: RunningApi, key: str) -> None:
    async with api.http(key) as http:
        for path in ("/v1/models", "/v1/models/auto", "/v1/nothing"):
            answer = await http.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert answer.headers["x-should-retry"] == "false"
        assert (await http.post(CHAT, json={})).status_code == 401


async def test_model_names_may_have_slashes(api: RunningApi) -> None:
    async with api.http() as http:
        for name in ("auto", "deepseek/deepseek-v4-flash"):
            answer = await http.get(f"/v1/models/{name}")
            assert (answer.status_code, answer.json()["id"]) == (200, name)
        listed = [model["id"] for model in (await http.get("/v1/models")).json()["data"]]
    assert "auto" in listed


async def test_every_path_is_described_truthfully(api: RunningApi) -> None:
    async with api.http() as http, api.http(ADMIN_KEY) as admin:
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


async def test_every_documented_failure_of_a_key_is_met(api: RunningApi) -> None:
    async with api.http("") as nobody:
        described = (await nobody.get("/openapi.json")).json()
        for path, operations in described["paths"].items():
            for method, operation in operations.items():
                if "401" not in operation["responses"]:
                    continue
                assert operation["security"]
                filled = path.replace("{tenant_id}", "1").replace("{key_id}", "1").replace("{model}", "auto")
                assert (await nobody.request(method, filled)).status_code == 401


async def test_forwarded_address_is_ignored(api: RunningApi) -> None:
    async with api.http(**{"x-forwarded-for": "1.2.3.4"}) as http:
        answer = await http.post(CHAT, json={"model": "auto", "messages": ASKED})
    assert answer.status_code == 200
