"""Turns of Anthropic's Messages."""

from typing import Any

import pytest
from msgspec.structs import replace

from engine.chat import ChatRequest, Image, Message, Options, Role, Text, Tool, ToolCall, says
from engine.errors import CapabilityMissing
from engine.ports import ProviderCall
from tests.engine.providers.dialects.histories import parallel_step, step
from tests.engine.providers.dialects.wires import Wire

MARK = {"type": "ephemeral"}
CALL = ToolCall("c", "look", "{}")
RESULT = Message(Role.TOOL, (Text("7"),), tool_call_id="c")


async def turns(request: ChatRequest, model: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await Wire("anthropic", model=model).body(request))["messages"]
    return found


async def test_results_are_one_turn_of_the_user_with_their_pictures_inside() -> None:
    found = await turns(parallel_step())
    other = found[1]["content"][2]["id"]
    assert found == [
        {"role": "user", "content": [{"type": "text", "text": "go"}]},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "call_gemini_1", "name": "look", "input": {"a": 1}},
                {"type": "tool_use", "id": other, "name": "look", "input": {"text": "{broken"}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "call_gemini_1",
                    "content": [
                        {"type": "text", "text": "one"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgoAAAAA"},
                        },
                    ],
                },
                {"type": "tool_result", "tool_use_id": other, "content": "two"},
                {"type": "text", "text": "and now?"},
            ],
        },
    ]


async def test_history_with_calls_declares_their_tools() -> None:
    request = step(Message(Role.ASSISTANT, (), (CALL,)), RESULT, tools=())
    body = await Wire("anthropic").body(request)
    assert body["tools"] == [{"name": "look", "description": "", "input_schema": {"type": "object", "properties": {}}}]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("model", "effort", "is_given"),
    [
        ("claude-haiku-5-5", "high", True),
        ("claude-haiku-5-5", "none", False),
        ("claude-haiku-5-5", None, False),
        ("claude-sonnet-4-6", "high", True),
    ],
)
async def test_signed_thinking_goes_back_first_while_claude_thinks(
    model: str, effort: str | None, is_given: bool
) -> None:
    thought = Message(Role.ASSISTANT, (Text("I look."),), (CALL,), thinking="hm", thinking_signature="s")
    content = (await turns(step(thought, RESULT, effort=effort), model))[1]["content"]
    kinds = [block["type"] for block in content]
    assert kinds == (["thinking"] if is_given else []) + ["text", "tool_use"]
    if is_given:
        assert content[0] == {"type": "thinking", "thinking": "hm", "signature": "s"}


async def test_thinking_of_another_provider_is_not_given_to_claude() -> None:
    thought = Message(Role.ASSISTANT, (Text("I look."),), (CALL,), thinking="hm")
    content = (await turns(step(thought, RESULT, effort="high"), "claude-haiku-5-5"))[1]["content"]
    assert [block["type"] for block in content] == ["text", "tool_use"]


async def test_blank_and_missing_turns_are_mended() -> None:
    history = (says(Role.SYSTEM, " "), says(Role.USER, "\n"), says(Role.ASSISTANT, ""), says(Role.USER, "x"))
    body = await Wire("anthropic").body(ChatRequest("r", "m", history))
    assert "system" not in body
    assert body["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "(no text)"}, {"type": "text", "text": "x"}]}
    ]
    alone = await Wire("anthropic").body(ChatRequest("r", "m", (says(Role.SYSTEM, "write"),)))
    assert alone["messages"] == [{"role": "user", "content": [{"type": "text", "text": "write"}]}]
    assert "system" not in alone


async def test_begun_answer_ends_without_blanks() -> None:
    begun = ChatRequest("r", "m", (says(Role.USER, "x"), says(Role.ASSISTANT, "It is \n")))
    assert (await turns(begun))[-1]["content"] == [{"type": "text", "text": "It is"}]


@pytest.mark.parametrize("url", ["http://x.test/a.png", "data:image/png;base64," + "A" * 7_000_000])
async def test_picture_that_claude_refuses_is_for_another_offer(url: str) -> None:
    with pytest.raises(CapabilityMissing):
        await turns(ChatRequest("r", "m", (Message(Role.USER, (Image(url),)),)))


async def test_marks_of_the_client_pass_and_only_the_last_four_are_kept() -> None:
    marked = Text("a", ends_cached_prefix=True)
    picture = Image("data:image/png;base64,AAAA", ends_cached_prefix=True)
    request = ChatRequest(
        "r",
        "m",
        (
            Message(Role.SYSTEM, (Text("be kind"), marked)),
            Message(Role.USER, (marked, picture)),
            Message(Role.ASSISTANT, (), (CALL,)),
            Message(Role.TOOL, (marked,), tool_call_id="c"),
        ),
        options=Options(tools=(Tool("look", ends_cached_prefix=True),)),
    )
    body = await Wire("anthropic").body(request)
    assert "cache_control" not in body["tools"][0]
    assert body["system"] == [{"type": "text", "text": "be kind"}, {"type": "text", "text": "a", "cache_control": MARK}]
    assert [block.get("cache_control") for block in body["messages"][0]["content"]] == [MARK, MARK]
    assert body["messages"][2]["content"][0]["cache_control"] == MARK
    few = replace(request, messages=request.messages[1:])
    assert (await Wire("anthropic").body(few))["tools"][0]["cache_control"] == MARK


def test_prefix_is_marked_on_request_at_the_end_of_the_last_two_turns_of_the_user() -> None:
    history = (says(Role.USER, "a"), says(Role.ASSISTANT, "b"), says(Role.USER, "c"))
    provider = Wire("anthropic").provider

    def marks(request: ChatRequest, *, caches: bool) -> list[bool]:
        body = provider.body(ProviderCall(request, "claude-haiku-4-5", 100, caches_prefix=caches))
        return ["cache_control" in block for turn in body["messages"] for block in turn["content"]]

    assert marks(ChatRequest("r", "m", history), caches=True) == [True, False, True]
    assert marks(ChatRequest("r", "m", history), caches=False) == [False, False, False]
    own = (Message(Role.USER, (Text("a", ends_cached_prefix=True),)), *history[1:])
    assert marks(ChatRequest("r", "m", own), caches=True) == [True, False, False]


async def test_result_of_a_failed_tool_is_marked_as_an_error() -> None:
    failed = replace(RESULT, is_error=True)
    found = await turns(step(Message(Role.ASSISTANT, (), (CALL,)), failed))
    (result,) = (block for turn in found for block in turn["content"] if block["type"] == "tool_result")
    assert result == {"type": "tool_result", "tool_use_id": result["tool_use_id"], "content": "7", "is_error": True}
