"""Every engine error as HTTP, in the shapes of OpenAI and Anthropic."""

import json
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from engine.errors import (
    BadRequest,
    DailyAnswersUsed,
    EngineError,
    ExcludedBySettings,
    HoldLost,
    InsufficientFunds,
    ModelNotInKey,
    ModelNotPriced,
    ModelNotSold,
    NoProvider,
    NotForChat,
    NotForEmbeddings,
    ProviderError,
    Refused,
    RequestRejected,
    SpendingCapReached,
    TooManyRequests,
    UnknownModel,
)
from engine.holds import Funds, Shortfall
from engine.money import Money
from web import errors
from web.errors import ENGINE_ERRORS, ErrorShape, HttpProblem, error_response, shape_of

PARENTS = (EngineError, Refused)
"""Classes that are never raised themselves; each of their child classes needs a row of its own."""


def descendants(kind: type[EngineError]) -> Iterator[type[EngineError]]:
    for child in kind.__subclasses__():
        if child.__module__ == EngineError.__module__:
            yield child
            yield from descendants(child)


@pytest.mark.parametrize("kind", [kind for kind in descendants(EngineError) if kind not in PARENTS])
def test_every_engine_error_has_an_http_row(kind: type[EngineError]) -> None:
    rows = [row for row, _ in ENGINE_ERRORS if issubclass(kind, row)]
    assert rows, f"{kind.__name__} has no row in ENGINE_ERRORS of web/errors.py: it would be a 500"


def test_no_row_hides_a_later_one() -> None:
    kinds = [kind for kind, _ in ENGINE_ERRORS]
    hidden = [
        (later.__name__, earlier.__name__)
        for number, later in enumerate(kinds)
        for earlier in kinds[:number]
        if issubclass(later, earlier)
    ]
    assert hidden == []


def shortfall(*, key_limited: bool = False, wallet_only: bool = False) -> Shortfall:
    return Shortfall(Money.usd("0.02"), Funds(wallet=Money(0), allowance_tokens=0), key_limited, wallet_only)


@pytest.mark.parametrize(
    ("error", "status", "code", "words"),
    [
        (UnknownModel("x"), 404, "model_not_found", "GET /v1/models"),
        (
            ModelNotSold("x", "searches"),
            404,
            "model_not_found",
            "its bill is not counted in text tokens but in searches",
        ),
        (NotForChat("x"), 404, "model_not_found", "use /v1/embeddings"),
        (NotForEmbeddings("x"), 404, "model_not_found", "makes no embeddings"),
        (ModelNotPriced("x"), 404, "model_not_found", "no exact price"),
        (DailyAnswersUsed(20, 3600.5), 429, "rate_limit_exceeded", "20 answers a day"),
        (
            ExcludedBySettings("auto", ("gemini", "x")),
            403,
            "providers_excluded",
            "model 'auto': gemini, x.",
        ),
        (ModelNotInKey("x", ("auto", "y")), 403, "model_not_in_key", "not ask for the model x, only for auto, y."),
        (TooManyRequests(3, 12.2, key_limited=True), 429, "rate_limit_exceeded", "This API key allows 3 requests"),
        (TooManyRequests(6, 12.2), 429, "rate_limit_exceeded", "Your plan allows 6 requests"),
        (InsufficientFunds(shortfall()), 402, "insufficient_quota", "/plan"),
        (InsufficientFunds(shortfall(wallet_only=True)), 402, "insufficient_quota", "wallet, which lacks 0.02 USD"),
        (InsufficientFunds(replace(shortfall(), is_sponsored=True)), 402, "insufficient_quota", "team's wallet"),
        (
            InsufficientFunds(replace(shortfall(), is_sponsored=True, member_limited=True)),
            402,
            "insufficient_quota",
            "limit in the team",
        ),
        (InsufficientFunds(shortfall(key_limited=True)), 402, "insufficient_quota", "tokens_per_month"),
        (SpendingCapReached("day"), 503, "house_limit", "This service has reached its spending limit for this day"),
        (BadRequest("n", "must be 1"), 400, "invalid_value", "n: must be 1"),
        (RequestRejected("p", "no", moderation=True), 400, "content_policy_violation", "rejected"),
        (RequestRejected("p", "no"), 400, "invalid_request", "rejected"),
        (RequestRejected("p", "no", code="invalid_value"), 400, "invalid_value", "rejected: no"),
        (RequestRejected("p", "no", moderation=True, code="x"), 400, "content_policy_violation", "rejected"),
        (NoProvider(3, left_out=("deepseek",)), 503, "no_provider_available", "account leave out deepseek."),
        (NoProvider(7.5), 503, "no_provider_available", "nothing was charged"),
        (HoldLost("x:1"), 503, "answer_lost", "Nothing was charged. Please ask again."),
        (ProviderError("late"), 502, "answer_cut", "nothing was charged"),
    ],
)
def test_engine_error_has_its_status_code_and_sentence(error: EngineError, status: int, code: str, words: str) -> None:
    problem = errors.from_engine(error)
    assert (problem.status, problem.code) == (status, code)
    assert words in problem.message


@pytest.mark.parametrize(("seconds", "header"), [(0, "1"), (0.2, "1"), (12.0, "12"), (12.2, "13")])
def test_retry_after_is_rounded_up_to_whole_seconds(seconds: float, header: str) -> None:
    problem = HttpProblem(503, "later", retry_after_seconds=seconds)
    assert problem.headers() == {"retry-after": header}


def test_only_a_401_has_a_challenge() -> None:
    assert HttpProblem(401, "no", challenge="tma").headers() == {"www-authenticate": "tma"}
    assert HttpProblem(403, "no", challenge="tma").headers() == {}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (405, "invalid_request_error"),
        (408, "timeout_error"),
        (409, "invalid_request_error"),
        (413, "request_too_large"),
        (415, "invalid_request_error"),
        (422, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
    ],
)
def test_status_has_its_type_in_anthropics_shape(status: int, kind: str) -> None:
    response = error_response(HttpProblem(status, "m", retry_after_seconds=2), ErrorShape.ANTHROPIC, "req-1")
    body = {"type": "error", "error": {"type": kind, "message": "m", "code": None}, "request_id": "req-1"}
    assert (response.status_code, json.loads(bytes(response.body)), response.headers["retry-after"]) == (
        status,
        body,
        "2",
    )


def test_engine_error_is_written_in_either_shape() -> None:
    error = UnknownModel("x")
    ours, theirs = [json.loads(bytes(error_response(error, shape).body))["error"] for shape in ErrorShape]
    assert (ours["code"], theirs["type"]) == ("model_not_found", "not_found_error")
    assert ours["message"] == theirs["message"]


@pytest.mark.parametrize(
    ("path", "headers", "shape"),
    [
        ("/v1/messages", {}, ErrorShape.ANTHROPIC),
        ("/v1/messages/count_tokens", {}, ErrorShape.ANTHROPIC),
        ("/v1/messagesx", {}, ErrorShape.OPENAI),
        ("/v1/models", {}, ErrorShape.OPENAI),
        ("/v1/models", {b"anthropic-version": b"2023-06-01"}, ErrorShape.ANTHROPIC),
        ("/v1/models/a/b", {b"anthropic-version": b"x"}, ErrorShape.ANTHROPIC),
        ("/v1/files", {b"anthropic-version": b"x"}, ErrorShape.ANTHROPIC),
        ("/v1/files", {}, ErrorShape.OPENAI),
        ("/v1/v1/messages", {b"anthropic-version": b"x"}, ErrorShape.ANTHROPIC),
        ("/v1/chat/completions", {b"anthropic-version": b"x"}, ErrorShape.OPENAI),
        ("/v1/responses/resp_1", {b"anthropic-version": b"x"}, ErrorShape.OPENAI),
        ("/metrics", {b"anthropic-version": b"x"}, ErrorShape.OPENAI),
    ],
)
def test_shape_is_that_of_the_clients_of_a_path(path: str, headers: dict[bytes, bytes], shape: ErrorShape) -> None:
    assert shape_of(path, headers) is shape
