import pytest

from web.anthropic.problems import problem_json, problem_response
from web.errors import HttpProblem


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (402, "billing_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (502, "api_error"),
        (503, "overloaded_error"),
        (500, "api_error"),
    ],
)
def test_status_has_its_type(status: int, kind: str) -> None:
    problem = HttpProblem(status, "No.", code="x", retry_after_seconds=2 if status == 429 else None)
    assert problem_json(problem) == {"type": "error", "error": {"type": kind, "message": "No.", "code": "x"}}
    assert problem_json(problem, "req-1")["request_id"] == "req-1"
    assert problem_response(problem).headers.get("retry-after") == ("2" if status == 429 else None)
