"""Requests in OpenAI's dialect, in the form that each provider accepts."""

from typing import Any

import pytest

from engine.chat import ChatRequest, Message, Role, Text, Tool, ToolCall, says
from engine.ports import ProviderCall
from tests.engine.providers.dialects.wires import Wire, asking, data


async def test_no_field_that_could_change_the_bill_is_sent() -> None:
    known = {"model", "messages", "stream", "stream_options", "max_completion_tokens"}
    assert set(await Wire("openai").body()) == known


async def test_openai_is_asked_for_no_padding_and_mistral_for_no_usage() -> None:
    assert (await Wire("openai").body())["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    assert (await Wire("openrouter").body())["stream_options"] == {"include_usage": True}
    assert "stream_options" not in await Wire("mistral").body()


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("openai", "max_completion_tokens"),
        ("groq", "max_completion_tokens"),
        ("deepseek", "max_tokens"),
        ("openrouter", "max_tokens"),
        ("mistral", "max_tokens"),
    ],
)
async def test_output_limit_has_the_providers_name(name: str, field: str) -> None:
    body = await Wire(name).body()
    assert body[field] == 100
    assert len({"max_tokens", "max_completion_tokens"} & set(body)) == 1


@pytest.mark.parametrize("name", ["groq", "mistral"])
async def test_fields_that_groq_and_mistral_refuse_are_not_sent(name: str) -> None:
    named = Message(Role.USER, (Text("hi"),), name="ann")
    called = Message(Role.ASSISTANT, (), (ToolCall("c", "look", "{}"),))
    result = Message(Role.TOOL, (Text("7"),), tool_call_id="c")
    request = ChatRequest("r", "m", (named, called, result), options=asking(logprobs=True, top_logprobs=2).options)
    body = await Wire(name).body(request)
    assert not {"logprobs", "top_logprobs", "logit_bias", "seed" if name == "mistral" else ""} & set(body)
    assert "name" not in body["messages"][0]
    assert body["messages"][2].get("name") == ("look" if name == "mistral" else None)


async def test_mistrals_seed_has_its_own_name() -> None:
    body = await Wire("mistral").body(asking(seed=7))
    assert body["random_seed"] == 7


@pytest.mark.parametrize(
    ("name", "model", "effort", "fields"),
    [
        ("deepseek", "", None, {"thinking": {"type": "disabled"}}),
        ("deepseek", "", "none", {"thinking": {"type": "disabled"}}),
        ("deepseek", "", "medium", {"reasoning_effort": "high"}),
        ("openrouter", "", None, {"reasoning": {"effort": "low"}}),
        ("openrouter", "deepseek/deepseek-v4-flash", None, {"reasoning": {"effort": "none"}}),
        ("openrouter", "minimax/minimax-m2", None, {}),
        ("openai", "gpt-5.1", None, {"reasoning_effort": "none"}),
        ("openai", "gpt-5.2", "minimal", {"reasoning_effort": "none"}),
        ("openai", "gpt-5-nano", "none", {"reasoning_effort": "minimal"}),
        ("openai", "gpt-5.1", "xhigh", {"reasoning_effort": "high"}),
        ("openai", "o3", "none", {"reasoning_effort": "low"}),
        ("openai", "gpt-5-chat-latest", "high", {}),
        ("openai", "gpt-4o", "high", {}),
        ("mistral", "", "low", {"reasoning_effort": "high"}),
        ("mistral", "ministral-3b-2512", "low", {}),
        ("groq", "", "none", {"reasoning_effort": "low"}),
        ("groq", "llama-3.3-70b", "high", {}),
        ("openrouter", "", "low", {"reasoning": {"effort": "low"}}),
        ("openai", "gpt-5-nano", None, {"reasoning_effort": "minimal"}),
        ("openai", "gpt-6-luna", None, {"reasoning_effort": "none"}),
        ("groq", "", None, {"reasoning_effort": "low"}),
        ("groq", "qwen/qwen3-32b", None, {"reasoning_effort": "none"}),
    ],
)
async def test_thinking_is_off_unless_it_is_asked_for(
    name: str, model: str, effort: str | None, fields: dict[str, Any]
) -> None:
    body = await Wire(name, model=model).body(asking(reasoning_effort=effort))
    assert {key: body[key] for key in ("thinking", "reasoning", "reasoning_effort") if key in body} == fields


async def test_reasoning_models_get_no_sampling() -> None:
    wished = asking(temperature=0.2, top_p=0.5, stop=("x",), presence_penalty=1.0)
    assert not {"temperature", "top_p", "stop", "presence_penalty"} & set(
        await Wire("openai", model="gpt-5-nano").body(wished)
    )
    assert (await Wire("openai").body(wished))["temperature"] == 0.2


async def test_json_mode_is_asked_for_in_words_unless_a_message_does() -> None:
    wanted: Any = {"response_format": {"type": "json_object"}}
    body = await Wire("openai").body(asking(**wanted))
    assert "JSON" in body["messages"][0]["content"]
    assert len((await Wire("openai").body(asking("as json please", **wanted)))["messages"]) == 1


async def test_tools_are_sent_as_they_were_given() -> None:
    closed = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    tool = Tool("look", "looks", closed, strict=True)
    body = await Wire("openai").body(asking(tools=(tool,), tool_choice="required", parallel_tool_calls=False))
    assert body["tools"][0]["function"] == {
        "name": "look",
        "description": "looks",
        "parameters": closed,
        "strict": True,
    }
    assert (body["tool_choice"], body["parallel_tool_calls"]) == ("required", False)


CLOSED = {"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}
LOOSE = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("name", "schema", "is_strict"),
    [("openai", CLOSED, True), ("openai", LOOSE, False), ("groq", LOOSE, False), ("mistral", LOOSE, True)],
)
async def test_strict_is_sent_only_with_a_schema_that_it_accepts(
    name: str, schema: dict[str, Any], *, is_strict: bool
) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    tools = (Tool("look", "", schema, strict=True),)
    asked = asking(response_format=wanted)
    body = await Wire(name).body(asked)
    tooled = await Wire(name).body(asking(tools=tools))
    assert body["response_format"]["json_schema"]["strict"] is is_strict
    assert tooled["tools"][0]["function"]["strict"] is is_strict
    wire = Wire(name)
    assert wire.provider.checks_schema(ProviderCall(asked, wire.model, 100)) is not is_strict


async def test_strict_tool_without_arguments_is_closed() -> None:
    body = await Wire("openai").body(asking(tools=(Tool("look", "", {}, strict=True),)))
    assert body["tools"][0]["function"]["parameters"]["additionalProperties"] is False
    assert body["tools"][0]["function"]["strict"] is True


async def test_key_is_sent_in_its_header_only() -> None:
    wire = Wire("openai", data({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}]}))
    await wire.chunks(ChatRequest("r", "m", (says(Role.USER, "x"),)))
    assert wire.sent[0].headers["authorization"] == "Bearer k-1"
    assert b"k-1" not in wire.sent[0].content
    assert "k-1" not in str(wire.sent[0].url)


@pytest.mark.parametrize(
    ("name", "options", "sent"),
    [
        ("openai", {"stop": ("", "a", "a")}, {"stop": ["a"]}),
        ("openai", {"stop": ("",)}, {}),
        ("openai", {"top_p": 0}, {"top_p": 0}),
        ("deepseek", {"top_p": 0}, {"top_p": 0.01}),
        ("local", {"top_p": 0}, {"top_p": 0.01}),
        ("mistral", {"seed": -5}, {"random_seed": 2**63 - 5}),
        ("openai", {"seed": -5}, {"seed": -5}),
        ("openai", {"response_format": {"type": "text", "x": 1}}, {"response_format": {"type": "text"}}),
        (
            "openai",
            {
                "response_format": {
                    "type": "json_schema",
                    "x": 1,
                    "json_schema": {"name": "a b", "y": 1, "strict": None},
                }
            },
            {"response_format": {"type": "json_schema", "json_schema": {"name": "_a_b_c8687a"}}},
        ),
    ],
)
async def test_values_that_providers_refuse_are_mended(name: str, options: Any, sent: Any) -> None:
    plain = await Wire(name).body()
    body = await Wire(name).body(asking(**options))
    assert {field: value for field, value in body.items() if field not in plain} == sent


@pytest.mark.parametrize(
    ("model", "goes_out"),
    [("google/gemini-2.5-flash", False), ("google/gemini-3-pro", False), ("google/gemini-2.0-flash-001", True)],
)
async def test_penalties_go_to_no_gemini_that_refuses_them(model: str, goes_out: bool) -> None:
    wire = Wire("openrouter", model=model)
    asked = asking(presence_penalty=0.5)
    assert ("presence_penalty" in await wire.body(asked)) is goes_out
    assert ("presence_penalty" in wire.ignored(asked)) is not goes_out
