"""Existing paths with their methods, and the advice for all others."""

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.web.conftest import RunningApi
from web.errors import HttpProblem
from web.requests.paths import Paths

CHAT = "/v1/chat/completions"


def endpoint(_: Request) -> Response:
    return Response()


PATHS = Paths(
    [
        Route(CHAT, endpoint, methods=["POST"]),
        Route("/v1/models", endpoint, methods=["GET"]),
        Route("/v1/models/{model:path}", endpoint, methods=["GET"]),
        Route("/v1/responses/{id}", endpoint, methods=["GET"]),
        Route("/v1/responses/{id}", endpoint, methods=["DELETE"]),
        Route("/health", endpoint, methods=["GET"]),
    ]
)


def problem(method: str, path: str) -> HttpProblem:
    with pytest.raises(HttpProblem) as caught:
        PATHS.check(method, path)
    return caught.value


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", CHAT),
        ("GET", "/v1/models"),
        ("HEAD", "/v1/models"),
        ("GET", "/v1/models/a/b"),
        ("DELETE", "/v1/responses/r1"),
        ("HEAD", "/v1/responses/r1"),
        ("HEAD", "/health"),
    ],
)
def test_existing_call_is_accepted(method: str, path: str) -> None:
    PATHS.check(method, path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("HEAD", CHAT, "POST"),
        ("POST", "/v1/models", "GET, HEAD"),
        ("POST", "/v1/models/x", "GET, HEAD"),
        ("POST", "/v1/responses/r1", "DELETE, GET, HEAD"),
        ("TRACE", "/health", "GET, HEAD"),
    ],
)
def test_wrong_method_names_all_that_are_possible(method: str, path: str, allowed: str) -> None:
    found = problem(method, path)
    assert (found.status, found.headers()["allow"]) == (405, allowed)
    assert allowed in found.message


@pytest.mark.parametrize(
    "path",
    [
        "/chat/completions",
        "/v1/v1/chat/completions",
        "/v1/v1/v1/chat/completions",
        "/api/v1/chat/completions",
        "/v1/openai/chat/completions",
        "//v1/chat/completions",
        "/v1//chat/completions",
    ],
)
def test_path_under_a_wrong_base_url_is_told_the_right_one(path: str) -> None:
    found = problem("POST", path)
    assert found.status == 404
    assert f"POST {CHAT}?" in found.message


def test_unknown_path_of_the_api_lists_what_there_is() -> None:
    found = problem("GET", "/v1/moddels")
    assert (found.status, found.code) == (404, "not_found")
    for call in ("POST /v1/chat/completions", "GET /v1/models/{model}", "DELETE /v1/responses/{id}"):
        assert call in found.message
    assert "/health" not in found.message


def test_other_unknown_path_names_the_description() -> None:
    assert "/openapi.json" in problem("GET", "/wp-login.php").message


def test_shown_path_is_short_and_printable() -> None:
    assert len(problem("GET", "/x" * 5000).message) < 300
    assert "\n" not in problem("GET", "/a\nb").message


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/auto", CHAT, "/v1/usage", "/admin/tenants", "/health"])
async def test_trailing_slash_is_taken_and_never_redirected(api: RunningApi, path: str) -> None:
    async with api.http(api.key, host="evil.example") as http:
        method = "POST" if path == CHAT else "GET"
        plain, slashed = [await http.request(method, each, json={}) for each in (path, f"{path}/")]
    assert slashed.status_code == plain.status_code
    assert "location" not in slashed.headers
    assert "evil.example" not in slashed.text


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/auto", "/v1/usage", "/health", "/", "/openapi.json"])
async def test_head_is_possible_where_get_is(api: RunningApi, path: str) -> None:
    async with api.http() as http:
        got, head = await http.get(path), await http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]


@pytest.mark.parametrize("name", ["compact", "some_thing"])
def test_other_endpoint_of_responses_is_unknown(name: str) -> None:
    found = problem("POST", f"/v1/responses/{name}")
    assert (found.status, "POST /v1/chat/completions" in found.message) == (404, True)
    assert problem("POST", "/v1/responses/resp_abc").status == 405
