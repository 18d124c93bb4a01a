from typing import Any

import pytest

from engine.chat import ChatRequest, Image, Message, Role, Text, Tool, ToolCall, says
from engine.errors import CapabilityMissing
from engine.ports import ProviderCall
from tests.engine.providers.dialects.wires import Wire, asking


async def test_turns_roles_and_system_are_sent() -> None:
    request = ChatRequest(
        "r",
        "m",
        (
            says(Role.SYSTEM, "be kind"),
            says(Role.USER, "one"),
            says(Role.USER, "two"),
            Message(Role.ASSISTANT, (), (ToolCall("c", "look", '{"a": 1}'),)),
            Message(Role.TOOL, (Text("7"),), tool_call_id="c"),
        ),
    )
    body = await Wire("gemini").body(request)
    assert body["systemInstruction"] == {"parts": [{"text": "be kind"}]}
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["contents"][1]["parts"] == [{"functionCall": {"name": "look", "args": {"a": 1}}}]
    assert body["contents"][2]["parts"] == [{"functionResponse": {"name": "look", "response": {"result": "7"}}}]
    assert set(body) == {"contents", "systemInstruction", "generationConfig"}


async def test_options_are_translated_to_the_generation_config() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = await Wire("gemini").body(asking(temperature=0.5, top_p=0.9, stop=("END",), seed=3, response_format=wanted))
    assert body["generationConfig"] == {
        "maxOutputTokens": 100,
        "temperature": 0.5,
        "topP": 0.9,
        "stopSequences": ["END"],
        "seed": 3,
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }


@pytest.mark.parametrize(
    ("model", "effort", "thinking"),
    [
        ("gemini-2.5-flash-lite", None, None),
        ("gemini-2.5-flash", None, {"thinkingBudget": 0}),
        ("gemini-3.5-flash-lite", None, {"thinkingLevel": "minimal"}),
        ("gemini-3.5-flash-lite", "none", {"thinkingLevel": "minimal"}),
        ("gemini-3.7-flash", None, {"thinkingLevel": "low"}),
        ("gemini-3.8-flash", None, {"thinkingLevel": "low"}),
        ("gemini-3.8-flash", "none", {"thinkingLevel": "low"}),
        ("gemini-3.8-flash", "minimal", {"thinkingLevel": "low"}),
        ("gemini-3.1-pro-preview", None, {"thinkingLevel": "low"}),
        ("gemini-3.1-pro-preview", "none", {"thinkingLevel": "low"}),
        ("gemini-2.5-pro", None, None),
        ("gemini-3.8-flash", "low", {"thinkingLevel": "low", "includeThoughts": True}),
        ("gemini-2.5-flash", "low", {"thinkingBudget": 1024, "includeThoughts": True}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128}),
        ("gemini-2.5-flash-lite", "high", {"thinkingBudget": 24576, "includeThoughts": True}),
    ],
)
async def test_thinking_is_set_by_level_or_budget_never_both(model: str, effort: str | None, thinking: Any) -> None:
    body = await Wire("gemini", model=model).body(asking(reasoning_effort=effort))
    assert body["generationConfig"].get("thinkingConfig") == thinking


async def test_pictures_are_sent_inline_and_urls_are_refused() -> None:
    picture = Message(Role.USER, (Image("data:image/png;base64,AAAA"),))
    body = await Wire("gemini").body(ChatRequest("r", "m", (picture,)))
    assert body["contents"][0]["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "AAAA"}}]
    with pytest.raises(CapabilityMissing):
        await Wire("gemini").body(ChatRequest("r", "m", (Message(Role.USER, (Image("https://x.test/a.png"),)),)))


async def test_newest_models_get_no_penalties_and_no_begun_answer() -> None:
    config = (await Wire("gemini", model="gemini-3.5-flash-lite").body(asking(presence_penalty=1.0)))[
        "generationConfig"
    ]
    assert "presencePenalty" not in config
    begun = ChatRequest("r", "m", (says(Role.USER, "x"), says(Role.ASSISTANT, "y")))
    with pytest.raises(CapabilityMissing):
        await Wire("gemini", model="gemini-3.5-flash-lite").body(begun)


async def test_tools_and_tool_choice_are_translated() -> None:
    tool = Tool("look", "looks", {"type": "object", "properties": {}})
    body = await Wire("gemini").body(asking(tools=(tool,), tool_choice={"function": {"name": "look"}}))
    assert body["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"] == tool.parameters
    assert body["toolConfig"]["functionCallingConfig"] == {"mode": "ANY", "allowedFunctionNames": ["look"]}


@pytest.mark.parametrize(
    ("model", "tools", "is_checked"),
    [
        ("gemini-2.5-flash", (), False),
        ("gemini-2.5-flash", (Tool("look"),), True),
        ("gemini-3-flash", (Tool("look"),), False),
    ],
)
def test_json_is_checked_if_functions_switch_json_mode_off(
    model: str, tools: tuple[Tool, ...], is_checked: bool
) -> None:
    asked = asking(response_format={"type": "json_object"}, tools=tools)
    assert Wire("gemini").provider.checks_schema(ProviderCall(asked, model, 100)) is is_checked
