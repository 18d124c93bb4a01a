"""The facts of an error: words that classify it, and parts that may quote a tenant."""

from typing import Any

import pytest

from engine.providers.errors.details import error_details


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"code": "A_code", "type": "A_type"}}, {"a_code", "a_type"}),
        ({"object": "error", "type": "invalid_model", "code": "1500"}, {"invalid_model", "1500"}),
        ({"error": {"code": 400, "status": "INVALID_ARGUMENT"}}, {"invalid_argument"}),
        ({"error": {"status": "X", "details": [{"reason": "API_KEY_INVALID"}, 7]}}, {"x", "api_key_invalid"}),
        ({"type": "error", "error": {"type": "t", "details": {"error_code": "spend"}}}, {"t", "spend"}),
        ({"error": {"code": 402, "metadata": {"error_type": "e", "raw": "r", "provider_name": "p"}}}, {"e"}),
        ({"detail": [{"type": "extra_forbidden", "msg": "m", "input": "i"}]}, {"extra_forbidden"}),
        ({"x_groq": {"error": {"code": "tool_use_failed"}}}, {"tool_use_failed"}),
        ([{"error": {"status": "Y"}}], {"y"}),
        ({"error": "insufficient_quota"}, set()),
        ({"error": {"message": "insufficient_quota", "param": "billing"}}, set()),
        ("insufficient_quota", set()),
        ([], set()),
        (None, set()),
    ],
)
def test_words_are_those_of_the_provider(body: Any, words: set[str]) -> None:
    assert error_details(400, body, {}).words == words


def test_message_is_a_text_wherever_it_stands() -> None:
    assert error_details(400, {"error": {"message": "m"}}, {}).message == "m"
    assert error_details(400, {"error": "m"}, {}).message == "m"
    assert error_details(400, {"message": "m"}, {}).message == "m"
    assert error_details(400, "m", {}).message == "m"
    assert error_details(400, {"error": {"message": {"detail": []}}}, {}).message == ""


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("rate_limit_exceeded", "rate_limit_exceeded"),
        ("RESOURCE_EXHAUSTED", "RESOURCE_EXHAUSTED"),
        ("error-4001", "error-4001"),
        ("4210", ""),
        ("error-40015", ""),
        ("sk-proj-abcdef", ""),
        ("org-AbCdEf", ""),
        ("org_abc", ""),
        ("organization_spend_limit_exceeded", "organization_spend_limit_exceeded"),
        ("x" * 48, "x" * 48),
        ("x" * 49, ""),
        ("two words", ""),
        ("<b>", ""),
    ],
)
def test_code_that_may_be_an_id_or_a_key_is_not_shown(code: str, shown: str) -> None:
    assert error_details(400, {"error": {"code": code}}, {}).code == shown


@pytest.mark.parametrize(
    ("code", "status"), [(400, 400), (599, 599), (600, None), (399, None), ("429", 429), ("4290", None)]
)
def test_status_within_a_stream_is_its_code(code: Any, status: int | None) -> None:
    assert error_details(None, {"error": {"code": code}}, {}).status == status
    assert error_details(418, {"error": {"code": code}}, {}).status == 418
