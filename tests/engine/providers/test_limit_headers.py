from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from engine.ports import LimitHeaders
from engine.providers.limit_headers import parse_limits, reset_seconds, retry_after_seconds

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [
        ("6m0s", 360),
        ("1s", 1),
        (" 1s ", 1),
        ("20ms", 0.02),
        ("2m59.56s", 179.56),
        ("1h2m", 3720),
        ("0.5d", 43_200),
        ("36", 36),
        ("0.5", 0.5),
        ("0", 0),
        ("1000000000", 86_400),
        ("1000000001", 0),
        ("100000000000", 86_400),
        ("100000000001", 0),
        ("2026-11-25T12:00:30Z", 30),
        ("2026-11-25T11:59:30+00:00", 0),
        (str(int((NOW.timestamp() + 7) * 1000)), 7),
        (str(int(NOW.timestamp() + 7)), 7),
        (str(int(NOW.timestamp() - 7)), 0),
        ("999999h", 86_400),
        ("soon", None),
        ("1s later", None),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("2026-11-25T12:00:30", None),
        ("", None),
        (None, None),
    ],
)
def test_reset_is_read_in_every_notation(raw: str | None, seconds: float | None) -> None:
    found = reset_seconds(raw, NOW)
    assert found == (seconds if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "3", "retry-after-ms": "1500"}, 1.5),
        ({"retry-after": "3", "retry-after-ms": "soon"}, 3),
        ({"retry-after-ms": "99999999999"}, 86_400),
        ({"retry-after": format_datetime(NOW + timedelta(seconds=9), usegmt=True)}, 9),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:09 -0000"}, 9),
        ({"retry-after": "Wed, 25 Nov 2026 14:00:09 +0200"}, 9),
        ({"retry-after": format_datetime(NOW - timedelta(seconds=9), usegmt=True)}, 0),
        ({"retry-after": format_datetime(NOW + timedelta(days=9), usegmt=True)}, 86_400),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "999999"}, 86_400),
        ({"retry-after": "Wed, 99 Nov"}, None),
        ({"retry-after": "2s"}, 2),
        ({"retry-after": "1m30s"}, 90),
        ({"retry-after": "30, 30"}, 30),
        ({"retry-after": str(int(NOW.timestamp()) + 9)}, 9),
        ({"retry-after": (NOW + timedelta(seconds=9)).isoformat()}, 9),
        ({"retry-after": "-3, 5"}, None),
        ({"x-ms-retry-after-ms": "500", "retry-after": "1"}, 0.5),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, NOW) == seconds


def test_quotas_of_requests_and_tokens_are_read() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6m0s",
    }
    assert parse_limits(headers) == LimitHeaders(499, 0.12, 0, 360)


def test_anthropics_quotas_are_read_also_where_only_input_is_limited() -> None:
    values = {"limit": "50", "remaining": "49", "reset": "2026-11-25T12:00:30Z"}
    of_requests = {f"anthropic-ratelimit-requests-{name}": value for name, value in values.items()}
    assert parse_limits(of_requests, NOW) == LimitHeaders(49, 30)
    of_tokens = {f"anthropic-ratelimit-tokens-{name}": value for name, value in values.items()}
    assert parse_limits(of_tokens, NOW) == LimitHeaders(None, None, 49, 30)
    of_input = {f"anthropic-ratelimit-input-tokens-{name}": value for name, value in values.items()}
    assert parse_limits(of_input, NOW) == LimitHeaders(None, None, 49, 30)


@pytest.mark.parametrize(
    ("headers", "limits"),
    [
        (
            {
                "x-ratelimit-remaining-requests-day": "0",
                "x-ratelimit-reset-requests-day": "33011.5",
                "x-ratelimit-remaining-tokens-minute": "5",
                "x-ratelimit-reset-tokens-minute": "11.5",
            },
            LimitHeaders(0, 33011.5, 5, 11.5),
        ),
        (
            {"x-ratelimit-remaining-requests-minute": "3", "x-ratelimit-reset-requests-minute": "7"},
            LimitHeaders(3, 7),
        ),
        ({"ratelimit-remaining": "0", "ratelimit-reset": "12"}, LimitHeaders(0, 12)),
    ],
)
def test_quotas_are_read_by_the_names_of_further_servers(headers: dict[str, str], limits: LimitHeaders) -> None:
    assert parse_limits(headers, NOW) == limits


def test_openrouters_reset_is_a_time_in_milliseconds() -> None:
    reset = str(int((NOW.timestamp() + 7) * 1000))
    headers = {"x-ratelimit-limit": "20", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    found = parse_limits(headers, NOW)
    assert found is not None
    assert found.requests_left == 0
    assert found.requests_reset_seconds == pytest.approx(7)


def test_quota_without_a_reset_is_read() -> None:
    assert parse_limits({"x-ratelimit-remaining-requests": "3"}) == LimitHeaders(3)
    assert parse_limits({"x-ratelimit-remaining-tokens": "3"}) == LimitHeaders(None, None, 3)


@pytest.mark.parametrize(
    "headers",
    [{"content-type": "text/plain"}, {"x-ratelimit-remaining-requests": "many"}, {"x-ratelimit-reset-requests": "6s"}],
)
def test_no_remaining_quota_means_no_limits(headers: dict[str, str]) -> None:
    assert parse_limits(headers) is None
