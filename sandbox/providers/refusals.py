"""How each provider says no: one row each, in its own words, with its own way to name the wait."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

WAIT_SECONDS = 5.0
SHORT_CONTEXT = 4096


@dataclass(frozen=True, slots=True)
class Row:
    """`kind` and `code` go where the dialect has them; Gemini's `kind` is its status word."""

    status: int
    message: str
    kind: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None


class StandInRefused(Exception):
    """A request that gets `row` for an answer."""

    def __init__(self, row: Row) -> None:
        super().__init__(row.message)
        self.row = row


_TOO_LONG = (
    f"This model's maximum context length is {SHORT_CONTEXT} tokens. However, you requested 5000 tokens. "
    "Please reduce the length of the messages or completion."
)
_KEY = "Incorrect API key provided: sandbox-****-key."
_NO_KEY = "You didn't provide an API key."
_DOWN = Row(503, "The server is unreachable: somebody pulled its plug.", "server_error")

# mode → row, for every seller of the OpenAI dialect; then what each says otherwise.
_OPENAI: dict[str, Row] = {
    "no_key": Row(401, _NO_KEY),
    "key_refused": Row(401, _KEY, code="invalid_api_key"),
    "429": Row(429, "Rate limit reached for requests. Please try again in 5s.", "requests", "rate_limit_exceeded"),
    "down": _DOWN,
    "overloaded": Row(503, "The server is overloaded. Please try again later.", "server_error", "server_is_overloaded"),
    "context_too_long": Row(400, _TOO_LONG, code="context_length_exceeded", param="messages"),
    "money_gone": Row(
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "credit_balance_exhausted",
    ),
}
ROWS: Mapping[str, Mapping[str, Row]] = {
    "openai": _OPENAI,
    "deepseek": _OPENAI
    | {
        "no_key": Row(401, "Authentication Fails (auth header missing)", "authentication_error"),
        "key_refused": Row(401, "Authentication Fails, Your api key: ****-key is invalid", "authentication_error"),
        "money_gone": Row(402, "Insufficient Balance", "unknown_error", "invalid_request_error"),
        "overloaded": Row(503, "Service is too busy.", "service_unavailable_error"),
        "context_too_long": Row(400, _TOO_LONG, code="invalid_request_error"),
    },
    "openrouter": _OPENAI
    | {
        "no_key": Row(401, "No auth credentials found"),
        "key_refused": Row(401, "User not found."),
        "money_gone": Row(402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits"),
        "overloaded": Row(502, "Provider returned error"),
    },
    "groq": _OPENAI
    | {
        "key_refused": Row(401, "Invalid API Key", code="invalid_api_key"),
        "money_gone": Row(402, "Your organization's balance is used up.", "billing_error", "insufficient balance"),
        "overloaded": Row(503, "Service unavailable", "internal_server_error"),
        "context_too_long": Row(
            400, "Please reduce the length of the messages or completion.", code="context_length_exceeded"
        ),
    },
    "mistral": _OPENAI
    | {
        "no_key": Row(401, "Unauthorized", "unauthorized"),
        "key_refused": Row(401, "Unauthorized", "unauthorized"),
        "429": Row(429, "Requests rate limit exceeded", "rate_limited", "1300"),
        "money_gone": Row(402, "Insufficient balance. Please check your billing.", "billing_error", "1500"),
        "overloaded": Row(503, "Service unavailable", "service_unavailable", "3505"),
    },
    "gemini": {
        "no_key": Row(403, "Method doesn't allow unregistered callers. Please use API Key.", "PERMISSION_DENIED"),
        "key_refused": Row(
            400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", "API_KEY_INVALID"
        ),
        "429": Row(429, "You exceeded your current quota. Please retry in 5s.", "RESOURCE_EXHAUSTED", "retry"),
        "down": Row(503, _DOWN.message, "UNAVAILABLE"),
        "overloaded": Row(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
        "context_too_long": Row(
            400,
            f"The input token count (5000) exceeds the maximum number of tokens allowed ({SHORT_CONTEXT}).",
            "INVALID_ARGUMENT",
        ),
        "money_gone": Row(
            429, "Your prepayment credits are depleted. Please go to AI Studio to manage them.", "RESOURCE_EXHAUSTED"
        ),
    },
    "anthropic": {
        "no_key": Row(401, "x-api-key header is required", "authentication_error"),
        "key_refused": Row(401, "invalid x-api-key", "authentication_error"),
        "429": Row(429, "This request would exceed your organization's rate limit.", "rate_limit_error"),
        "down": Row(503, _DOWN.message, "api_error"),
        "overloaded": Row(529, "Overloaded", "overloaded_error"),
        "context_too_long": Row(400, f"prompt is too long: 5000 tokens > {SHORT_CONTEXT} maximum"),
        "money_gone": Row(
            429,
            "You have reached your organization's spend limit.",
            "rate_limit_error",
            "enforced_spend_limit_reached",
        ),
    },
}


_BROKEN_KINDS = {"gemini": "INTERNAL", "anthropic": "api_error"}
_FAULT_KINDS = {"gemini": "INVALID_ARGUMENT"}


def row(provider: str, mode: str) -> Row:
    """What `provider` says in `mode`. Raises KeyError for a mode that refuses nothing."""
    if mode == "error_500":
        return Row(
            500, "The server had an error while processing your request.", _BROKEN_KINDS.get(provider, "server_error")
        )
    if mode == "moderated":
        kind = _FAULT_KINDS.get(provider, "invalid_request_error")
        return Row(400, "The prompt was flagged by moderation.", kind, "content_policy_violation")
    if mode == "429_untold":
        told = ROWS[provider]["429"]
        return replace(told, code=None if provider == "gemini" else told.code)
    return ROWS[provider][mode]


def response(provider: str, row: Row, wait_seconds: float = WAIT_SECONDS) -> Response:
    """`row` in this provider's shape. Only a rate limit says how long to wait, and DeepSeek's never does."""
    headers = waits(provider, wait_seconds) if row is ROWS[provider]["429"] else {}
    return JSONResponse(shaped(provider, row, wait_seconds), row.status, headers)


def shaped(provider: str, row: Row, wait_seconds: float = WAIT_SECONDS) -> dict[str, Any]:
    if provider == "gemini":
        return {"error": _google(row, wait_seconds)}
    if provider == "anthropic":
        details = {"details": {"error_code": row.code}} if row.code else {}
        return {
            "type": "error",
            "error": {"type": row.kind, "message": row.message, **details},
            "request_id": "req_stand_in",
        }
    error = {"message": row.message, "type": row.kind, "param": row.param, "code": row.code}
    if provider == "openrouter":
        upstream = {"metadata": {"provider_name": "Stand-in", "raw": row.message}} if row.status >= 500 else {}  # noqa: PLR2004
        return {"error": {"code": row.status, "message": row.message, **upstream}}
    return {"object": "error", **error} if provider == "mistral" else {"error": error}


def waits(provider: str, seconds: float) -> dict[str, str]:
    """The headers of a 429."""
    whole = str(max(1, round(seconds)))
    if provider == "openrouter":
        return {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int((time.time() + seconds) * 1000))}
    if provider == "openai":
        return {"retry-after": whole, "retry-after-ms": str(int(seconds * 1000)), "x-should-retry": "true"}
    return {"retry-after": whole} if provider in {"groq", "mistral", "anthropic"} else {}


def limits(provider: str, limit: int, left: int, seconds: float) -> dict[str, str]:
    """What is told with every answer of how many requests are left."""
    if provider == "anthropic":
        reset = (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
        return {
            "anthropic-ratelimit-requests-limit": str(limit),
            "anthropic-ratelimit-requests-remaining": str(left),
            "anthropic-ratelimit-requests-reset": reset,
        }
    if provider not in {"openai", "mistral"}:
        return {}
    return {
        "x-ratelimit-limit-requests": str(limit),
        "x-ratelimit-remaining-requests": str(left),
        "x-ratelimit-reset-requests": f"{seconds:g}s",
    }


def _google(row: Row, wait_seconds: float) -> dict[str, Any]:
    error: dict[str, Any] = {"code": row.status, "message": row.message, "status": row.kind}
    if row.code == "retry":
        violation = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel", "quotaValue": "15"}
        error["details"] = [
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{max(1, round(wait_seconds))}s"},
        ]
    elif row.code:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": row.code}
        error["details"] = [{**info, "domain": "googleapis.com"}]
    elif row.param:
        violations = [{"field": row.param, "description": row.message}]
        error["details"] = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}]
    return error
