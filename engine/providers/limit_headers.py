"""Rate-limit headers: Retry-After, the remaining quotas, and the seconds until each quota resets."""

import email.utils
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from engine.ports import LimitHeaders

LONGEST_WAIT_SECONDS = 86_400.0  # upper bound for every wait that a provider names
_UNITS = "ns|us|µs|μs|ms|s|m|h|d"
_DURATION = re.compile(rf"(\d+(?:\.\d+)?)({_UNITS})")
_DURATIONS = re.compile(rf"(?:\d+(?:\.\d+)?(?:{_UNITS}))+")
_UNIT_SECONDS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
}
_EPOCH_US_FROM = 1e14
_EPOCH_MS_FROM = 1e11
_EPOCH_SECONDS_FROM = 1e9
_REQUESTS = (  # (remaining, reset); the first found in a response is used
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("x-ratelimit-remaining-requests-minute", "x-ratelimit-reset-requests-minute"),
    ("x-ratelimit-remaining-requests-day", "x-ratelimit-reset-requests-day"),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
    ("ratelimit-remaining", "ratelimit-reset"),
)
_TOKENS = (
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("x-ratelimit-remaining-tokens-minute", "x-ratelimit-reset-tokens-minute"),
)


def parse_limits(headers: Mapping[str, str], now: datetime | None = None) -> LimitHeaders | None:
    """Return the quotas in x-ratelimit-*, anthropic-ratelimit-* or ratelimit-*; None if there are none."""
    requests, tokens = _first(headers, _REQUESTS, now), _first(headers, _TOKENS, now)
    if requests[0] is None and tokens[0] is None:
        return None
    return LimitHeaders(*requests, *tokens)


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the wait in `retry-after-ms`, else in Retry-After: at most one day.

    Retry-After is seconds or a date; some servers write a duration, a time since 1970, or the same value twice.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (milliseconds := _number(headers.get(name))) is not None:
            return min(milliseconds / 1000, LONGEST_WAIT_SECONDS)
    raw = headers.get("retry-after")
    if raw is None or _is_negative(raw):
        return None
    seconds = reset_seconds(raw, now)
    return reset_seconds(raw.partition(",")[0], now) if seconds is None else seconds


def reset_seconds(raw: str | None, now: datetime | None = None) -> float | None:
    """Read `6m0s`, `20ms`, `36`, a date, or a time since 1970 down to microseconds, as a wait of at most one day."""
    seconds = _reset(raw.strip(), now or datetime.now(UTC)) if raw else None
    return None if seconds is None else min(max(0.0, seconds), LONGEST_WAIT_SECONDS)


def _first(
    headers: Mapping[str, str], names: Sequence[tuple[str, str]], now: datetime | None
) -> tuple[int | None, float | None]:
    """Return what is left of a quota, and the seconds until it resets."""
    for remaining, reset in names:
        if (number := _number(headers.get(remaining))) is not None:
            return int(number), reset_seconds(headers.get(reset), now)
    return None, None


def _is_negative(raw: str) -> bool:
    return raw.strip().startswith("-")


def _seconds_until(raw: str, now: datetime) -> float | None:
    try:
        date = email.utils.parsedate_to_datetime(raw)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - now).total_seconds())


def _reset(raw: str, now: datetime) -> float | None:
    if (number := _number(raw)) is not None:
        if number > _EPOCH_US_FROM:
            return number / 1_000_000 - now.timestamp()
        if number > _EPOCH_MS_FROM:
            return number / 1000 - now.timestamp()
        return number - now.timestamp() if number > _EPOCH_SECONDS_FROM else number
    if _DURATIONS.fullmatch(raw):
        return sum(float(value) * _UNIT_SECONDS[unit] for value, unit in _DURATION.findall(raw))
    try:
        return (datetime.fromisoformat(raw) - now).total_seconds()
    except (ValueError, TypeError):
        return _seconds_until(raw, now)


def _number(raw: str | None) -> float | None:
    """Return a finite number of at least zero; None for anything else."""
    try:
        number = float(raw or "")
    except ValueError:
        return None
    return number if 0 <= number < float("inf") else None
