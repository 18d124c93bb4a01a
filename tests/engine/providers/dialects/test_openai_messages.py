"""Messages in OpenAI's dialect, in the form that each provider accepts."""

from typing import Any

import pytest

from engine.chat import ChatRequest, Message, Role, Text, ToolCall, says
from engine.errors import CapabilityMissing
from tests.engine.providers.dialects.histories import PICTURE, SIGNED, parallel_step, step
from tests.engine.providers.dialects.wires import Wire, asking

SHOWN = {
    "role": "user",
    "content": [
        {"type": "text", "text": "Picture in the result of look:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgoAAAAA", "detail": "auto"}},
    ],
}


def call(call_id: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "look", "arguments": arguments}}


async def messages(name: str, request: ChatRequest, model: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await Wire(name, model=model).body(request))["messages"]
    return found


@pytest.mark.parametrize("name", ["openai", "openrouter", "groq"])
async def test_tool_step_has_plain_ids_paired_results_and_the_picture_after_them(name: str) -> None:
    model = "llama-4" if name == "groq" else ""
    found = await messages(name, parallel_step(), model)
    other = found[1]["tool_calls"][1]["id"]
    assert len(other) <= 40
    broken = "{broken" if name == "openai" else '{"text": "{broken"}'
    assert found == [
        {"role": "user", "content": "go"},
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [call("call_gemini_1", '{"a": 1}'), call(other, broken)],
        },
        {"role": "tool", "content": "one", "tool_call_id": "call_gemini_1"},
        {"role": "tool", "content": "two", "tool_call_id": other},
        SHOWN,
        {"role": "user", "content": "and now?"},
    ]


async def test_mistral_gets_ids_of_nine_letters_and_an_assistant_between_tool_and_user() -> None:
    found = await messages("mistral", parallel_step())
    first, second = (each["id"] for each in found[1]["tool_calls"])
    assert all(len(each) == 9 and each.isalnum() for each in (first, second))
    assert found[2:] == [
        {"role": "tool", "content": "one", "tool_call_id": first, "name": "look"},
        {"role": "tool", "content": "two", "tool_call_id": second, "name": "look"},
        {"role": "assistant", "content": "OK."},
        SHOWN,
        {"role": "assistant", "content": "OK."},
        {"role": "user", "content": "and now?"},
    ]


async def test_call_without_content_has_null_and_its_picture_a_hint() -> None:
    request = step(
        Message(Role.ASSISTANT, (), (ToolCall("c", "look", ""),)), Message(Role.TOOL, (PICTURE,), tool_call_id="c")
    )
    assert (await messages("openai", request))[1:] == [
        {"role": "assistant", "content": None, "tool_calls": [call("c", "{}")]},
        {"role": "tool", "content": "(see the picture below)", "tool_call_id": "c"},
        SHOWN,
    ]


async def test_reasoning_is_given_back_to_deepseek_while_it_thinks_and_to_nobody_else() -> None:
    thought = Message(Role.ASSISTANT, (), (ToolCall("c", "look", "{}"),), thinking="hm", thinking_signature="s")
    plain = says(Role.ASSISTANT, "hello")
    request = step(
        thought, Message(Role.TOOL, (Text("1"),), tool_call_id="c"), plain, says(Role.USER, "x"), effort="high"
    )
    found = await messages("deepseek", request)
    assert (found[1]["reasoning_content"], found[3]["reasoning_content"]) == ("hm", "")
    quiet = step(thought, Message(Role.TOOL, (Text("1"),), tool_call_id="c"))
    for name in ("deepseek", "openai", "openrouter", "groq", "mistral"):
        asked = quiet if name == "deepseek" else request
        body = await Wire(name, model="deepseek/x" if name == "openrouter" else "").body(asked)
        given = {key for message in body["messages"] for key in message} - {"role", "content", "tool_calls"}
        assert given - {"tool_call_id", "name"} == ({"reasoning"} if name == "openrouter" else set())


async def test_blank_turns_are_mended_for_mistral_alone() -> None:
    history = (says(Role.USER, " "), says(Role.ASSISTANT, ""), says(Role.USER, "x"))
    request = ChatRequest("r", "m", history)
    assert [each["content"] for each in await messages("mistral", request)] == ["(no text)", "x"]
    assert [each["content"] for each in await messages("openai", request)] == [" ", "", "x"]


async def test_mistral_gets_the_system_within_a_conversation_as_the_user_and_a_mark_on_a_begun_answer() -> None:
    history = (
        says(Role.SYSTEM, "be kind"),
        says(Role.USER, "x"),
        says(Role.ASSISTANT, "y"),
        says(Role.SYSTEM, "be brief"),
        says(Role.ASSISTANT, "It is"),
    )
    found = await messages("mistral", ChatRequest("r", "m", history))
    assert [each["role"] for each in found] == ["system", "user", "assistant", "user", "assistant"]
    assert found[-1]["prefix"] is True
    assert "prefix" not in str(await messages("openai", ChatRequest("r", "m", history)))
    alone = await messages("mistral", ChatRequest("r", "m", (says(Role.SYSTEM, "be kind"),)))
    assert alone == [{"role": "user", "content": "be kind"}]
    late = (says(Role.USER, "x"), says(Role.SYSTEM, "be brief"))
    assert [each["role"] for each in await messages("mistral", ChatRequest("r", "m", late))] == ["user", "user"]


async def test_names_of_people_are_in_openais_form() -> None:
    named = Message(Role.USER, (Text("hi"),), name="Ann <b/> Lee" + "x" * 80)
    (found,) = await messages("openai", ChatRequest("r", "m", (named,)))
    assert found["name"] == ("Ann__b___Lee" + "x" * 80)[:64]


async def test_picture_that_openai_refuses_is_for_another_offer() -> None:
    heic = Message(Role.USER, (PICTURE.__class__("data:image/heic;base64,AAAAGGZ0eXBoZWljAAAA"),))
    with pytest.raises(CapabilityMissing, match="image/heic"):
        await messages("openai", ChatRequest("r", "m", (heic,)))


async def test_schema_goes_out_in_words_where_the_provider_has_none() -> None:
    form = {"type": "json_schema", "json_schema": {"schema": {"type": "object", "properties": {"a": {}}}}}
    body = await Wire("deepseek").body(asking(response_format=form))
    assert body["response_format"] == {"type": "json_object"}
    assert body["messages"][0]["role"] == "system"
    assert body["messages"][0]["content"].endswith('{"type":"object","properties":{"a":{}}}')
    named = (await Wire("openai").body(asking(response_format=form)))["response_format"]["json_schema"]
    assert named == {"schema": {"type": "object", "properties": {"a": {}}}, "name": "answer"}


def test_signed_id_is_longer_than_openai_takes() -> None:
    assert len(SIGNED) > 40
