"""Fields that we add and a model refuses: they are left out, and the request is repeated at once."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from engine.chat import ChatRequest, Message, Options, Role, Text, Tool, ToolCall, says
from engine.errors import CapabilityMissing, RequestFault
from engine.ports import ProviderCall
from engine.providers.mending.model_memory import MOST_MODELS
from engine.providers.tool_ids import carrying
from engine.thoughts import Thought
from tests.engine.providers.dialects.wires import ASKED, Wire, asking, data, text
from tests.engine.providers.reading import chunks_of

OPENAI = data({"choices": [{"delta": {"content": "fine"}, "finish_reason": "stop", "index": 0}]}, "[DONE]")
GEMINI = data({"candidates": [{"content": {"parts": [{"text": "fine"}]}, "finishReason": "STOP"}]})
NO_MINIMAL = "Thinking level MINIMAL is not supported for this model. Please retry with other thinking level."


def openai_error(code: str, param: str) -> dict[str, Any]:
    return {"error": {"message": "no", "type": "invalid_request_error", "code": code, "param": param}}


def gemini_error(message: str, field: str = "") -> dict[str, Any]:
    details = [{"fieldViolations": [{"field": field}]}] if field else []
    return {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT", "details": details}}


def picky(
    name: str, model: str, takes: Callable[[dict[str, Any]], bool], error: Any, answer: str
) -> tuple[Wire, list[dict[str, Any]]]:
    """Return a provider that refuses each body for which `takes` returns False, and the list of all sent bodies."""
    wire, sent = Wire(name, model=model), []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        if not takes(sent[-1]):
            return httpx.Response(400, json=error)
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=answer)

    wire.provider.send_through(httpx.MockTransport(respond))
    return wire, sent


@pytest.mark.parametrize("code", ["unsupported_parameter", "unsupported_value", "invalid_value"])
@pytest.mark.parametrize(
    ("name", "model", "field", "param"),
    [
        ("openai", "gpt-5.1", "reasoning_effort", "reasoning_effort"),
        ("openai", "gpt-4o", "stream_options", "stream_options.include_obfuscation"),
        ("openrouter", "x-ai/m2", "reasoning", "reasoning.effort"),
        ("deepseek", "deepseek-v4-flash", "thinking", "thinking"),
    ],
)
async def test_refused_field_of_our_own_is_left_out_from_then_on(
    name: str, model: str, field: str, param: str, code: str
) -> None:
    wire, sent = picky(name, model, lambda body: field not in body, openai_error(code, param), OPENAI)
    for requests in (2, 3):
        assert text(await wire.chunks()) == "fine"
        assert len(sent) == requests
    assert {key: value for key, value in sent[0].items() if key != field} == sent[1] == sent[2]


@pytest.mark.parametrize(
    "error",
    [
        gemini_error("no", "generation_config.thinking_config"),
        gemini_error("no", "generation_config.thinking_config.thinking_level"),
        gemini_error(NO_MINIMAL),
        gemini_error("Budget 0 is invalid. This model only works in thinking mode."),
    ],
)
async def test_refused_switch_of_geminis_thinking_is_left_out(error: Any) -> None:
    def takes(body: dict[str, Any]) -> bool:
        return "thinkingConfig" not in body["generationConfig"]

    wire, sent = picky("gemini", "gemini-3.9-flash", takes, error, GEMINI)
    assert text(await wire.chunks()) == "fine"
    assert text(await wire.chunks()) == "fine"
    assert len(sent) == 3


async def test_openrouters_mandatory_reasoning_is_left_on() -> None:
    error = {"error": {"code": 400, "message": "Reasoning is mandatory for this endpoint and cannot be disabled."}}
    wire, sent = picky("openrouter", "x-ai/m2", lambda body: "reasoning" not in body, error, OPENAI)
    assert text(await wire.chunks()) == "fine"
    assert [("reasoning" in body, "stream_options" in body) for body in sent] == [(True, True), (False, True)]


async def test_output_limit_goes_by_its_other_name_and_is_never_left_out() -> None:
    error = openai_error("unsupported_parameter", "max_tokens")
    wire, sent = picky("deepseek", "deepseek-v4-flash", lambda body: "max_tokens" not in body, error, OPENAI)
    assert text(await wire.chunks()) == "fine"
    assert (sent[0]["max_tokens"], sent[1]["max_completion_tokens"]) == (100, 100)


async def test_several_refused_fields_are_left_out_one_after_the_other() -> None:
    wire, sent = picky("openai", "gpt-5-nano", lambda _: False, openai_error("unknown_parameter", "stream_options"), "")
    with pytest.raises(CapabilityMissing):
        await wire.chunks()
    assert len(sent) == 2
    errors = [openai_error("unsupported_value", name) for name in ("reasoning_effort", "stream_options")]

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        if errors:
            return httpx.Response(400, json=errors.pop(0))
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, text=OPENAI)

    wire.provider.send_through(httpx.MockTransport(respond))
    assert text(await wire.chunks()) == "fine"
    assert not {"reasoning_effort", "stream_options"} & set(sent[-1])


async def test_field_is_not_remembered_where_the_repeated_request_is_refused_too() -> None:
    wire, sent = picky("openai", "gpt-4o", lambda _: False, openai_error("invalid_value", "stream_options"), "")
    for requests in (2, 4):
        with pytest.raises(RequestFault):
            await wire.chunks()
        assert len(sent) == requests
    assert "stream_options" in sent[2]


@pytest.mark.parametrize("param", ["messages", "messages.0.stream_options", "model", "tools", ""])
async def test_refused_field_of_the_request_is_not_left_out(param: str) -> None:
    wire, sent = picky("openai", "gpt-4o", lambda _: False, openai_error("unsupported_value", param), "")
    with pytest.raises(CapabilityMissing):
        await wire.chunks(asking(temperature=0.5))
    assert len(sent) == 1


async def test_output_limit_is_renamed_where_the_message_alone_names_it() -> None:
    error = {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model."}}
    wire, sent = picky("openrouter", "x/y", lambda body: "max_tokens" not in body, error, OPENAI)
    assert text(await wire.chunks()) == "fine"
    assert sent[1]["max_completion_tokens"] == 100


async def test_other_models_keep_the_field() -> None:
    error = openai_error("unsupported_parameter", "stream_options")
    wire, sent = picky("openai", "gpt-4o", lambda body: "stream_options" not in body, error, OPENAI)
    await wire.chunks()
    wire.model = "gpt-4o-mini"
    await wire.chunks()
    assert ["stream_options" in body for body in sent] == [True, False, True, False]


async def test_so_many_models_are_remembered_and_no_more() -> None:
    error = openai_error("unsupported_parameter", "stream_options")
    wire, sent = picky("openai", "m", lambda body: "stream_options" not in body, error, OPENAI)
    for number in range(MOST_MODELS + 1):
        await _chunks(wire, ASKED, f"m{number}")
    sent.clear()
    await _chunks(wire, ASKED, "m1")
    assert len(sent) == 1
    await _chunks(wire, ASKED, "m0")
    assert len(sent) == 3


async def _chunks(wire: Wire, request: ChatRequest, model: str) -> None:
    await chunks_of(wire.provider, ProviderCall(request, model, 100))


@pytest.mark.parametrize("message", ["Corrupted thought signature.", "Invalid thought signature"])
async def test_refused_signature_of_a_history_is_replaced_in_that_request_alone(message: str) -> None:
    def takes(body: dict[str, Any]) -> bool:
        return "c2lnbmVk" not in json.dumps(body)

    wire, sent = picky("gemini", "gemini-3.8-flash", takes, gemini_error(message), GEMINI)
    call = ToolCall(carrying("call_1", "c2lnbmVk"), "look", "{}")
    history = ChatRequest("r", "m", (says(Role.USER, "x"), Message(Role.ASSISTANT, (), (call,))))
    for requests in (2, 4):
        assert text(await wire.chunks(history)) == "fine"
        assert len(sent) == requests
    parts = [part for turn in sent[1]["contents"] for part in turn["parts"] if "functionCall" in part]
    assert [part["thoughtSignature"] for part in parts] == ["skip_thought_signature_validator"]
    assert "thinkingConfig" in sent[1]["generationConfig"]


def forwarded(message: str) -> dict[str, Any]:
    """Return OpenRouter's error that forwards one of Google's."""
    raw = json.dumps({"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}})
    metadata = {"raw": raw, "provider_name": "Google"}
    return {"error": {"message": "Provider returned error", "code": 400, "metadata": metadata}}


async def test_refused_signature_is_replaced_at_openrouter_too() -> None:
    def takes(body: dict[str, Any]) -> bool:
        return "c2lnbmVk" not in json.dumps(body)

    refused = forwarded("Unable to submit request because Thought signature is not valid")
    wire, sent = picky("openrouter", "google/gemini-3-flash-preview", takes, refused, OPENAI)
    call = ToolCall(carrying("call_1", "c2lnbmVk"), "look", "{}")
    history = ChatRequest("r", "m", (says(Role.USER, "x"), Message(Role.ASSISTANT, (), (call,))))
    assert text(await wire.chunks(history)) == "fine"
    details = [body["messages"][1]["reasoning_details"] for body in sent]
    assert [each[0]["data"] for each in details] == ["c2lnbmVk", "skip_thought_signature_validator"]


async def test_refused_signature_is_replaced_at_geminis_openai_endpoint_too() -> None:
    wire, sent = picky(
        "local",
        "gemini-3-flash",
        lambda body: "c2lnbmVk" not in json.dumps(body),
        gemini_error("Thought signature is not valid"),
        OPENAI,
    )
    call = ToolCall(carrying("call_1", "c2lnbmVk"), "look", "{}")
    history = ChatRequest("r", "m", (says(Role.USER, "x"), Message(Role.ASSISTANT, (), (call,))))
    assert text(await wire.chunks(history)) == "fine"
    [calls] = [body["messages"][1]["tool_calls"] for body in sent[1:]]
    assert calls[0]["extra_content"] == {"google": {"thought_signature": "skip_thought_signature_validator"}}


CLAUDE_ENDS = (
    'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"fine"}}\n\n'
    'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"}}\n\ndata: {"type":"message_stop"}\n\n'
)


@pytest.mark.parametrize(
    "message",
    [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0: Invalid `signature` in `thinking` block.",
        "messages.1.content.1: Invalid `data` in `redacted_thinking` block",
        (
            "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be "
            "modified. These blocks must remain as they were in the original response."
        ),
    ],
)
async def test_reasoning_of_another_account_is_left_out_of_that_request_alone(message: str) -> None:
    error = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
    wire, sent = picky(
        "anthropic", "claude-haiku-4-5", lambda body: "sealed" not in json.dumps(body), error, CLAUDE_ENDS
    )
    thoughts = (Thought("hm", "sealed"), Thought(redacted="sealed"))
    turn = Message(Role.ASSISTANT, (), (ToolCall("c1", "look", "{}"),), thoughts=thoughts)
    result = Message(Role.TOOL, (Text("ok"),), tool_call_id="c1")
    options = Options(reasoning_effort="high", tools=(Tool("look"),))
    asked = ChatRequest("r", "m", (says(Role.USER, "x"), turn, result), options=options)
    call = ProviderCall(asked, wire.model, 8000)
    for requests in (2, 4):
        assert text(await chunks_of(wire.provider, call)) == "fine"
        assert len(sent) == requests
    assert ["thinking" in body for body in sent] == [True, False, True, False]
    kinds = [[block["type"] for block in body["messages"][1]["content"]] for body in sent[:2]]
    assert kinds == [["thinking", "redacted_thinking", "tool_use"], ["tool_use"]]


async def test_refused_signature_ends_the_request_where_there_is_none() -> None:
    wire, sent = picky("gemini", "gemini-3.8-flash", lambda _: False, gemini_error("Corrupted thought signature."), "")
    with pytest.raises(RequestFault):
        await wire.chunks()
    assert len(sent) == 1
