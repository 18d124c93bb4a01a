"""Names of properties that Claude refuses: replaced in what goes out, and given back in the answer."""

import json
from typing import Any

import pytest

from engine.chat import ChatRequest, Message, Options, Role, Text, Tool, ToolCall, says
from engine.providers.mending.property_names import (
    PROPERTY_NAME,
    arguments_with,
    has_plain_properties,
    replaced_properties,
    with_plain_properties,
)
from engine.providers.mending.tool_names import safe_name
from tests.engine.providers.dialects.wires import Wire, calls
from tests.engine.providers.shapes.test_anthropic_streams import CALL_END, START, STOP, TOOL, delta

SIZE, BLANK = safe_name("größe", PROPERTY_NAME), safe_name("a b", PROPERTY_NAME)
SCHEMA = {
    "type": "object",
    "properties": {
        "größe": {"type": "object", "properties": {"a b": {"type": "integer"}, "c": {}}, "required": ["a b"]},
        "list": {"type": "array", "items": {"anyOf": [{"properties": {"a b": {}}}, {"type": "null"}]}},
    },
    "required": ["größe", "list"],
}
OPTIONS = Options(tools=(Tool("get_weather", "", SCHEMA), Tool("look", "", {"properties": {"x-1.y_z": {}}})))
OWN: dict[str, Any] = {"größe": {"a b": 1, "c": {"größe": 2}}, "list": [{"a b": None}]}
SENT: dict[str, Any] = {SIZE: {BLANK: 1, "c": {SIZE: 2}}, "list": [{BLANK: None}]}


def asked() -> ChatRequest:
    call = ToolCall("toolu_0", "get_weather", json.dumps(OWN))
    result = Message(Role.TOOL, (Text("ok"),), tool_call_id="toolu_0")
    messages = (says(Role.USER, "go"), Message(Role.ASSISTANT, (), (call,)), result)
    return ChatRequest("r", "m", messages, options=OPTIONS)


def test_refused_names_are_replaced_at_every_depth() -> None:
    assert replaced_properties(OPTIONS) == {SIZE: "größe", BLANK: "a b"}
    assert replaced_properties(Options(tools=(Tool("look", "", {"properties": {"a": {}}}),))) == {}
    assert not has_plain_properties(SCHEMA)
    assert has_plain_properties({"properties": {"x" * 64: {}}})
    assert not has_plain_properties({"properties": {"x" * 65: {}}})


def test_request_without_refused_names_stays_as_it_is() -> None:
    request = ChatRequest("r", "m", (says(Role.USER, "go"),))
    assert with_plain_properties(request, {}) is request


@pytest.mark.parametrize("text", ["", "no", '{"a b":', "[" * 100_000])
def test_arguments_that_are_no_json_stay_as_they_are(text: str) -> None:
    assert arguments_with(text, {"a b": "c"}) == text


def test_schemas_and_values_without_end_are_walked_to_a_depth() -> None:
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"properties": {"a b": deep}}
    options = Options(tools=(Tool("look", "", deep),))
    assert list(replaced_properties(options)) == [BLANK]
    with_plain_properties(ChatRequest("r", "m", (), options=options), {BLANK: "a b"})


async def test_claude_gets_names_that_it_accepts_and_the_client_its_own() -> None:
    pieces = json.dumps(SENT)
    body = [delta(0, type="input_json_delta", partial_json=part) for part in (pieces[:9], pieces[9:])]
    wire = Wire("anthropic", "".join((START, TOOL, *body, CALL_END, STOP)))
    sent = await wire.body(asked())
    schema = sent["tools"][0]["input_schema"]
    assert set(schema["properties"]) == {SIZE, "list"}
    assert schema["required"] == [SIZE, "list"]
    assert schema["properties"][SIZE]["required"] == [BLANK]
    assert sent["messages"][1]["content"][0]["input"] == SENT
    [(name, arguments)] = calls(await wire.chunks(asked()))
    assert (name, json.loads(arguments)) == ("get_weather", OWN)


async def test_stream_without_a_reason_gives_the_arguments_too() -> None:
    piece = delta(0, type="input_json_delta", partial_json=json.dumps(SENT))
    [(_, arguments)] = calls(await Wire("anthropic", START + TOOL + piece + STOP).chunks(asked()))
    assert json.loads(arguments) == OWN


async def test_schema_of_the_answer_goes_out_in_words_where_a_tool_would_have_such_names() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}
    request = ChatRequest("r", "m", (says(Role.USER, "go"),), options=Options(response_format=wanted))
    body = await Wire("anthropic", model="claude-sonnet-4-0").body(request)
    assert "tools" not in body
    assert "größe" in body["system"]
