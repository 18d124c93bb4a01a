"""Requests that are decided by their head: keys, rates, shapes of errors, and the headers of every answer."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.errors import TenantBanned, TooManyRequests
from engine.gateway.admission import Admission
from engine.money import ZERO
from engine.tenancy import KeyLimits, Plan, Tenant
from tests.web.conftest import ADMIN_KEY, ASKED, CONFIG, RunningApi, serving
from web.requests.middleware import RequestLimits

CHAT = "/v1/chat/completions"
BODY: Any = {"model": "auto", "messages": ASKED}
SLOW_PLAN = CONFIG.replace("requests_per_minute = 100000", "requests_per_minute = 3")


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 11, 30, tzinfo=UTC)


PLAN = Plan(name="p", usd_per_month=ZERO, tokens_per_month=0, requests_per_minute=5, max_output_tokens=10)
TENANT = Tenant(1, PLAN)


def limits(counted: int = 0, clock: Clock | None = None) -> RequestLimits:
    admission = Admission(clock or Clock())
    for _ in range(counted):
        admission.count(TENANT)
    return RequestLimits(admission)


def test_request_being_read_takes_a_place_until_it_ends() -> None:
    found = limits(counted=3)
    found.begin(TENANT)
    found.begin(TENANT)
    with pytest.raises(TooManyRequests):
        found.begin(TENANT)
    found.end(TENANT)
    found.begin(TENANT)


def test_request_that_has_come_whole_needs_room_in_the_rate_and_no_ban() -> None:
    assert limits(counted=4).has_room(TENANT)
    assert not limits(counted=5).has_room(TENANT)
    assert not limits().has_room(replace(TENANT, banned=True))


def test_tenant_over_its_rate_and_a_banned_one_are_not_read() -> None:
    with pytest.raises(TooManyRequests):
        limits(counted=5).begin(TENANT)
    with pytest.raises(TenantBanned):
        limits().begin(replace(TENANT, banned=True))


def test_headers_give_the_least_that_is_left() -> None:
    clock = Clock()
    found = limits(counted=2, clock=clock)
    clock.seconds += 1.25
    keyed = replace(TENANT, key=KeyLimits(key_id=7, requests_per_minute=2))
    prefix = b"x-ratelimit-"
    assert found.headers(TENANT) == [
        (prefix + b"limit-requests", b"5"),
        (prefix + b"remaining-requests", b"3"),
        (prefix + b"reset-requests", b"58.75s"),
    ]
    assert dict(found.headers(keyed))[prefix + b"limit-requests"] == b"2"
    assert dict(limits().headers(TENANT))[prefix + b"reset-requests"] == b"0s"


async def test_every_answer_of_a_key_has_its_rate(tmp_path: Any, sandbox: Any) -> None:
    async with serving(tmp_path, sandbox, SLOW_PLAN) as api, api.http() as http:
        answers = [await http.get("/v1/models"), await http.post(CHAT, json={})]
        answers += [await http.post(CHAT, json=BODY) for _ in range(4)]
        left = [(each.status_code, each.headers["x-ratelimit-remaining-requests"]) for each in answers]
        assert left == [(200, "3"), (400, "3"), (200, "2"), (200, "1"), (200, "0"), (429, "0")]
        assert {each.headers["x-ratelimit-limit-requests"] for each in answers} == {"3"}
        assert answers[0].headers["x-ratelimit-reset-requests"] == "0s"
        reset = answers[-1].headers["x-ratelimit-reset-requests"]
        assert reset.endswith("s")
        assert 0 < float(reset[:-1]) <= 60
        assert int(answers[-1].headers["retry-after"]) <= 60


async def test_key_over_its_rate_is_refused_before_the_body(tmp_path: Any, sandbox: Any) -> None:
    async with serving(tmp_path, sandbox, SLOW_PLAN) as api, api.http() as http:
        for _ in range(3):
            assert (await http.post(CHAT, json=BODY)).status_code == 200
        host, port = api.url.removeprefix("http://").split(":")
        for _ in range(3):
            reader, writer = await asyncio.open_connection(host, int(port))
            head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {api.key}\r\nContent-Length: 20000000\r\n"
            writer.write(f"{head}\r\n".encode())
            async with asyncio.timeout(60):
                answer = await reader.read()
            writer.close()
            assert answer.startswith(b"HTTP/1.1 429")
            assert b"connection: close" in answer.lower()


@pytest.mark.parametrize(
    ("headers", "part"),
    [
        ({}, "no API key"),
        ({"authorization": ""}, "no API key"),
        ({"authorization": "Bearer"}, "no API key"),
        ({"authorization": "KEY"}, "no `Bearer`"),
        ({"authorization": "Basic KEY"}, "no `Bearer`"),
        ({"authorization": "Bearer KEYx"}, "not valid"),
        ({"authorization": "Bearer sk-proj-1"}, "not valid"),
        ({"x-api-key": "sk-ant-1"}, "not valid"),
        ({"x-api-key": "sk-ant-1", "authorization": "Bearer sk-1"}, "not valid"),
    ],
)
async def test_three_kinds_of_401_differ(api: RunningApi, headers: dict[str, str], part: str) -> None:
    filled = {name: value.replace("KEY", api.key) for name, value in headers.items()}
    async with api.http("", **filled) as http:
        answer = await http.get("/v1/models")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (401, "invalid_api_key")
    assert part in error["message"]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer KEY"},
        {"authorization": "bearer  KEY"},
        {"x-api-key": "KEY"},
        {"x-api-key": "KEY", "authorization": "Bearer placeholder"},
        {"x-api-key": "KEY", "authorization": "KEY"},
        {"x-api-key": "placeholder", "authorization": "Bearer KEY"},
        {"x-api-key": "KEY", "anthropic-version": "2023-06-01"},
    ],
)
async def test_key_is_taken_from_either_header(api: RunningApi, headers: dict[str, str]) -> None:
    filled = {name: value.replace("KEY", api.key) for name, value in headers.items()}
    async with api.http("", **filled) as http:
        assert (await http.get("/v1/models")).status_code == 200


@pytest.mark.parametrize(
    ("path", "key", "status", "kind"),
    [
        ("/v1/messages", "", 401, "authentication_error"),
        ("/v1/messages/", "fk-x", 401, "authentication_error"),
        ("/v1/messages/nothing", None, 404, "not_found_error"),
        ("/v1/models/nothing", None, 404, "not_found_error"),
    ],
)
async def test_anthropics_clients_get_anthropics_errors(
    api: RunningApi, path: str, key: str | None, status: int, kind: str
) -> None:
    async with api.http(key, **{"anthropic-version": "2023-06-01"}) as http:
        answer = await http.get(path)
    body = answer.json()
    assert (answer.status_code, body["type"], body["error"]["type"]) == (status, "error", kind)
    assert body["request_id"] == answer.headers["request-id"] == answer.headers["x-request-id"]


async def test_anthropics_own_client_reads_the_error(api: RunningApi) -> None:
    anthropic: Any = pytest.importorskip("anthropic")
    async with anthropic.AsyncAnthropic(base_url=api.url, api_key="sk-ant-x", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError) as caught:
            await client.models.list()
    assert caught.value.request_id
    assert "not valid" in str(caught.value)


async def test_openais_clients_get_openais_error_at_the_same_path(api: RunningApi) -> None:
    async with api.http() as http:
        assert set((await http.get("/v1/models/nothing")).json()) == {"error"}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/admin/tenants/1/credits"])
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Authorization", ("Bearer other", "Bearer {key}")),
        ("x-api-key", ("other", "{key}")),
        ("Idempotency-Key", ("one", "two")),
        ("Idempotency-Key", ("one", "one")),
    ],
)
async def test_header_that_decides_who_pays_or_how_often_comes_once(
    api: RunningApi, name: str, values: tuple[str, str], path: str
) -> None:
    """A proxy in front, or the client, may have meant the other one."""
    key = ADMIN_KEY if path.startswith("/admin") else api.key
    own = [] if name == "Authorization" else [("Authorization", f"Bearer {key}")]
    twice = [(name.lower(), value.format(key=key)) for value in values]
    async with api.http("") as http:
        for content in (b"{}", b" " * 100_000):
            sent = [*own, *twice, ("content-type", "application/json")]
            answer = await http.post(path, content=content, headers=sent)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (400, "repeated_header")
            assert f"The {name} header comes twice" in error["message"]
