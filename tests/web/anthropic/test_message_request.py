import json
from typing import Any

import pytest

from engine.chat import ChatRequest, Image, Message, Role, Text, ToolCall
from engine.errors import BadRequest, UnknownModel
from engine.thoughts import Thought
from web.anthropic.message_request import ignored_fields, message_request
from web.anthropic.message_response import UNSIGNED

HELLO = {"role": "user", "content": "hello"}
LOOK = {"name": "look", "description": "Look.", "input_schema": {"type": "object"}}


def read(**fields: Any) -> ChatRequest:
    body = {"model": "auto", "max_tokens": 100, "messages": [HELLO], **fields}
    return message_request(body, id="r", key_id=7)


def turns(*messages: Any) -> tuple[Message, ...]:
    return read(messages=list(messages)).messages


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def test_limit_system_and_turns_are_read() -> None:
    found = read(system="Be brief.", messages=[HELLO, {"role": "assistant", "content": "Hi"}, HELLO])
    assert (found.id, found.key_id, found.model, found.max_output_tokens) == ("r", 7, "auto", 100)
    assert [(m.role, m.text) for m in found.messages] == [
        (Role.SYSTEM, "Be brief."),
        (Role.USER, "hello"),
        (Role.ASSISTANT, "Hi"),
        (Role.USER, "hello"),
    ]


def test_cache_control_marks_the_end_of_a_prefix() -> None:
    marked = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral"}}
    found = read(
        system=[marked, {"type": "text", "text": "b"}], tools=[{**LOOK, "cache_control": {"type": "ephemeral"}}]
    )
    assert [part.ends_cached_prefix for part in found.messages[0].parts] == [True, False]
    assert found.options.tools[0].ends_cached_prefix


def test_cache_control_of_the_request_marks_its_last_part() -> None:
    cached = {"cache_control": {"type": "ephemeral"}}
    found = read(**cached, messages=[HELLO, {"role": "assistant", "content": "Hi"}, HELLO])
    assert [message.parts[-1].ends_cached_prefix for message in found.messages] == [False, False, True]
    assert read(**cached, messages=[{"role": "assistant", "content": []}]).messages[-1].parts == ()


def test_turn_with_tool_results_is_a_message_for_each_and_one_for_the_rest() -> None:
    png = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}}
    called = {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "é"}}]}
    found = turns(
        HELLO,
        called,
        user(
            {"type": "tool_result", "tool_use_id": "c1", "content": [{"type": "text", "text": "a"}, png]},
            {"type": "tool_result", "tool_use_id": "c2", "content": "b", "is_error": True},
            {"type": "tool_result", "tool_use_id": "c3"},
            {"type": "text", "text": "So?"},
        ),
    )
    assert found[1].tool_calls == (ToolCall("c1", "look", '{"at": "é"}'),)
    assert [(m.role, m.tool_call_id) for m in found[2:]] == [
        (Role.TOOL, "c1"),
        (Role.TOOL, "c2"),
        (Role.TOOL, "c3"),
        (Role.USER, ""),
    ]
    assert [m.is_error for m in found[2:]] == [False, True, False, False]
    assert found[2].parts == (Text("a"), Image("data:image/png;base64,QQ=="))
    assert found[4].parts == ()


def test_thinking_without_a_signature_comes_back_without_one() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": UNSIGNED}
    [found] = turns({"role": "assistant", "content": [block, {"type": "text", "text": "a"}]})
    assert (found.thinking, found.thinking_signature, found.text) == ("hm", "", "a")


def test_thinking_comes_back_with_its_signature() -> None:
    [found] = turns(
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "redacted_thinking", "data": "x"},
                {"type": "text", "text": "a"},
            ],
        }
    )
    assert (found.thinking, found.thinking_signature, found.text) == ("hm", "s", "a")
    assert found.thoughts == (Thought("hm", "s"), Thought(redacted="x"))


@pytest.mark.parametrize(
    ("choice", "expected", "parallel"),
    [
        (None, None, None),
        ({"type": "auto"}, "auto", None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "none"}, "none", None),
        ({"type": "tool", "name": "look"}, {"type": "function", "function": {"name": "look"}}, None),
    ],
)
def test_tool_choice_is_that_of_openai(choice: Any, expected: Any, parallel: bool | None) -> None:
    options = read(tools=[LOOK], tool_choice=choice).options
    assert (options.tool_choice, options.parallel_tool_calls) == (expected, parallel)


@pytest.mark.parametrize(
    ("fields", "effort"),
    [
        ({}, None),
        ({"thinking": {"type": "disabled"}}, None),
        ({"thinking": {"type": "enabled", "budget_tokens": 4096}}, "low"),
        ({"thinking": {"type": "enabled", "budget_tokens": 4097}}, "medium"),
        ({"thinking": {"type": "enabled", "budget_tokens": 16_385}}, "high"),
        ({"thinking": {"type": "adaptive"}}, "medium"),
        ({"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}}, "max"),
        ({"output_config": {"effort": "low"}}, "low"),
    ],
)
def test_thinking_is_an_effort(fields: Any, effort: str | None) -> None:
    assert read(**fields).options.reasoning_effort == effort


@pytest.mark.parametrize("old", [False, True])
def test_schema_of_the_answer_is_that_of_openai(*, old: bool) -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    fields: Any = {"output_format": form} if old else {"output_config": {"format": form}}
    found = read(**fields).options.response_format
    assert found == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
    }


BAD: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"messages": []}, "messages"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
    ({"messages": [{"role": "user"}]}, "messages.0.content"),
    ({"messages": [user({"type": "video"})]}, "messages.0.content.0.type"),
    ({"messages": [user({"type": "text", "text": 5})]}, "messages.0.content.0.text"),
    ({"messages": [user({"type": "tool_result"})]}, "messages.0.content.0.tool_use_id"),
    (
        {"messages": [user({"type": "tool_result", "tool_use_id": "c", "is_error": "yes"})]},
        "messages.0.content.0.is_error",
    ),
    ({"messages": [user({"type": "image", "source": {"type": "file"}})]}, "messages.0.content.0.source.type"),
    (
        {"messages": [user({"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/x"}})]},
        "messages.0.content.0.source.url",
    ),
    ({"messages": [user({"type": "document", "source": {"type": "base64"}})]}, "messages.0.content.0.source.type"),
    ({"system": [{"type": "image"}]}, "system.0.text"),
    ({"system": 5}, "system"),
    ({"system": {}}, "system"),
    ({"stop_sequences": "end"}, "stop_sequences"),
    ({"thinking": {"budget_tokens": 4096}}, "thinking.type"),
    ({"temperature": 1.5}, "temperature"),
    ({"tools": [{}]}, "tools.0.name"),
    ({"tools": [{"type": {}, "name": "look"}]}, "tools.0.type"),
    ({"tool_choice": {"type": "tool", "name": "other"}, "tools": [LOOK]}, "tool_choice.name"),
    ({"tool_choice": {"type": "some"}}, "tool_choice.type"),
    ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
    ({"output_config": {"effort": "huge"}}, "output_config.effort"),
    ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ({"output_format": {"type": "json"}}, "output_format.type"),
]


@pytest.mark.parametrize(("fields", "field"), BAD, ids=[json.dumps(fields)[:60] for fields, _ in BAD])
def test_wrong_field_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(**fields)
    assert refused.value.field == field


def test_model_must_be_short_and_printable() -> None:
    for name in ("x" * 1000, "a\nb"):
        with pytest.raises(UnknownModel):
            read(model=name)


def test_fields_that_no_offer_takes_are_ignored_by_name() -> None:
    assert ignored_fields({"top_k": 5, "metadata": {}, "container": None}) == ("top_k",)
    searching = [LOOK, {"type": "web_search_20250305", "name": "web_search"}]
    assert ignored_fields({"tools": searching}) == ("tools.web_search_20250305",)
    assert ignored_fields({"tools": [{"type": "bash_20250124", "name": "bash"}]}) == ()
    assert [tool.name for tool in read(tools=searching).options.tools] == ["look"]


def test_choice_of_a_tool_that_is_left_out_is_named() -> None:
    searching = [LOOK, {"type": "web_search_20250305", "name": "web_search"}]
    chosen = {"type": "tool", "name": "web_search", "disable_parallel_tool_use": True}
    options = read(tools=searching, tool_choice=chosen).options
    assert (options.tool_choice, options.parallel_tool_calls) == (None, False)
    named = ignored_fields({"tools": searching, "tool_choice": chosen})
    assert named == ("tool_choice", "tools.web_search_20250305")


def test_fields_within_others_are_named_too() -> None:
    budget = {"task_budget": {"type": "tokens", "total": 20_000}}
    assert ignored_fields({"output_config": budget}) == ("output_config.task_budget",)
    assert ignored_fields({"output_config": {"effort": "low"}, "thinking": {"type": "adaptive"}}) == ()
