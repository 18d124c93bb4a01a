"""The wait that a refusal for a rate limit asks for, in its headers, its body or its message."""

from collections.abc import Iterator, Mapping
from typing import Any

from engine.providers.errors.details import ErrorDetails, objects, texts
from engine.providers.limit_headers import parse_limits, reset_seconds, retry_after_seconds
from engine.providers.message_templates import LONGEST_WAIT_IN_MESSAGE_SECONDS, wait_text

_SECONDS = ("retry_after", "retry_after_seconds", "retryAfter", "retryAfterSeconds", "estimated_time")
_MILLISECONDS = ("retry_after_ms", "retryAfterMs")


def wait_seconds(details: ErrorDetails) -> float | None:
    """Return the seconds to wait, at most a day; None if the refusal names none."""
    metadata = _object(details.body.get("metadata"))
    forwarded = _lower_case(_object(metadata.get("headers")))  # OpenRouter
    found = (
        retry_after_seconds(details.headers),
        _retry_delay(details.body),
        _named_wait(details.body),
        _named_wait(metadata),
        reset_of(details.headers),
        retry_after_seconds(forwarded),
        reset_of(forwarded),
        _in_message(details.message),
    )
    return next((seconds for seconds in found if seconds is not None), None)


def quotas(error: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the quotas that are used up, read from Gemini's QuotaFailure."""
    for detail in objects(error.get("details")):
        for violation in objects(detail.get("violations")):
            yield from texts(violation, "quotaId")


def reset_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until the quota that is used up resets."""
    limits = parse_limits(headers)
    if limits is None:
        return None
    if limits.requests_left == 0:
        return limits.requests_reset_seconds
    return limits.tokens_reset_seconds if limits.tokens_left == 0 else None


def _retry_delay(error: Mapping[str, Any]) -> float | None:
    """Return the delay of Gemini's RetryInfo: a text such as `36s`, or an object in proxies that convert it."""
    for detail in objects(error.get("details")):
        delay = detail.get("retryDelay")
        if isinstance(delay, dict):
            return reset_seconds(str(delay.get("seconds")))
        if delay:
            return reset_seconds(str(delay))
    return None


def _named_wait(body: Mapping[str, Any]) -> float | None:
    for name in _SECONDS:
        if (value := body.get(name)) is not None and (seconds := reset_seconds(str(value))) is not None:
            return seconds
    for name in _MILLISECONDS:
        if (value := body.get(name)) is not None and (seconds := reset_seconds(f"{value}ms")) is not None:
            return seconds
    return None


def _in_message(message: str) -> float | None:
    """Return the wait in a message such as `Please try again in 7m12.5s.`: at most ten minutes."""
    seconds = reset_seconds(wait_text(message))
    return None if seconds is None else min(seconds, LONGEST_WAIT_IN_MESSAGE_SECONDS)


def _object(found: Any) -> Mapping[str, Any]:
    return found if isinstance(found, dict) else {}


def _lower_case(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}
