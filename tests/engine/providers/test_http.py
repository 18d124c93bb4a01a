"""What headers say of limits and waits, in every provider's way to say it."""

import asyncio
import gzip
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from engine.errors import FirstTokenLate, Unreachable
from engine.ports import LimitHeaders
from engine.providers.http import connections, get, limits, post, reset_seconds, retry_after

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("6m0s", 360),
        ("1s", 1),
        ("20ms", 0.02),
        ("2m59.56s", 179.56),
        ("1h2m", 3720),
        ("36", 36),
        ("0.5", 0.5),
        ("2026-11-25T12:00:30Z", 30),
        ("2026-11-25T11:59:30+00:00", 0),
        (str(int((NOW.timestamp() + 7) * 1000)), 7),
        (str(int(NOW.timestamp() + 7)), 7),
        ("999999h", 86400),
        ("soon", None),
        ("-5", None),
        ("nan", None),
        ("2026-11-25T12:00:30", None),
        ("", None),
        (None, None),
    ],
)
def test_a_reset_is_read_in_each_of_its_forms(told: str | None, seconds: float | None) -> None:
    found = reset_seconds(told, NOW)
    assert found == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "3", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=9), usegmt=True)}, 9),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:09 -0000"}, 9),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=9), usegmt=True)}, 0),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "99999999999"}, 86400),
        ({"retry-after": "Wed, 99 Nov"}, None),
        ({}, None),
    ],
)
def test_a_wait_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, NOW) == seconds


def test_limits_of_requests_and_tokens() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert limits(headers) == LimitHeaders(500, 499, 0.12, 30000, 0, 360)
    assert limits(headers, requests_per_day=True) == LimitHeaders(None, 499, 0.12, 30000, 0, 360)


def test_anthropics_limits_even_where_only_input_is_told() -> None:
    told = {"limit": "50", "remaining": "49", "reset": "2026-11-25T12:00:30Z"}
    whole = {f"anthropic-ratelimit-requests-{name}": value for name, value in told.items()}
    assert limits(whole, NOW) == LimitHeaders(50, 49, 30)
    part = {f"anthropic-ratelimit-input-tokens-{name}": value for name, value in told.items()}
    assert limits(part, NOW) == LimitHeaders(None, None, None, 50, 49, 30)


def test_openrouters_limits_reset_at_a_millisecond() -> None:
    reset = str(int((NOW.timestamp() + 7) * 1000))
    headers = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    found = limits(headers, NOW)
    assert found is not None
    assert (found.requests_per_minute, found.requests_left) == (20, 0)
    assert found.requests_reset_seconds == pytest.approx(7)


def test_without_headers_there_are_no_limits() -> None:
    assert limits({"content-type": "text/plain"}) is None
    assert limits({"x-ratelimit-remaining-requests": "many"}) is None


async def test_who_does_not_listen_is_unreachable() -> None:
    http = connections()
    try:
        with pytest.raises(Unreachable):
            async with post(http, "http://127.0.0.1:9/x", {}, b"{}"):
                pass
    finally:
        await http.aclose()


async def test_errors_of_the_transport_are_unreachable() -> None:
    def fails(request: httpx.Request) -> httpx.Response:
        raise httpx.RemoteProtocolError("garbage", request=request)

    http = httpx.MockTransport(fails)
    with pytest.raises(Unreachable):
        async with post(http, "http://x.test/", {}, b""):
            pass


async def test_a_packed_answer_is_unpacked() -> None:
    def packs(request: httpx.Request) -> httpx.Response:
        assert "gzip" in request.headers["accept-encoding"]
        return httpx.Response(200, headers={"content-encoding": "gzip"}, content=gzip.compress(b"plain words"))

    response = await get(httpx.MockTransport(packs), "http://x.test/models", {})
    assert response.content == b"plain words"


async def test_a_free_probe_does_not_wait_for_ever() -> None:
    async def hangs(request: httpx.Request) -> httpx.Response:  # noqa: ARG001
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(FirstTokenLate):
        await get(httpx.MockTransport(hangs), "http://x.test/models", {}, seconds=0.01)
