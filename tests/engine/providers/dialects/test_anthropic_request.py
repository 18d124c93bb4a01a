from typing import Any

import pytest

from engine.chat import ChatRequest, Image, Message, Role, Text, Tool, ToolCall, says
from engine.errors import CapabilityMissing
from engine.ports import ProviderCall
from engine.providers.tool_ids import ANSWER_TOOL
from tests.engine.providers.dialects.wires import Wire, asking


async def test_turns_system_and_output_limit_are_sent() -> None:
    request = ChatRequest(
        "r",
        "m",
        (
            says(Role.SYSTEM, "be kind"),
            Message(Role.USER, (Text("see"), Image("data:image/png;base64,AAAA"), Image("https://x.test/a.png"))),
            Message(Role.ASSISTANT, (), (ToolCall("c", "look", '{"a": 1}'),)),
            Message(Role.TOOL, (Text("7"),), tool_call_id="c"),
        ),
    )
    body = await Wire("anthropic").body(request)
    assert set(body) == {"model", "max_tokens", "messages", "stream", "system", "tools", "tool_choice"}
    assert (body["system"], body["max_tokens"]) == ("be kind", 100)
    sources = [block["source"]["type"] for block in body["messages"][0]["content"][1:]]
    assert sources == ["base64", "url"]
    assert body["messages"][1]["content"] == [{"type": "tool_use", "id": "c", "name": "look", "input": {"a": 1}}]
    assert body["messages"][2]["content"] == [{"type": "tool_result", "tool_use_id": "c", "content": "7"}]


async def test_fifth_generation_gets_no_sampling_no_thinking_and_no_begun_answer() -> None:
    five = Wire("anthropic", model="claude-haiku-5-5")
    body = await five.body(asking(temperature=0.3, top_p=0.5))
    assert not {"temperature", "top_p", "top_k"} & set(body)
    assert body["thinking"] == {"type": "disabled"}
    assert (await five.body(asking(reasoning_effort="none")))["thinking"] == {"type": "disabled"}
    assert (await five.body(asking(reasoning_effort="low")))["output_config"] == {"effort": "low"}
    with pytest.raises(CapabilityMissing):
        await five.body(ChatRequest("r", "m", (says(Role.USER, "x"), says(Role.ASSISTANT, "y"))))


async def test_earlier_models_get_one_sampling_parameter_and_one_choice() -> None:
    body = await Wire("anthropic").body(asking(temperature=1.7, top_p=0.5))
    assert body["temperature"] == 1.0
    assert "top_p" not in body
    assert "n" not in await Wire("anthropic").body(asking(n=2))
    assert Wire("anthropic").ignored(asking(n=2)) == ("n",)


async def test_tools_and_tool_choice_are_translated() -> None:
    body = await Wire("anthropic").body(asking(tools=(Tool("look"),), tool_choice="required"))
    assert body["tools"] == [{"name": "look", "description": "", "input_schema": {"type": "object", "properties": {}}}]
    assert body["tool_choice"] == {"type": "any"}


async def test_json_is_asked_for_in_the_system_prompt() -> None:
    body = await Wire("anthropic").body(asking(response_format={"type": "json_object"}))
    assert "JSON" in body["system"]


LINKED: dict[str, Any] = {
    "$defs": {
        "Node": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}}}
    },
    "$ref": "#/$defs/Node",
}


async def test_recursive_object_is_asked_for_as_the_arguments_of_a_tool() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": LINKED}}
    body = await Wire("anthropic").body(asking(response_format=wanted))
    assert body["tools"][0]["name"] == ANSWER_TOOL
    assert body["tools"][0]["input_schema"]["properties"] == LINKED["$defs"]["Node"]["properties"]
    assert "system" not in body


@pytest.mark.parametrize(
    ("wanted", "begun", "is_checked"),
    [
        ({"type": "json_object"}, "", True),
        ({"type": "json_object"}, "{", False),
        ({"type": "json_schema", "json_schema": {"schema": LINKED}}, "", True),
        ({"type": "json_schema", "json_schema": {"schema": {"type": "object", "properties": {}}}}, "", False),
        ({"type": "text"}, "", False),
    ],
)
def test_json_is_checked_unless_claude_enforces_it(wanted: dict[str, Any], begun: str, is_checked: bool) -> None:
    wire, asked = Wire("anthropic"), asking(response_format=wanted)
    turns = (*asked.messages, says(Role.ASSISTANT, begun)) if begun else asked.messages
    call = ProviderCall(ChatRequest("r", "m", turns, options=asked.options), wire.model, 100)
    assert wire.provider.checks_schema(call) is is_checked
