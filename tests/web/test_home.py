"""The home page, which explains the service."""

import re

import pytest

from tests.web.conftest import RunningApi
from web.home import language_of, wants_json


async def test_page_names_the_base_url_and_the_way_to_a_key(api: RunningApi) -> None:
    async with api.http("", accept="text/html,application/xhtml+xml,*/*;q=0.8") as http:
        answer = await http.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "http://127.0.0.1:8080/v1" in answer.text
    assert "/keys" in answer.text


async def test_page_loads_nothing_from_elsewhere(api: RunningApi) -> None:
    async with api.http("") as http:
        answer = await http.get("/")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert re.findall(r"""(?:src|href)=["']?(?!/openapi\.json)[^"'> ]+""", answer.text) == []
    assert "<script" not in answer.text


async def test_host_of_the_request_is_not_shown(api: RunningApi) -> None:
    async with api.http("", host="evil.example") as http:
        assert "evil.example" not in (await http.get("/")).text


async def test_program_gets_json(api: RunningApi) -> None:
    async with api.http("", accept="application/json") as http:
        facts = (await http.get("/")).json()
    assert (facts["name"], facts["base_url"]) == ("Farthing", "http://127.0.0.1:8080/v1")
    assert "/keys" in facts["key"]


async def test_page_is_in_the_language_of_the_browser(api: RunningApi) -> None:
    async with api.http("", **{"accept-language": "vi-VN,vi;q=0.9,en;q=0.5"}) as http:
        assert '<html lang="vi">' in (await http.get("/")).text


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", True),
        ("Application/JSON;q=0.9", True),
        ("text/html,application/json", False),
    ],
)
def test_json_is_for_those_that_ask_for_it(accept: str, expected: bool) -> None:
    assert wants_json(accept) is expected


@pytest.mark.parametrize(("accept", "language"), [("", "en"), ("vi", "vi"), ("fr,vi;q=0.5", "vi"), ("fr", "en")])
def test_unknown_language_falls_back(accept: str, language: str) -> None:
    assert language_of(accept) == language
