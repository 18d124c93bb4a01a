from typing import Any

import pytest

from engine.errors import (
    ContextTooLong,
    RateLimited,
)
from engine.providers.refusals import refusal
from tests.engine.providers.error_bodies import PER_DAY, TOO_LONG, claude, google, says, wire

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "36.5s"}


@pytest.mark.parametrize(
    ("name", "body", "headers", "seconds"),
    [
        ("openai", says(), {"retry-after": "7"}, 7),
        ("openai", says(), {"retry-after": "7", "retry-after-ms": "250"}, 0.25),
        ("openai", says(), {"retry-after": "1.5"}, 1.5),
        ("gemini", google(429, "x", "RESOURCE_EXHAUSTED", PER_DAY, RETRY), {}, 36.5),
        ("groq", says("Rate limit reached. Please try again in 7m12.5s."), {}, 432.5),
        ("groq", says("Please try again in 20ms."), {}, 0.02),
        ("openai", says(), {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360),
        ("openai", says(), {"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "6m0s"}, None),
        ("openai", says(), {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "9s"}, 9),
        ("openai", says(), {"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "9s"}, None),
        ("openai", says(), {"retry-after": "900000"}, 86400),
        ("openai", says(), {"retry-after": "soon"}, None),
        ("deepseek", says(), {}, None),
    ],
)
async def test_wait_is_read_from_every_place(
    name: str, body: Any, headers: dict[str, str], seconds: float | None
) -> None:
    with pytest.raises(RateLimited) as refused:
        await wire(name, 429, body, **headers).chunks()
    assert refused.value.retry_after_seconds == seconds


async def test_quota_of_a_day_is_recognised() -> None:
    with pytest.raises(RateLimited) as refused:
        await wire("gemini", 429, google(429, "x", "RESOURCE_EXHAUSTED", PER_DAY)).chunks()
    assert refused.value.per_day


@pytest.mark.parametrize("message", [TOO_LONG, "This model's maximum context length is 8192 tokens."])
def test_context_is_certain_only_by_code_or_type(message: str) -> None:
    by_code = refusal(400, says(message, code="context_length_exceeded"), {})
    assert isinstance(by_code, ContextTooLong)
    assert by_code.is_certain
    by_text = refusal(400, says(TOO_LONG), {})
    assert isinstance(by_text, ContextTooLong)
    assert not by_text.is_certain


@pytest.mark.parametrize("size", [0, -1, True, "8192", 10**9 + 1, None])
def test_absurd_context_length_is_none(size: Any) -> None:
    found = refusal(400, says("x", type="exceed_context_size_error", n_ctx=size), {})
    assert isinstance(found, ContextTooLong)
    assert found.context_tokens is None
    limit = refusal(400, says("x", type="exceed_context_size_error", n_ctx=10**9), {})
    assert isinstance(limit, ContextTooLong)
    assert limit.context_tokens == 10**9


def test_wait_in_a_message_is_of_ten_minutes_at_most() -> None:
    found = refusal(429, says("Rate limit reached for gpt-4o. Please try again in 9h."), {})
    assert isinstance(found, RateLimited)
    assert found.retry_after_seconds == 600


def test_wait_and_day_quoted_in_a_rate_limit_are_not_read() -> None:
    found = refusal(429, says("Cannot parse 'Please try again in 9h. GenerateRequestsPerDay'"), {})
    assert isinstance(found, RateLimited)
    assert (found.retry_after_seconds, found.per_day) == (None, False)


def test_code_is_the_most_exact_word_and_the_field_is_named() -> None:
    for body, code, field in (
        (
            says("x", type="invalid_request_error", code="invalid_value", param="temperature"),
            "invalid_value",
            "temperature",
        ),
        (says("x", type="invalid_request_error", code=400), "invalid_request_error", ""),
        (says("x", code="4 4", type="invalid_request_error"), "invalid_request_error", ""),
        (says("x", code="a" * 49), "", ""),
        (says("x", code="a" * 48), "a" * 48, ""),
        (claude("invalid_request_error", error_code="spend"), "spend", ""),
        (google(400, "x", "INVALID_ARGUMENT", {"fieldViolations": [{"field": "a.b"}]}), "INVALID_ARGUMENT", "a.b"),
        ({"detail": [{"type": "extra_forbidden", "loc": ["body", "x", 0]}]}, "extra_forbidden", "x.0"),
    ):
        found = refusal(400, body, {})
        assert (found.code, found.field) == (code, field)


_GEMINI = {"details": [{"violations": [{"quotaId": "GenerateContentInputTokensPerModelPerMinute-FreeTier"}]}]}
_GEMINI_BOTH = {"details": [{"violations": [{"quotaId": "InputTokensPerMinute"}, {"quotaId": "RequestsPerMinute"}]}]}
_OF_OPENAI = {"message": "Rate limit reached", "code": "rate_limit_exceeded"}
_NO_TOKENS = {"x-ratelimit-remaining-requests": "5", "x-ratelimit-remaining-tokens": "0"}
_NO_REQUESTS = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "0"}
_ANTHROPIC = {"anthropic-ratelimit-requests-remaining": "9", "anthropic-ratelimit-tokens-remaining": "0"}


@pytest.mark.parametrize(
    ("error", "headers", "of_tokens"),
    [
        ({**_OF_OPENAI, "type": "tokens"}, {}, True),
        ({**_OF_OPENAI, "type": "requests"}, _NO_TOKENS, False),
        ({"message": "Rate limit reached for tokens per min (TPM)", "type": "rate_limit_error"}, {}, False),
        (_GEMINI, {}, True),
        (_GEMINI_BOTH, _NO_TOKENS, False),
        ({"type": "rate_limit_error"}, _NO_TOKENS, True),
        ({"type": "rate_limit_error"}, _ANTHROPIC, True),
        ({"type": "rate_limit_error"}, _NO_REQUESTS, False),
        ({"type": "rate_limit_error"}, {"x-ratelimit-remaining-tokens": "7"}, False),
        ({}, {}, False),
    ],
)
def test_429_for_tokens_is_told_by_type_quota_or_headers(
    error: dict[str, object], headers: dict[str, str], of_tokens: bool
) -> None:
    found = refusal(429, {"error": error}, headers)
    assert isinstance(found, RateLimited)
    assert found.of_tokens is of_tokens
