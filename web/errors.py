"""Every failure as HTTP: OpenAI's error shape, and the status that each engine error stands for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import JSONResponse

from engine import errors


@dataclass(eq=False)
class HttpProblem(Exception):
    """An error on its way out. `retry_after_seconds` becomes the Retry-After header, `challenge` a 401's."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    retry_after_seconds: float | None = None
    challenge: str = "Bearer"

    def new(self) -> "HttpProblem":
        """One to raise: a constant that is raised itself keeps every frame that it has ever passed."""
        return replace(self)

    def body(self) -> dict[str, Any]:
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def headers(self) -> Mapping[str, str]:
        headers = {} if self.retry_after_seconds is None else {"retry-after": seconds(self.retry_after_seconds)}
        return {**headers, "www-authenticate": self.challenge} if self.status == 401 else headers  # noqa: PLR2004

    def response(self) -> JSONResponse:
        return JSONResponse(self.body(), self.status, dict(self.headers()))


def seconds(value: float) -> str:
    """Retry-After wants whole seconds, and never too few."""
    return str(max(1, math.ceil(value)))


def bad_request(param: str | None, message: str, *, status: int = 400) -> HttpProblem:
    return HttpProblem(status, message, param=param, code="invalid_value" if param else None)


def not_found(message: str) -> HttpProblem:
    return HttpProblem(404, message, code="not_found")


INVALID_KEY = HttpProblem(
    401,
    "This API key is not valid. Make one in the Telegram bot with /keys, or ask your operator.",
    type="authentication_error",
    code="invalid_api_key",
)

OPERATORS_ONLY = HttpProblem(
    401,
    "This is for the operator: send ADMIN_API_KEY as the Bearer key.",
    type="authentication_error",
    code="invalid_api_key",
)

BROKEN = HttpProblem(500, "Something broke on our side; nothing was charged.", type="server_error")


def of(error: errors.EngineError) -> HttpProblem:
    """Total over the error tree: a test walks it."""
    for kind, translate in _TABLE:
        if isinstance(error, kind):
            problem: HttpProblem = translate(error)
            return problem
    return BROKEN


def _unknown_model(error: Any) -> HttpProblem:
    return HttpProblem(
        404,
        f"The model {error.model!r} does not exist; see GET /v1/models.",
        code="model_not_found",
        param="model",
    )


def _not_in_plan(error: Any) -> HttpProblem:
    message = f"The plan {error.plan} does not include the model {error.model}; /plan in the bot changes it."
    return HttpProblem(403, message, type="permission_error", code="model_not_in_plan", param="model")


def _too_many(error: Any) -> HttpProblem:
    message = f"Over {error.requests_per_minute} requests a minute, which is what your plan allows."
    return HttpProblem(
        429, message, "rate_limit_error", "rate_limit_exceeded", retry_after_seconds=error.retry_after_seconds
    )


def _insufficient(error: errors.InsufficientFunds) -> HttpProblem:
    short = error.shortfall
    if short.key_limited:
        text = "This key's own tokens_per_month are used up; raise its limit with /keys in the bot, or use another key."
    elif short.wallet_only:
        text = f"This model is paid from the wallet, which lacks {short.missing} USD; top up with /topup in the bot."
    else:
        text = (
            "What is left of the allowance and the wallet does not cover this request: "
            f"{short.missing} USD are missing; top up with /topup or choose a larger plan with /plan in the bot."
        )
    return HttpProblem(402, text, type="insufficient_quota", code="insufficient_quota")


def _banned(_: Any) -> HttpProblem:
    return HttpProblem(
        403, "This account is closed; ask your operator.", type="permission_error", code="account_closed"
    )


def _house(error: Any) -> HttpProblem:
    text = f"The house's own limit for this {error.per} is reached; nothing was charged. Please come back later."
    return HttpProblem(503, text, "server_error", "house_limit", retry_after_seconds=600)


def _bad_field(error: errors.BadRequest) -> HttpProblem:
    return bad_request(error.field, f"{error.field}: {error.reason}")


def _rejected(error: errors.RequestRejected) -> HttpProblem:
    code = "content_policy_violation" if error.moderation else "invalid_request"
    return HttpProblem(400, f"The request was rejected: {error.reason}", code=code)


def _no_provider(error: errors.NoProvider) -> HttpProblem:
    text = "No provider can answer right now; nothing was charged. Please try again shortly."
    return HttpProblem(
        503, text, "server_error", "no_provider_available", retry_after_seconds=error.retry_after_seconds
    )


def _cut(_: Any) -> HttpProblem:
    text = "The answer broke off and nobody could restart it; nothing was charged. Please ask again."
    return HttpProblem(502, text, type="server_error", code="answer_cut")


def _lost(_: Any) -> HttpProblem:
    text = "This request was answered or ended elsewhere meanwhile; nothing was charged for this call."
    return HttpProblem(409, text, type="invalid_request_error", code="request_conflict")


def _closing(_: Any) -> HttpProblem:
    text = "The server is restarting; nothing was charged. Please try again in a moment."
    return HttpProblem(503, text, "server_error", "restarting", retry_after_seconds=5)


_TABLE: tuple[tuple[type[errors.EngineError], Any], ...] = (
    (errors.UnknownModel, _unknown_model),
    (errors.ModelNotInPlan, _not_in_plan),
    (errors.TooManyRequests, _too_many),
    (errors.InsufficientFunds, _insufficient),
    (errors.TenantBanned, _banned),
    (errors.SpendingCapReached, _house),
    (errors.BadRequest, _bad_field),
    (errors.Closing, _closing),
    (errors.RequestRejected, _rejected),
    (errors.NoProvider, _no_provider),
    (errors.HoldLost, _lost),
    (errors.AnswerCut, _cut),
    (errors.ProviderError, _cut),
)
