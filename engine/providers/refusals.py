"""Classification of providers' errors: from status, code and type in any dialect to one ProviderError.

A message, a `param` and the metadata may quote a tenant's text. They decide nothing that outlasts the request: see
`message_templates`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine import errors
from engine.errors import ProviderError
from engine.providers.error_details import ErrorDetails, error_details, objects, texts
from engine.providers.limit_headers import parse_limits, reset_seconds, retry_after_seconds
from engine.providers.message_templates import (
    LEAST_AFFORDABLE_TOKENS,
    LONGEST_WAIT_IN_MESSAGE_SECONDS,
    affordable_tokens,
    context_text,
    is_balance_text,
    is_no_endpoints_text,
    is_output_limit_text,
    is_signature_text,
    is_thinking_text,
    is_too_large_text,
    wait_text,
)

MOST_DETAIL_CHARS = 200
MOST_CONTEXT_TOKENS = 10**9
THINKING = "thinking"
"""The `field` of an error that refuses the switch of a model's thinking, by whichever name."""
SIGNATURES = "signatures"
"""The `field` of an error that refuses the thought signatures of the calls in the history."""
_NO_BALANCE = frozenset(
    {
        "insufficient_quota",
        "insufficient_balance",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "enforced_spend_limit_reached",
        "billing_error",
        "billing_hard_limit_reached",
        "billing_not_active",
        "exceeded_current_quota_error",  # Moonshot
        "insufficient_user_quota",  # one-api, new-api
        "arrearage",  # DashScope
    }
)
_BAD_KEY = frozenset({"api_key_invalid", "invalid_api_key", "authentication_error"})
_MODERATION = frozenset(
    {
        "content_policy_violation",
        "content_filter",
        "moderation_blocked",
        "invalid_prompt",
        "data_inspection_failed",  # DashScope
        "sensitive_words_detected",  # one-api, new-api
        "responsibleaipolicyviolation",
    }
)
_NO_MODEL = frozenset(
    {
        "model_not_found",
        "model_not_available",
        "model_decommissioned",
        "model_permission_blocked_org",
        "model_permission_blocked_project",
        "model_terms_required",
        "invalid_model",
    }
)
_CONTEXT = frozenset({"context_length_exceeded", "exceed_context_size_error"})
_LIMIT_TYPES = frozenset({"tokens", "requests"})  # OpenAI and Groq
_UNABLE = frozenset(
    {
        "unsupported_parameter",
        "unsupported_value",
        "unknown_parameter",
        "extra_forbidden",
        "tool_use_failed",  # Groq: the model wrote an invalid tool call, or no JSON
        "json_validate_failed",
    }
)


def refusal(status: int | None, body: Any, headers: Mapping[str, str]) -> ProviderError:
    """Return the fitting ProviderError. `status` None: the error came within a stream."""
    details = error_details(status, body, headers)
    make = next((make for fits, make in _CLASSES if fits(details)), _plain(errors.Overloaded))
    error = make(details)
    error.code, error.field = details.code, details.field
    if is_thinking_text(details.message):
        error.field = THINKING
    elif is_signature_text(details.message):
        error.field = SIGNATURES
    return error


def _rate_limited(details: ErrorDetails) -> ProviderError:
    waits = (
        retry_after_seconds(details.headers),
        _retry_delay(details.body),
        _reset_of(details.headers),
        _wait_in_message(details.message),
    )
    return errors.RateLimited(
        details.message[:MOST_DETAIL_CHARS],
        status=details.status,
        retry_after_seconds=next((seconds for seconds in waits if seconds is not None), None),
        per_day=any("perday" in quota.lower() for quota in _quotas(details.body)),
        of_tokens=_is_of_tokens(details),
    )


def _is_of_tokens(details: ErrorDetails) -> bool:
    """Return whether a 429 concerns tokens: by its type, else by Gemini's quotas, else by the quota that is used up."""
    if details.is_one_of(_LIMIT_TYPES):
        return "tokens" in details.words
    if quotas := [quota.lower() for quota in _quotas(details.body)]:
        return all("token" in quota for quota in quotas)
    limits = parse_limits(details.headers)
    return limits is not None and limits.tokens_left == 0 and limits.requests_left != 0


def _quotas(error: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the quotas that are used up, read from Gemini's QuotaFailure."""
    for detail in objects(error.get("details")):
        for violation in objects(detail.get("violations")):
            yield from texts(violation, "quotaId")


def _retry_delay(error: Mapping[str, Any]) -> float | None:
    """Return the delay in Gemini's RetryInfo."""
    for detail in objects(error.get("details")):
        if detail.get("retryDelay"):
            return reset_seconds(str(detail["retryDelay"]))
    return None


def _reset_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until the quota that is used up resets."""
    limits = parse_limits(headers)
    if limits is None:
        return None
    if limits.requests_left == 0:
        return limits.requests_reset_seconds
    return limits.tokens_reset_seconds if limits.tokens_left == 0 else None


def _wait_in_message(message: str) -> float | None:
    """Return the wait in a message such as `Please try again in 7m12.5s.`: at most ten minutes."""
    seconds = reset_seconds(wait_text(message))
    return None if seconds is None else min(seconds, LONGEST_WAIT_IN_MESSAGE_SECONDS)


def _too_long(details: ErrorDetails) -> ProviderError:
    """Return the error of a prompt that is too long.

    It is certain by a code or type; a message affects one request only.
    """
    longest = details.body.get("n_ctx")
    if not isinstance(longest, int) or isinstance(longest, bool):
        found = context_text(details.message)
        longest = found.tokens if found is not None else None
    return errors.ContextTooLong(
        details.message[:MOST_DETAIL_CHARS],
        status=details.status,
        context_tokens=longest if longest is not None and 0 < longest <= MOST_CONTEXT_TOKENS else None,
        is_certain=details.is_one_of(_CONTEXT),
    )


def _plain(kind: type[ProviderError]) -> Callable[[ErrorDetails], ProviderError]:
    return lambda details: kind(details.message[:MOST_DETAIL_CHARS], status=details.status)


def _at_output_limit(details: ErrorDetails) -> ProviderError:
    error = errors.RequestFault(details.message[:MOST_DETAIL_CHARS], status=details.status)
    error.is_length_ending = True
    return error


def _moderated(details: ErrorDetails) -> ProviderError:
    return errors.RequestFault(details.message[:MOST_DETAIL_CHARS], status=details.status, moderation=True)


def _is(*statuses: int) -> Callable[[ErrorDetails], bool]:
    return lambda details: details.status in statuses


def _is_over_budget(details: ErrorDetails) -> bool:
    """Return whether a 402 refuses only this request: the account can still pay for a smaller one."""
    return details.status == 402 and (affordable_tokens(details.message) or 0) >= LEAST_AFFORDABLE_TOKENS


def _has_no_balance(details: ErrorDetails) -> bool:
    if details.status == 402:
        return True
    if details.status == 400 and "failed_precondition" in details.words:
        return True
    return details.status in {400, 403, 429, None} and details.is_one_of(_NO_BALANCE)


def _is_moderation(details: ErrorDetails) -> bool:
    """Return whether this is moderation: by its code, or by the reasons in OpenRouter's metadata."""
    metadata = details.body.get("metadata")
    has_reasons = isinstance(metadata, dict) and isinstance(metadata.get("reasons"), list) and bool(metadata["reasons"])
    return details.status in {400, 403, None} and (details.is_one_of(_MODERATION) or has_reasons)


def _is_upstream_refusal(details: ErrorDetails) -> bool:
    """Return whether a reseller's 403 was sent by the provider behind it, which refused the request."""
    metadata = details.body.get("metadata")
    return details.status == 403 and isinstance(metadata, dict) and bool(metadata.get("provider_name"))


def _is_too_big(details: ErrorDetails) -> bool:
    if details.status == 413 and "tokens" in details.words:
        return True
    return details.status == 429 and is_too_large_text(details.message)


def _is_too_long(details: ErrorDetails) -> bool:
    if details.status not in {400, 413, 422, 500, None}:
        return False
    return details.is_one_of(_CONTEXT) or context_text(details.message) is not None


_CLASSES: tuple[tuple[Callable[[ErrorDetails], bool], Callable[[ErrorDetails], ProviderError]], ...] = (
    (lambda s: s.status == 402 and "in_flight_budget_exhausted" in s.words, _rate_limited),
    (_is_over_budget, _plain(errors.TooBigForNow)),
    (_has_no_balance, _plain(errors.BalanceGone)),
    (_is_moderation, _moderated),
    (lambda s: s.status in {400, 403} and s.is_one_of(_NO_MODEL), _plain(errors.NoSuchModel)),
    (_is_upstream_refusal, _plain(errors.RequestFault)),
    (_is(401, 403), _plain(errors.KeyRefused)),
    (lambda s: s.status == 400 and s.is_one_of(_BAD_KEY), _plain(errors.KeyRefused)),
    (_is_too_long, _too_long),
    (_is_too_big, _plain(errors.TooBigForNow)),
    (_is(429, 498), _rate_limited),
    (lambda s: s.status == 404 and is_no_endpoints_text(s.message), _plain(errors.CapabilityMissing)),
    (_is(404), _plain(errors.NoSuchModel)),
    (lambda s: s.status == 400 and is_balance_text(s.message), _rate_limited),
    (
        lambda s: s.status in {400, 422} and (s.is_one_of(_UNABLE) or is_thinking_text(s.message)),
        _plain(errors.CapabilityMissing),
    ),
    (lambda s: s.status == 400 and is_output_limit_text(s.message), _at_output_limit),
    (_is(400, 413, 414, 415, 422, 431, 451), _plain(errors.RequestFault)),
    (lambda s: s.status is not None and s.status < 400, _plain(errors.Garbled)),
)
