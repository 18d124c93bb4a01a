"""The body of a chat completion, read into a ChatRequest."""

from typing import Any

import pytest

from engine.chat import ChatRequest, Image, Role, Text, Tool, ToolCall
from engine.errors import BadRequest, UnknownModel
from web.openai import chat_request
from web.pipeline.fields import Fields
from web.pipeline.unserved import unserved_fields

HELLO = {"role": "user", "content": "hello"}
TOOL = {
    "type": "function",
    "function": {"name": "look", "description": "Look.", "parameters": {"a": 1}, "strict": True},
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def read(**fields: Any) -> ChatRequest:
    return chat_request.chat_request({"model": "auto", "messages": [HELLO], **fields}, id="r", key_id=7)


def refused(**fields: Any) -> str:
    with pytest.raises(BadRequest) as caught:
        read(**fields)
    return caught.value.field


def test_plain_request_has_defaults() -> None:
    request = read()
    assert (request.id, request.key_id, request.model, request.n, request.max_output_tokens) == (
        "r",
        7,
        "auto",
        1,
        None,
    )
    assert request.messages[0].parts == (Text("hello"),)
    assert request.options.stop == ()


def test_options_pass_through() -> None:
    options = read(temperature=0.5, top_p=1, stop="x", seed=3, tools=[TOOL], tool_choice="auto", logprobs=True).options
    assert (options.temperature, options.top_p, options.stop, options.seed) == (0.5, 1, ("x",), 3)
    assert options.tools == (Tool("look", "Look.", {"a": 1}, strict=True),)
    assert (options.tool_choice, options.logprobs) == ("auto", True)


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"max_tokens": 5}, 5),
        ({"max_completion_tokens": 6}, 6),
        ({"max_tokens": 5, "max_completion_tokens": 6}, 6),
        ({"max_tokens": None}, None),
    ],
)
def test_newer_name_of_the_output_limit_wins(fields: dict[str, int], limit: int | None) -> None:
    assert read(**fields).max_output_tokens == limit


@pytest.mark.parametrize(
    ("role", "expected"), [("system", Role.SYSTEM), ("developer", Role.SYSTEM), ("function", Role.TOOL)]
)
def test_roles_of_older_and_newer_clients_are_read(role: str, expected: Role) -> None:
    assert read(messages=[{"role": role, "content": "x"}]).messages[0].role is expected


def test_tool_calls_need_no_content() -> None:
    call = {"id": "c1", "function": {"name": "look", "arguments": "{}"}}
    made, result = read(
        messages=[{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c1", "content": "x"}]
    ).messages
    assert (made.parts, made.tool_calls) == ((), (ToolCall("c1", "look", "{}"),))
    assert result.tool_call_id == "c1"


@pytest.mark.parametrize("image", [{"url": PIXEL, "detail": "low"}, PIXEL])
def test_image_is_an_object_or_an_address(image: object) -> None:
    parts = read(messages=[{"role": "user", "content": [{"type": "image_url", "image_url": image}]}]).messages[0].parts
    assert parts == (Image(PIXEL, "low" if isinstance(image, dict) else "auto"),)


@pytest.mark.parametrize(
    ("messages", "field"),
    [
        ([], "messages"),
        ([{"role": "king", "content": "x"}], "messages.0.role"),
        ([{"content": "x"}], "messages.0.role"),
        ([{"role": "user"}], "messages.0.content"),
        ([HELLO, {"role": "user", "content": 5}], "messages.1.content"),
        ([{"role": "user", "content": [{"type": "text", "text": 5}]}], "messages.0.content.0.text"),
        ([{"role": "user", "content": ["x"]}], "messages.0.content.0.type"),
        ([{"role": "user", "content": "x", "name": 5}], "messages.0.name"),
        ([{"role": "tool", "content": "x", "tool_call_id": 5}], "messages.0.tool_call_id"),
        ([{"role": "assistant", "tool_calls": [{"id": 5, "function": {}}]}], "messages.0.tool_calls.0.id"),
        (
            [{"role": "assistant", "tool_calls": [{"function": {"name": {}}}]}],
            "messages.0.tool_calls.0.function.name",
        ),
        ([{"role": "user", "content": [{"type": {}}]}], "messages.0.content.0.type"),
        ([{"role": "assistant", "tool_calls": [{"id": "c1"}]}], "messages.0.tool_calls.0.function"),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": "http://10.0.0.1/x"}]}],
            "messages.0.content.0.image_url",
        ),
    ],
)
def test_wrong_message_is_named(messages: object, field: str) -> None:
    assert refused(messages=messages) == field


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools.0"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools.0.function.name"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function.name"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "other"}}},
            "tool_choice.function.name",
        ),
        ({"tools": [TOOL], "tool_choice": {"type": "x", "function": {"name": "look"}}}, "tool_choice.type"),
        ({"reasoning_effort": "insufficient_quota"}, "reasoning_effort"),
        ({"reasoning_effort": ["low"]}, "reasoning_effort"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": 5}}},
            "response_format.json_schema.name",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"strict": "yes"}}},
            "response_format.json_schema.strict",
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"schema": 1}}},
            "response_format.json_schema.schema",
        ),
        ({"n": 9}, "n"),
        ({"n": True}, "n"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": ["a", 1]}, "stop"),
        ({"tools": [TOOL] * 129}, "tools"),
    ],
)
def test_wrong_option_is_named(fields: dict[str, Any], field: str) -> None:
    assert refused(**fields) == field


def test_image_detail_is_allow_listed() -> None:
    image = {"url": PIXEL, "detail": "invalid_api_key"}
    messages = [{"role": "user", "content": [{"type": "image_url", "image_url": image}]}]
    assert refused(messages=messages) == "messages.0.content.0.image_url.detail"


def test_chosen_tool_goes_out_with_known_fields_only() -> None:
    name = "look"
    choice = {"function": {"name": name, "more": "x"}, "more": "x"}
    chosen = read(tools=[TOOL], tool_choice=choice).options.tool_choice
    assert chosen == {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize("effort", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_known_efforts_of_reasoning_pass(effort: str) -> None:
    assert read(reasoning_effort=effort).options.reasoning_effort == effort


@pytest.mark.parametrize("fields", [{"n": 8}, {"stop": ["a"] * 4}, {"model": "x" * 200}, {"tools": [TOOL] * 128}])
def test_limits_are_inclusive(fields: dict[str, Any]) -> None:
    read(**fields)


@pytest.mark.parametrize("value", [10**400, -(10**400), float("nan"), float("inf"), True, "1"])
def test_number_outside_its_range_is_named(value: object) -> None:
    with pytest.raises(BadRequest, match="temperature"):
        Fields({"temperature": value}).number("temperature", 0, 2)


@pytest.mark.parametrize(
    ("body", "stream", "usage"),
    [
        ({}, False, False),
        ({"stream": None, "stream_options": None}, False, False),
        ({"stream": True, "stream_options": {}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
    ],
)
def test_stream_and_usage_are_asked_for(body: dict[str, Any], *, stream: bool, usage: bool) -> None:
    assert (chat_request.wants_stream(body), chat_request.wants_usage(body)) == (stream, usage)


@pytest.mark.parametrize("name", ["x" * 201, "a\nb", "\0"])
def test_name_that_can_not_be_journaled_is_an_unknown_model(name: str) -> None:
    with pytest.raises(UnknownModel):
        read(model=name)


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [{"function": {"name": "look"}}]}},
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]},
    ],
)
def test_list_of_allowed_tools_is_read_in_both_forms(choice: dict[str, Any]) -> None:
    named = [{"type": "function", "function": {"name": "look"}}]
    expected = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": named}}
    assert read(tools=[TOOL], tool_choice=choice).options.tool_choice == expected


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        ({"type": "allowed_tools"}, "tool_choice.allowed_tools.tools"),
        ({"type": "allowed_tools", "mode": "x", "tools": [{"name": "look"}]}, "tool_choice.allowed_tools.mode"),
        ({"type": "allowed_tools", "tools": [{"name": "x"}]}, "tool_choice.allowed_tools.tools.0.name"),
        ({"type": "allowed_tools", "tools": [{"function": 7}]}, "tool_choice.allowed_tools.tools.0.name"),
    ],
)
def test_wrong_list_of_allowed_tools_is_named(choice: dict[str, Any], field: str) -> None:
    assert refused(tools=[TOOL], tool_choice=choice) == field


def test_mark_of_a_cached_prefix_on_a_tool_is_read() -> None:
    assert read(tools=[{**TOOL, "cache_control": {"type": "ephemeral"}}]).options.tools[0].ends_cached_prefix


@pytest.mark.parametrize("choice", ["none", "auto", "required"])
def test_choice_of_a_tool_may_be_an_object_with_its_type(choice: str) -> None:
    assert read(tools=[TOOL], tool_choice={"type": choice}).options.tool_choice == choice


def test_biases_are_numbers_by_the_ids_of_tokens() -> None:
    assert read(logit_bias={"50256": -100, "7": 0.5}).options.logit_bias == {"50256": -100, "7": 0.5}
    assert refused(logit_bias={"7": 101}) == refused(logit_bias={"7": "x"}) == refused(logit_bias={"7": True})
    assert refused(logit_bias={"7": 101}) == "logit_bias.7"
    assert refused(logit_bias={"a": 1}) == "logit_bias"


@pytest.mark.parametrize("name", ["guided_json", "guided_choice", "structured_outputs", "grammar", "search_parameters"])
def test_fields_of_other_servers_are_named(name: str) -> None:
    assert unserved_fields({name: {"a": 1}}, chat_request.UNSERVED) == (name,)
