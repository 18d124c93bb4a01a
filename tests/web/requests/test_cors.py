"""Calls from browsers: the preflight request, and the headers that let a page read the answer."""

from pathlib import Path

import pytest

from main.config import load
from main.config_faults import ConfigError
from tests.web.conftest import RunningApi
from web.requests.cors import Cors

PAGE = "https://page.example"
ASKED = {
    "origin": PAGE,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, content-type, x-stainless-os",
}


async def test_preflight_needs_no_key(api: RunningApi) -> None:
    async with api.http("") as http:
        answer = await http.options("/v1/chat/completions", headers=ASKED)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-allow-headers"] == ASKED["access-control-request-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(("key", "path"), [("", "/v1/models"), (None, "/v1/models"), (None, "/v1/nothing")])
async def test_page_can_read_answers_and_errors(api: RunningApi, key: str | None, path: str) -> None:
    async with api.http(key, origin=PAGE) as http:
        answer = await http.get(path)
    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"].split(", ")
    assert {"x-request-id", "x-farthing-provider", "x-ratelimit-remaining-requests", "retry-after"} <= set(exposed)


@pytest.mark.parametrize("path", ["/health", "/admin/tenants", "/metrics", "/"])
async def test_only_v1_is_for_browsers(api: RunningApi, path: str) -> None:
    async with api.http("", origin=PAGE) as http:
        assert "access-control-allow-origin" not in (await http.get(path)).headers
        assert (await http.options(path, headers=ASKED)).status_code != 204


async def test_call_without_an_origin_gets_no_such_header(api: RunningApi) -> None:
    async with api.http() as http:
        assert "access-control-allow-origin" not in (await http.get("/v1/models")).headers


async def test_options_without_a_preflight_is_no_method(api: RunningApi) -> None:
    async with api.http() as http:
        answer = await http.options("/v1/models", headers={"origin": PAGE})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (b"https://page.example", b"https://page.example"),
        (b"HTTPS://Page.Example", b"HTTPS://Page.Example"),
        (b"https://page.example.evil", None),
        (b"http://page.example", None),
        (b"null", None),
    ],
)
def test_listed_origins_alone_are_allowed(origin: bytes, allowed: bytes | None) -> None:
    headers = Cors(["https://page.example"]).headers({b"origin": origin})
    assert dict(headers).get(b"access-control-allow-origin") == allowed
    assert (b"vary", b"origin") in headers


@pytest.mark.parametrize("names", [b"", b"x\r\ny", b"x" * 5000])
def test_names_that_are_no_headers_are_not_repeated(names: bytes) -> None:
    asked = {b"origin": b"https://a.example", b"access-control-request-headers": names}
    assert b"access-control-allow-headers" not in dict(Cors(["*"]).preflight(asked))


@pytest.mark.parametrize("origin", ["*", "null", "https://a.example", "http://localhost:3000", "app://x"])
def test_origin_of_the_settings_is_accepted(tmp_path: Path, origin: str) -> None:
    path = tmp_path / "farthing.toml"
    path.write_text(f'[http]\ncors_origins = ["{origin}"]')
    assert load(path).http.cors_origins == (origin,)


@pytest.mark.parametrize("origin", ["a.example", "https://a.example/", "https://a.example/path", ""])
def test_origin_with_a_path_or_without_a_scheme_is_refused(tmp_path: Path, origin: str) -> None:
    path = tmp_path / "farthing.toml"
    path.write_text(f'[http]\ncors_origins = ["{origin}"]')
    with pytest.raises(ConfigError, match=r"http\.cors_origins"):
        load(path)
