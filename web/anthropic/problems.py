"""Errors in Anthropic's shape."""

from typing import Any

from starlette.responses import JSONResponse

from web.errors import HttpProblem

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "invalid_request_error",
    413: "request_too_large",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}


def problem_json(problem: HttpProblem, request_id: str = "") -> dict[str, Any]:
    """Return the body of an error; its type follows from the status."""
    error = {"type": _TYPES.get(problem.status, "api_error"), "message": problem.message, "code": problem.code}
    return {"type": "error", "error": error, **({"request_id": request_id} if request_id else {})}


def problem_response(problem: HttpProblem) -> JSONResponse:
    return JSONResponse(problem_json(problem), problem.status, dict(problem.headers()))
