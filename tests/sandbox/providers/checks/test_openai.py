from typing import Any

import pytest

from sandbox.providers.checks.openai import check_request
from sandbox.providers.refusals import StandInRefused

USER = {"role": "user", "content": "x"}
CALL = {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "1"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
GIF = {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,AAAA"}}


def refusal(messages: list[dict[str, Any]], **body: Any) -> str:
    with pytest.raises(StandInRefused) as caught:
        check_request(body, messages)
    return caught.value.refusal.message


def test_usual_request_passes() -> None:
    check_request({"tools": [TOOL], "tool_choice": "auto", "stop": ["a"] * 4}, [USER, CALLED, RESULT, USER])


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([{"role": "assistant", "content": None}], "got null"),
        ([{"role": "user", "content": []}], "empty array"),
        ([{**USER, "name": "a b"}], ".name'"),
        ([{"role": "user", "content": [GIF]}], "unsupported image"),
        ([CALLED, {**RESULT, "content": [GIF]}], "Image URLs are only allowed"),
        ([{**CALLED, "tool_calls": [{**CALL, "id": "c" * 41}]}], "string too long"),
        ([{**CALLED, "tool_calls": [{**CALL, "function": {"name": "look", "arguments": {}}}]}], "expected a string"),
        ([{**CALLED, "tool_calls": [{**CALL, "function": {"name": "a b", "arguments": ""}}]}], "match pattern"),
        ([CALLED, USER, RESULT], "did not have response messages: c"),
        ([CALLED], "did not have response messages: c"),
        ([USER, RESULT], "must be a response to a preceeding message"),
        ([{**CALLED, "tool_calls": [CALL, CALL]}, RESULT, RESULT], "Duplicate"),
    ],
)
def test_faulty_messages_are_refused(messages: list[dict[str, Any]], words: str) -> None:
    assert words in refusal(messages)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"tool_choice": "auto"}, "only allowed when 'tools'"),
        ({"tools": [{"function": {"name": "a.b"}}]}, "match pattern"),
        ({"tools": [{"function": {"name": "a", "parameters": {}}}]}, "type 'object'"),
        ({"tools": [{"function": {"name": "a", "parameters": {"type": "object", "anyOf": []}}}]}, "type 'object'"),
        ({"stop": ["a"] * 5}, "array too long"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}}, "json_schema.name"),
    ],
)
def test_faulty_options_are_refused(body: dict[str, Any], words: str) -> None:
    assert words in refusal([USER], **body)
