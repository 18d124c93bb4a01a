"""Waits that refusals ask for: in headers, bodies and messages."""

from typing import Any

import pytest

from engine.errors import RateLimited
from engine.providers.refusals import refusal
from tests.engine.providers.error_bodies import says

BODIES: list[tuple[Any, float | None]] = [
    (says(retry_after=3.5), 3.5),
    (says(retry_after_ms=250), 0.25),
    ({"retry_after": "3", "message": "x"}, 3),
    ({"error": "Model x is currently loading", "estimated_time": 20.0}, 20),
    (says(metadata={"retry_after_seconds": 7}), 7),
    (says(metadata={"headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "12"}}), 12),
    (says(metadata={"headers": {"Retry-After": "9"}}), 9),
    (says(details=[{"retryDelay": {"seconds": "36", "nanos": 5}}]), 36),
    (says("Rate limit exceeded. Please retry after 60 seconds."), 60),
    (
        says("Your account org-1<ak-1> request reached organization max RPM: 3, please try again after 1 seconds"),
        1,
    ),
    (says(retry_after="soon"), None),
    (says(retry_after={"seconds": 3}), None),
    (says(metadata="x"), None),
    (says(details=[{"retryDelay": {}}]), None),
]


@pytest.mark.parametrize(("body", "seconds"), BODIES)
def test_wait_is_read_from_the_body(body: Any, seconds: float | None) -> None:
    error = refusal(429, body, {})
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == seconds


def test_header_outweighs_the_body() -> None:
    error = refusal(429, says(retry_after=3), {"retry-after": "1"})
    assert isinstance(error, RateLimited)
    assert error.retry_after_seconds == 1
