"""Shared parts of the descriptions in /openapi.json."""

import pytest

from web.openapi_parts import STATUSES, answer, errors, nullable, object_schema, prompt_errors, request_body


def test_each_error_has_its_words_and_the_schema_of_its_body() -> None:
    found = errors(404, 400, words={404: "No such key"}, schema="AnthropicError")
    assert list(found) == [400, 404]
    assert (found[400]["description"], found[404]["description"]) == (STATUSES[400], "No such key")
    schema = {"$ref": "#/components/schemas/AnthropicError"}
    assert found[404]["content"] == {"application/json": {"schema": schema}}


@pytest.mark.parametrize("status", [429, 503])
def test_errors_to_retry_name_their_wait(status: int) -> None:
    header = errors(status)[status]["headers"]["Retry-After"]
    assert (header["required"], header["schema"]) == (True, {"type": "integer", "minimum": 1})


def test_missing_key_is_answered_with_its_scheme() -> None:
    header = errors(401, challenge="tma")[401]["headers"]["WWW-Authenticate"]
    assert header["schema"] == {"type": "string", "const": "tma"}
    assert "headers" not in errors(404)[404]


def test_prompt_can_fail_with_each_of_its_errors() -> None:
    statuses = {400, 401, 402, 403, 404, 408, 409, 413, 415, 422, 429, 502, 503}
    assert set(prompt_errors()) == statuses


def test_only_a_streaming_endpoint_answers_with_events() -> None:
    assert set(answer("Chat", "The answer")["content"]) == {"application/json"}
    assert set(answer("Chat", "The answer", streams=True)["content"]) == {"application/json", "text/event-stream"}


def test_schemas_are_named_or_written_out() -> None:
    plain = object_schema({"model": {"type": "string"}}, ("model",), "A request")
    assert request_body(plain)["content"]["application/json"]["schema"] == {
        "type": "object",
        "properties": {"model": {"type": "string"}},
        "required": ["model"],
        "description": "A request",
    }
    assert request_body("Chat")["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Chat"}
    assert answer(plain, "x")["content"]["application/json"]["schema"] == plain
    assert object_schema({}) == {"type": "object", "properties": {}}
    assert nullable({"type": "string"}) == {"anyOf": [{"type": "string"}, {"type": "null"}]}
