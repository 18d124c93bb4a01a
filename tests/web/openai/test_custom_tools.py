"""Custom tools: functions with one text as their argument."""

from typing import Any

import pytest

from engine.errors import BadRequest
from tests.web.conftest import RunningApi
from tests.web.openai.responses.test_request import read
from web.openai.chat_request import chat_request
from web.openai.custom_tools import arguments_of, custom_names, input_of

PATCH: dict[str, Any] = {"type": "custom", "name": "patch", "description": "Applies a patch."}
LARK = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}


def test_tool_is_a_function_with_one_text() -> None:
    [tool] = read(tools=[PATCH]).options.tools
    assert (tool.name, tool.description) == ("patch", "Applies a patch.")
    assert tool.parameters["required"] == ["input"]


def test_grammar_is_given_in_words() -> None:
    [tool] = read(tools=[{**PATCH, "format": LARK}]).options.tools
    assert tool.description == "Applies a patch.\n\nThe input must follow this lark grammar:\nstart: WORD"


@pytest.mark.parametrize("text", ["", "a", 'a "b"\n{}', "é\ud83d"])
def test_input_is_the_same_after_both_ways(text: str) -> None:
    assert input_of(arguments_of(text)) == text


@pytest.mark.parametrize("arguments", ["", "no", "[1]", "{}", '{"input": 7}', '{"input": "a', "[" * 100_000])
def test_other_arguments_are_the_input_themselves(arguments: str) -> None:
    assert input_of(arguments) == arguments


@pytest.mark.parametrize(
    ("tools", "field"),
    [
        ([{"type": "custom"}], "tools.0.name"),
        ([{**PATCH, "format": {"type": "xml"}}], "tools.0.format.type"),
        ([{**PATCH, "format": {**LARK, "syntax": "bnf"}}], "tools.0.format.syntax"),
        ([{**PATCH, "format": {"type": "grammar", "syntax": "regex"}}], "tools.0.format.definition"),
    ],
)
def test_wrong_field_is_named(tools: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(tools=tools)
    assert refused.value.field == field


LOOK: dict[str, Any] = {"type": "custom", "custom": {"name": "look", "description": "Looks."}}
FUNCTION: dict[str, Any] = {
    "type": "function",
    "function": {"name": "find", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}},
}
ASKED = {"role": "user", "content": "use the tool look"}
MODELS = ["deepseek/deepseek-v4-flash", "gemini/gemini-2.5-flash-lite", "anthropic/claude-haiku-4-5", "gpt-4o"]


def chat(**fields: Any) -> Any:
    return chat_request({"model": "auto", "messages": [ASKED], **fields}, id="r")


def test_grammar_of_chat_completions_is_nested() -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: WORD"}}
    [tool] = chat(tools=[{"type": "custom", "custom": {**LOOK["custom"], "format": grammar}}]).options.tools
    assert tool.description == "Looks.\n\nThe input must follow this lark grammar:\nstart: WORD"
    assert tool.parameters["required"] == ["input"]


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "custom", "custom": {"name": "look"}},
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "custom", "custom": {"name": "look"}}]},
        },
    ],
)
def test_custom_tool_may_be_chosen(choice: dict[str, Any]) -> None:
    chosen = chat(tools=[FUNCTION, LOOK], tool_choice=choice).options.tool_choice
    named = chosen.get("allowed_tools", {"tools": [chosen]})["tools"]
    assert named == [{"type": "function", "function": {"name": "look"}}]


def test_call_in_the_history_has_the_text_as_argument() -> None:
    call = {"id": "c", "type": "custom", "custom": {"name": "look", "input": "é"}}
    [_, message] = chat(messages=[ASKED, {"role": "assistant", "tool_calls": [call]}]).messages
    assert [(each.id, each.name, each.arguments) for each in message.tool_calls] == [("c", "look", '{"input": "é"}')]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"tools": [{"type": "custom"}]}, "tools.0.custom.name"),
        (
            {"tools": [{"type": "custom", "custom": {"name": "a", "format": {"type": "x"}}}]},
            "tools.0.custom.format.type",
        ),
        ({"tools": [LOOK], "tool_choice": {"type": "custom", "custom": {"name": "b"}}}, "tool_choice.custom.name"),
        ({"tools": [{"type": "web_search"}]}, "tools.0"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"type": "custom", "custom": {}}]}]},
            "messages.0.tool_calls.0.custom.name",
        ),
    ],
)
def test_wrong_field_of_a_chat_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        chat(**fields)
    assert refused.value.field == field


@pytest.mark.parametrize("tools", [None, 7, [7], [FUNCTION], [{"type": "custom"}], [{"type": []}]])
def test_other_tools_are_not_custom(tools: Any) -> None:
    assert custom_names(tools) == frozenset()


@pytest.mark.parametrize("model", MODELS)
async def test_call_in_a_chat_has_a_text_as_input(api: RunningApi, model: str) -> None:
    asked: Any = {
        "model": model,
        "tools": [FUNCTION, LOOK],
        "tool_choice": {"type": "custom", "custom": {"name": "look"}},
    }
    messages: list[Any] = [ASKED]
    async with api.ai() as ai:
        whole = await ai.chat.completions.create(messages=messages, **asked)
        [call] = whole.choices[0].message.tool_calls or []
        assert call.type == "custom"
        assert (call.custom.name, whole.choices[0].finish_reason) == ("look", "tool_calls")
        chunks = [each async for each in await ai.chat.completions.create(messages=messages, stream=True, **asked)]
        streamed = [each for chunk in chunks for choice in chunk.choices for each in choice.delta.tool_calls or ()]
        assert [(each.index, each.model_extra) for each in streamed] == [
            (0, {"custom": {"name": "look", "input": call.custom.input}})
        ]
        assert chunks[-1].choices[0].finish_reason == "tool_calls"
        said: Any = whole.choices[0].message.model_dump(exclude_none=True)
        result: Any = {"role": "tool", "tool_call_id": call.id, "content": "a whale"}
        history = [*messages, said, result]
        after = await ai.chat.completions.create(model=model, messages=history, tools=asked["tools"])
    assert "a whale" in (after.choices[0].message.content or "")
