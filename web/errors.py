"""HTTP errors: the shapes of OpenAI and Anthropic, and the status and sentence for every engine error."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import Any

from starlette.responses import JSONResponse

from engine import errors

SEE_HOME = "The API is under /v1; GET / describes it, GET /openapi.json in full."
_MOST_SHOWN_CHARS = 100
_PATHS_OF_OPENAI = ("/v1/chat", "/v1/completions", "/v1/responses", "/v1/embeddings")


class ErrorShape(Enum):
    """The API whose clients read an error."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"


@dataclass(eq=False)
class HttpProblem(Exception):
    """An error response. `retry_after_seconds` becomes Retry-After, `challenge` the WWW-Authenticate of a 401."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    retry_after_seconds: float | None = None
    challenge: str = "Bearer"
    more_headers: Mapping[str, str] = field(default_factory=dict)

    def new(self) -> "HttpProblem":
        """Return a copy to raise. Raising a constant itself would collect the traceback of every raise."""
        return replace(self)

    def body(self, shape: ErrorShape = ErrorShape.OPENAI, request_id: str | None = None) -> dict[str, Any]:
        """Return the body in the given shape. `request_id` is part of Anthropic's."""
        if shape is ErrorShape.ANTHROPIC:
            kind = ANTHROPIC_TYPES.get(self.status, "api_error" if self.status >= 500 else "invalid_request_error")  # noqa: PLR2004
            error = {"type": kind, "message": self.message, "code": self.code}
            return {"type": "error", "error": error, **({"request_id": request_id} if request_id else {})}
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def headers(self) -> Mapping[str, str]:
        headers = dict(self.more_headers)
        if self.retry_after_seconds is not None:
            headers["retry-after"] = seconds(self.retry_after_seconds)
        if self.status == 401:  # noqa: PLR2004
            headers["www-authenticate"] = self.challenge
        return headers

    def response(self, shape: ErrorShape = ErrorShape.OPENAI, request_id: str | None = None) -> JSONResponse:
        return JSONResponse(self.body(shape, request_id), self.status, dict(self.headers()))


ANTHROPIC_TYPES = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""Anthropic's `type` of each status: https://platform.claude.com/docs/en/api/errors."""


def error_response(
    error: "HttpProblem | errors.EngineError", shape: ErrorShape, request_id: str | None = None
) -> JSONResponse:
    """Return the response for any error in the shape of one API."""
    problem = error if isinstance(error, HttpProblem) else from_engine(error)
    return problem.response(shape, request_id)


def shape_of(path: str, headers: Mapping[bytes, bytes]) -> ErrorShape:
    """Return the error shape that clients of a path expect.

    The list of models has clients of both kinds, and so has a path that does not exist.
    """
    is_of = partial(_is_within, path)
    if is_of("/v1/messages"):
        return ErrorShape.ANTHROPIC
    is_shared = is_of("/v1") and not any(map(is_of, _PATHS_OF_OPENAI))
    return ErrorShape.ANTHROPIC if is_shared and b"anthropic-version" in headers else ErrorShape.OPENAI


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def seconds(value: float) -> str:
    """Return whole seconds, rounded up, at least 1."""
    return str(max(1, math.ceil(value)))


def bad_request(param: str | None, message: str, *, status: int = 400) -> HttpProblem:
    return HttpProblem(status, message, param=param, code="invalid_value" if param else None)


def not_found(message: str) -> HttpProblem:
    return HttpProblem(404, message, code="not_found")


def unknown_path(method: str, path: str, advice: str = SEE_HOME) -> HttpProblem:
    """Return the 404 for a path that does not exist, or for a route that is hidden from the caller."""
    return HttpProblem(404, f"There is no {method} {shown(path)} here. {advice}", code="not_found")


def shown(path: str) -> str:
    """Return the path for an error sentence: shortened, and with printable characters only."""
    return "".join(each if each.isprintable() else "?" for each in path[:_MOST_SHOWN_CHARS])


def _key_problem(message: str) -> HttpProblem:
    final = {"x-should-retry": "false"}  # Claude Code repeats a 401 ten times without it
    return HttpProblem(401, message, type="authentication_error", code="invalid_api_key", more_headers=final)


MISSING_KEY = _key_problem(
    "The request has no API key. Send the header `Authorization: Bearer fk-...` (or `x-api-key: fk-...`). "
    "Make a key in the Telegram bot with /keys, or ask the operator."
)
MISSING_BEARER = _key_problem(
    "The Authorization header has no `Bearer` before the key. It must be `Authorization: Bearer fk-...`."
)
INVALID_KEY = _key_problem("This API key is not valid. Make one in the Telegram bot with /keys, or ask the operator.")
EXPIRED_KEY = _key_problem(
    "This API key has expired. Set a later date with /keys in the Telegram bot, or ask the operator."
)
OPERATORS_ONLY = _key_problem("Only the operator may call this: send ADMIN_API_KEY as the Bearer key.")
TOO_MANY_WRONG_KEYS = HttpProblem(
    429,
    "Too many wrong admin keys came within a minute. Wait, then send the right ADMIN_API_KEY.",
    "rate_limit_error",
    "rate_limit_exceeded",
)

_BROKEN = "An internal error occurred; nothing was charged. Please try again."
SERVER_ERROR = HttpProblem(500, _BROKEN, type="server_error")


def from_engine(error: errors.EngineError) -> HttpProblem:
    """Return the HTTP error for an engine error, by the first row of ENGINE_ERRORS that fits."""
    for kind, translate in ENGINE_ERRORS:
        if isinstance(error, kind):
            return translate(error)
    return SERVER_ERROR


def _unknown_model(error: Any) -> HttpProblem:
    return _model_not_found(f"The model {error.model!r} does not exist; see GET /v1/models.")


def _not_sold(error: Any) -> HttpProblem:
    return _model_not_found(
        f"The model {error.model!r} is not sold here: its bill is not counted in text tokens but in {error.unit}."
    )


def _not_for_chat(error: Any) -> HttpProblem:
    return _model_not_found(f"The model {error.model!r} makes embeddings and answers no prompt: use /v1/embeddings.")


def _not_for_embeddings(error: Any) -> HttpProblem:
    return _model_not_found(f"The model {error.model!r} answers prompts and makes no embeddings; see GET /v1/models.")


def _not_priced(error: Any) -> HttpProblem:
    return _model_not_found(f"The model {error.model!r} is not sold here: no exact price of it is known.")


def _model_not_found(message: str) -> HttpProblem:
    return HttpProblem(404, message, code="model_not_found", param="model")


def _not_in_plan(error: Any) -> HttpProblem:
    message = f"The plan {error.plan} does not include the model {error.model}. Change the plan with /plan in the bot."
    return HttpProblem(403, message, type="permission_error", code="model_not_in_plan", param="model")


def _excluded(error: Any) -> HttpProblem:
    message = (
        f"The settings of this account leave out every provider that could answer the model {error.model!r}: "
        f"{', '.join(error.providers)}. Nothing was charged. Change them with /settings in the Telegram bot, or "
        "ask for another model."
    )
    return HttpProblem(403, message, type="permission_error", code="providers_excluded", param="model")


def _not_in_key(error: Any) -> HttpProblem:
    message = f"This API key may not ask for the model {error.model}, only for {', '.join(error.models)}."
    return HttpProblem(403, message, type="permission_error", code="model_not_in_key", param="model")


def _too_many(error: Any) -> HttpProblem:
    limited = "This API key" if error.key_limited else "Your plan"
    message = f"{limited} allows {error.requests_per_minute} requests a minute. Wait, then try again."
    return _rate_limited(message, error)


def _day_used(error: Any) -> HttpProblem:
    had = f"Your plan allows {error.answers_per_day} answers a day, and you have had them. "
    return _rate_limited(had + "The next day begins at 00:00 UTC. Choose a larger plan with /plan in the bot.", error)


def _rate_limited(text: str, error: Any) -> HttpProblem:
    seconds = error.retry_after_seconds
    return HttpProblem(429, text, "rate_limit_error", "rate_limit_exceeded", retry_after_seconds=seconds)


def _insufficient(error: errors.InsufficientFunds) -> HttpProblem:
    short = error.shortfall
    if short.is_sponsored:
        short_of = "monthly limit in the team" if short.member_limited else "team's wallet"
        text = f"Your {short_of} does not cover this request. Ask the team's owner, or see /team in the bot."
    elif short.key_limited:
        text = "This key has used its tokens_per_month. Raise its limit with /keys in the bot, or use another key."
    elif short.wallet_only:
        text = f"This model is paid from the wallet, which lacks {short.missing} USD. Top up with /topup in the bot."
    else:
        text = (
            "Your allowance and your wallet do not cover this request: "
            f"{short.missing} USD are missing. Top up with /topup, or choose a larger plan with /plan in the bot."
        )
    return HttpProblem(402, text, type="insufficient_quota", code="insufficient_quota")


def _banned(_: Any) -> HttpProblem:
    text = "This account is closed. Please ask the operator."
    return HttpProblem(403, text, type="permission_error", code="account_closed")


def _spending_cap(error: Any) -> HttpProblem:
    text = f"This service has reached its spending limit for this {error.per}; nothing was charged. Try again later."
    return HttpProblem(503, text, "server_error", "house_limit", retry_after_seconds=600)


def _bad_field(error: errors.BadRequest) -> HttpProblem:
    return bad_request(error.field, f"{error.field}: {error.reason}")


def _rejected(error: errors.RequestRejected) -> HttpProblem:
    code = "content_policy_violation" if error.moderation else error.code or "invalid_request"
    return HttpProblem(400, f"The request was rejected: {error.reason}", code=code)


def _no_provider(error: errors.NoProvider) -> HttpProblem:
    hint = f" The /settings of this account leave out {', '.join(error.left_out)}." if error.left_out else ""
    text = f"No provider can answer now; nothing was charged. Please try again shortly.{hint}"
    wait = error.retry_after_seconds
    return HttpProblem(503, text, "server_error", "no_provider_available", retry_after_seconds=wait)


def _cut(_: Any) -> HttpProblem:
    text = "The answer broke off and could not be restarted; nothing was charged. Please ask again."
    return HttpProblem(502, text, type="server_error", code="answer_cut")


def _lost(_: Any) -> HttpProblem:
    text = "The database was away, so this answer could not be kept. Nothing was charged. Please ask again."
    return HttpProblem(503, text, "server_error", "answer_lost", retry_after_seconds=5)


def _closing(_: Any) -> HttpProblem:
    text = "The server is restarting; nothing was charged. Please try again in a moment."
    return HttpProblem(503, text, "server_error", "restarting", retry_after_seconds=5)


ENGINE_ERRORS: tuple[tuple[type[errors.EngineError], Callable[[Any], HttpProblem]], ...] = (
    (errors.UnknownModel, _unknown_model),
    (errors.NotForChat, _not_for_chat),
    (errors.ModelNotSold, _not_sold),
    (errors.NotForEmbeddings, _not_for_embeddings),
    (errors.ModelNotPriced, _not_priced),
    (errors.ModelNotInPlan, _not_in_plan),
    (errors.ModelNotInKey, _not_in_key),
    (errors.ExcludedBySettings, _excluded),
    (errors.TooManyRequests, _too_many),
    (errors.DailyAnswersUsed, _day_used),
    (errors.InsufficientFunds, _insufficient),
    (errors.TenantBanned, _banned),
    (errors.SpendingCapReached, _spending_cap),
    (errors.BadRequest, _bad_field),
    (errors.Closing, _closing),
    (errors.RequestRejected, _rejected),
    (errors.NoProvider, _no_provider),
    (errors.HoldLost, _lost),
    (errors.AnswerCut, _cut),
    (errors.ProviderError, _cut),
)
