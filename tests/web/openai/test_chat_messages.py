"""Messages of a chat completion, in the forms that clients send."""

from typing import Any

import pytest

from engine.chat import Image, Role, Text, ToolCall
from engine.errors import BadRequest
from web.openai.chat_messages import chat_message

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def called(**call: Any) -> ToolCall:
    message = {"role": "assistant", "content": None, "tool_calls": [{"id": "a", "type": "function", **call}]}
    return chat_message(message, "messages.0").tool_calls[0]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ({"a": "é"}, '{"a":"é"}'),
        ([], "[]"),
        ({}, "{}"),
        (None, ""),
        (7, "7"),
    ],
)
def test_arguments_are_json_text(arguments: Any, text: str) -> None:
    assert called(function={"name": "look", "arguments": arguments}) == ToolCall("a", "look", text)


@pytest.mark.parametrize(
    "place",
    [
        {"extra_content": {"google": {"thought_signature": "c2ln"}}},
        {"provider_specific_fields": {"thought_signature": "c2ln"}},
    ],
)
def test_signature_of_a_call_is_read_beside_it_or_within(place: dict[str, Any]) -> None:
    assert called(function={"name": "look"}, **place).signature == "c2ln"
    assert called(function={"name": "look", **place}).signature == "c2ln"
    assert called(function={"name": "look"}, extra_content={"google": 7}).signature == ""


@pytest.mark.parametrize(
    ("fields", "thinking", "signature"),
    [
        ({"reasoning_content": "hm"}, "hm", ""),
        ({"reasoning": "hm"}, "hm", ""),
        ({"reasoning_content": "hm", "reasoning_signature": "s"}, "hm", "s"),
        ({"thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}]}, "hm", "s"),
        (
            {"thinking_blocks": [{"thinking": "a", "signature": "s"}, {"type": "redacted_thinking", "data": "x"}]},
            "a",
            "s",
        ),
        ({"reasoning_content": None, "reasoning": {"x": 1}, "thinking_blocks": [7]}, "", ""),
    ],
)
def test_reasoning_is_taken_back(fields: dict[str, Any], thinking: str, signature: str) -> None:
    message = chat_message({"role": "assistant", "content": "x", **fields}, "messages.0")
    assert (message.thinking, message.thinking_signature) == (thinking, signature)
    user = chat_message({"role": "user", "content": "x", **fields}, "messages.0")
    assert (user.thinking, user.thinking_signature) == ("", "")


def test_older_function_messages_are_calls_and_results() -> None:
    call = chat_message({"role": "assistant", "function_call": {"name": "look", "arguments": "{}"}}, "m")
    assert call.tool_calls == (ToolCall("", "look", "{}"),)
    result = chat_message({"role": "function", "name": "look", "content": "7"}, "m")
    assert (result.role, result.name, result.tool_call_id) == (Role.TOOL, "look", "")


def test_picture_of_a_tool_is_read() -> None:
    parts = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    message = chat_message({"role": "tool", "tool_call_id": "a", "content": parts}, "m")
    assert message.parts == (Text("see"), Image(PIXEL))


def test_marks_of_cached_prefixes_are_read() -> None:
    mark = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    parts = [{"type": "text", "text": "a", **mark}, {"type": "image_url", "image_url": PIXEL, **mark}]
    assert [p.ends_cached_prefix for p in chat_message({"role": "user", "content": parts}, "m").parts] == [True, True]
    assert chat_message({"role": "user", "content": "x", **mark}, "m").parts[0].ends_cached_prefix
    assert not chat_message({"role": "user", "content": "x", "cache_control": 7}, "m").parts[0].ends_cached_prefix


@pytest.mark.parametrize(
    "url", ["DATA:IMAGE/PNG;base64,AAAA", "data:application/octet-stream;base64,AAAA", "HTTPS://x.test/a"]
)
def test_address_of_a_picture_is_read_in_any_case(url: str) -> None:
    message = chat_message({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}, "m")
    assert message.parts == (Image(url),)


@pytest.mark.parametrize("url", ["data:text/html;base64,AAAA", "ftp://x.test/a", 7, None, "http://127.0.0.1/a"])
def test_other_addresses_are_refused(url: Any) -> None:
    with pytest.raises(BadRequest) as caught:
        chat_message({"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}, "m")
    assert caught.value.field == "m.content.0.image_url"
