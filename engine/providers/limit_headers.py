"""Rate-limit headers: Retry-After, the remaining quotas, and the seconds until each quota resets."""

import email.utils
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from engine.ports import LimitHeaders

LONGEST_WAIT_SECONDS = 86_400.0  # upper bound for every wait that a provider names
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATIONS = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_EPOCH_MS_FROM = 1e11
_EPOCH_SECONDS_FROM = 1e9
_NO_NAMES = ("", "")
_HEADERS = (
    # ((remaining, reset) of requests, (remaining, reset) of tokens); the first row found in a response is used.
    (
        ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
        ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ),
    (
        ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
        ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ),
    (_NO_NAMES, ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset")),
    (("x-ratelimit-remaining", "x-ratelimit-reset"), _NO_NAMES),
)


def parse_limits(headers: Mapping[str, str], now: datetime | None = None) -> LimitHeaders | None:
    """Return the quotas in x-ratelimit-* or anthropic-ratelimit-*; None if there are none."""
    for of_requests, of_tokens in _HEADERS:
        requests, tokens = _quota(headers, of_requests, now), _quota(headers, of_tokens, now)
        if requests[0] is not None or tokens[0] is not None:
            return LimitHeaders(*requests, *tokens)
    return None


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the wait in `retry-after-ms`, else in Retry-After (seconds or a date): at most one day."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return min(milliseconds / 1000, LONGEST_WAIT_SECONDS)
    raw = headers.get("retry-after")
    if raw is None:
        return None
    seconds = _number(raw)
    if seconds is None:
        seconds = _seconds_until(raw, now or datetime.now(UTC))
    return None if seconds is None else min(seconds, LONGEST_WAIT_SECONDS)


def reset_seconds(raw: str | None, now: datetime | None = None) -> float | None:
    """Read `6m0s`, `20ms`, `36`, RFC 3339, or seconds or milliseconds since 1970, as a wait of at most one day."""
    seconds = _reset(raw.strip(), now or datetime.now(UTC)) if raw else None
    return None if seconds is None else min(max(0.0, seconds), LONGEST_WAIT_SECONDS)


def _quota(headers: Mapping[str, str], names: tuple[str, str], now: datetime | None) -> tuple[int | None, float | None]:
    remaining, reset = names
    if not remaining:
        return None, None
    number = _number(headers.get(remaining))
    return None if number is None else int(number), reset_seconds(headers.get(reset), now)


def _seconds_until(raw: str, now: datetime) -> float | None:
    try:
        date = email.utils.parsedate_to_datetime(raw)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())


def _reset(raw: str, now: datetime) -> float | None:
    if (number := _number(raw)) is not None:
        if number > _EPOCH_MS_FROM:
            return number / 1000 - now.timestamp()
        return number - now.timestamp() if number > _EPOCH_SECONDS_FROM else number
    if _DURATIONS.fullmatch(raw):
        return sum(float(value) * _UNIT_SECONDS[unit] for value, unit in _DURATION.findall(raw))
    try:
        return (datetime.fromisoformat(raw) - now).total_seconds()
    except (ValueError, TypeError):
        return None


def _number(raw: str | None) -> float | None:
    """Return a finite number of at least zero; None for anything else."""
    try:
        number = float(raw or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
