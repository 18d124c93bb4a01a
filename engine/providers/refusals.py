"""Classification of providers' errors: status, code and message of any dialect to one ProviderError."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine import errors
from engine.errors import ProviderError
from engine.providers.limit_headers import parse_limits, reset_seconds, retry_after_seconds
from engine.providers.spec import Spec

_CONTEXT_WORDS = (
    "context_length_exceeded",
    "maximum context length",
    "exceeds the maximum number of tokens",
    "exceed_context_size",
    "prompt is too long",
    "context window",
    "input token count",
)
_LONGEST = (
    re.compile(r"maximum context length is (\d[\d,]*)"),
    re.compile(r"> (\d[\d,]*) maximum"),
    re.compile(r"maximum number of tokens allowed \(?(\d[\d,]*)"),
    re.compile(r"context (?:size|window)[^0-9]{1,20}(\d[\d,]*)"),
)
_NO_MONEY = (
    "insufficient_quota",
    "credit_balance_exhausted",
    "spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "enforced_spend_limit_reached",
    "billing_error",
    "prepayment credits are depleted",
    "credit balance is too low",
    "insufficient balance",
    "billing_hard_limit",
    "spend limit",
    "reached your specified api usage limits",
)
_BAD_KEY = (
    "api_key_invalid",
    "invalid_api_key",
    "authentication_error",
    "api key not valid",
    "permission_error",
)
_MODERATION = ("content_policy_violation", "content_filter", "moderation", "invalid_prompt", "responsibleai", "flagged")
_NO_MODEL = (
    "not a valid model",
    "no endpoints found",
    "model_not_found",
    "does not exist",
    "is not found for api",
    "unknown model",
)
_OUR_FIELDS = (
    "response_format",
    "output_config",
    "prefill",
    "thinking",
    "reasoning",
    "stream_options",
    "max_completion_tokens",
    "max_tokens",
    "extra_forbidden",
    "unsupported_parameter",
    "unsupported parameter",
    "unknown name",
    "does not support",
    "not supported",
    "image_url",
    "unsupported_value",
)
_TOO_BIG = ("request too large",)
_UNABLE_ENDPOINTS = "no endpoints found that"  # ... support tool use, support image input
_WAIT = re.compile(r"(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|s|m|h)\b)+|[\dhms.]+s)")
_WITHIN_STREAM = {
    "overloaded_error": 529,
    "server_is_overloaded": 503,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "rate_limited": 429,
    "slow_down": 429,
    "resource_exhausted": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "invalid_request_error": 400,
    "api_error": 500,
    "server_error": 500,
}


@dataclass(frozen=True, slots=True)
class _ErrorDetails:
    """One error, as it is classified. `text` is the whole body in lower case, `body` its error object."""

    status: int | None
    text: str
    message: str
    body: Any
    headers: Mapping[str, str]

    def has(self, words: tuple[str, ...]) -> bool:
        return any(word in self.text for word in words)


def refusal(spec: Spec, status: int | None, body: Any, headers: Mapping[str, str]) -> ProviderError:
    """Return the ProviderError that fits. `status` None: the error came within a stream."""
    details = _details_of(status, body, headers)
    if spec.dialect == "openai" and "in_flight_budget_exhausted" in details.text:
        return _rate_limited(details)
    for fits, make in _CLASSES:
        if fits(details):
            return make(details)
    return errors.Overloaded(details.message, status=status)


def _details_of(status: int | None, body: Any, headers: Mapping[str, str]) -> _ErrorDetails:
    if isinstance(body, list):
        body = body[0] if body else {}
    error = body.get("error", body) if isinstance(body, dict) else body
    message = error.get("message", "") if isinstance(error, dict) else str(error)
    if status is None and isinstance(error, dict):
        status = _status_within(error)
    return _ErrorDetails(status, str(body).lower(), str(message or "")[:200], error, headers)


def _status_within(error: Mapping[str, Any]) -> int | None:
    """Return the HTTP status that an error within a stream corresponds to; None: unknown."""
    code = error.get("code")
    if isinstance(code, str) and code.isdecimal() and len(code) == 3:
        code = int(code)
    if isinstance(code, int) and 400 <= code < 600:
        return code
    names = (str(error.get(name) or "").lower() for name in ("code", "status", "type"))
    return next((_WITHIN_STREAM[name] for name in names if name in _WITHIN_STREAM), None)


def _rate_limited(details: _ErrorDetails) -> ProviderError:
    waits = (
        retry_after_seconds(details.headers),
        _retry_delay(details.body),
        _reset_of(details.headers),
        _wait_in_message(details.text),
    )
    return errors.RateLimited(
        details.message,
        status=details.status,
        retry_after_seconds=next((seconds for seconds in waits if seconds is not None), None),
        per_day="perday" in details.text.replace("_", "").replace(" ", ""),
    )


def _retry_delay(error: Any) -> float | None:
    """Return the delay of Gemini's RetryInfo."""
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict) and detail.get("retryDelay"):
            return reset_seconds(str(detail["retryDelay"]))
    return None


def _reset_of(headers: Mapping[str, str]) -> float | None:
    """Return when the quota that is used up resets."""
    limits = parse_limits(headers)
    if limits is None:
        return None
    if limits.requests_left == 0:
        return limits.requests_reset_seconds
    return limits.tokens_reset_seconds if limits.tokens_left == 0 else None


def _wait_in_message(text: str) -> float | None:
    """Return the wait in a message such as `please try again in 7m12.5s`."""
    found = _WAIT.search(text)
    return reset_seconds(found[1]) if found else None


def _too_long(details: _ErrorDetails) -> ProviderError:
    longest = details.body.get("n_ctx") if isinstance(details.body, dict) else None
    longest = longest if isinstance(longest, int) and longest > 0 else None
    for pattern in _LONGEST:
        if longest is None and (found := pattern.search(details.text)):
            longest = int(found[1].replace(",", ""))
    return errors.ContextTooLong(details.message, status=details.status, context_tokens=longest)


def _plain(kind: type[ProviderError]) -> Callable[[_ErrorDetails], ProviderError]:
    return lambda details: kind(details.message, status=details.status)


def _moderated(details: _ErrorDetails) -> ProviderError:
    return errors.RequestFault(details.message, status=details.status, moderation=True)


def _is(*statuses: int) -> Callable[[_ErrorDetails], bool]:
    return lambda details: details.status in statuses


def _no_money(details: _ErrorDetails) -> bool:
    if details.status == 402:
        return True
    if details.status == 400 and "failed_precondition" in details.text:
        return True
    return details.status in {400, 403, 429, None} and details.has(_NO_MONEY)


def _is_moderation(details: _ErrorDetails) -> bool:
    """Return whether a 403 is OpenRouter's moderation, which names its reasons; other 403s are about keys."""
    metadata = details.body.get("metadata") if isinstance(details.body, dict) else None
    return (isinstance(metadata, dict) and bool(metadata.get("reasons"))) or details.has(_MODERATION)


_CLASSES: tuple[tuple[Callable[[_ErrorDetails], bool], Callable[[_ErrorDetails], ProviderError]], ...] = (
    (_no_money, _plain(errors.BalanceGone)),
    (lambda s: s.status == 403 and _is_moderation(s), _moderated),
    (_is(401, 403), _plain(errors.KeyRefused)),
    (lambda s: s.status == 400 and s.has(_BAD_KEY), _plain(errors.KeyRefused)),
    (lambda s: s.status in {400, 413, 500, None} and s.has(_CONTEXT_WORDS), _too_long),
    (lambda s: s.status in {413, 429} and s.has(_TOO_BIG), _plain(errors.TooBigForNow)),
    (lambda s: s.status == 413 and "'type': 'tokens'" in s.text, _plain(errors.TooBigForNow)),
    (_is(429, 498), _rate_limited),
    (lambda s: s.status in {400, 404} and _UNABLE_ENDPOINTS in s.text, _plain(errors.CapabilityMissing)),
    (lambda s: s.status == 404 or (s.status == 400 and s.has(_NO_MODEL)), _plain(errors.NoSuchModel)),
    (lambda s: s.status == 400 and s.has(_MODERATION), _moderated),
    (lambda s: s.status in {400, 422} and s.has(_OUR_FIELDS), _plain(errors.CapabilityMissing)),
    (lambda s: s.status in {400, 413, 422}, _plain(errors.RequestFault)),
    (lambda s: s.status is not None and s.status < 400, _plain(errors.Garbled)),
)
