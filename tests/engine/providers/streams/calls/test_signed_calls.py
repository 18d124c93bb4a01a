"""Gemini's calls through OpenRouter: their signatures come as encrypted reasoning, and go back in the same form."""

from typing import Any

import pytest

from engine.chat import ChatRequest, Delta, Message, Role, Text, ToolCall, says
from engine.errors import Garbled
from engine.providers.model_facts import NO_SIGNATURE
from engine.providers.registry import specs
from engine.providers.streams.calls.signed_calls import MOST_PIECES, SignedToolCalls, signature_within, signs_calls
from engine.providers.streams.calls.streamed_call import CallPiece
from engine.providers.tool_ids import carrying, plain, signature_in
from tests.engine.providers.dialects.wires import Wire, calls, data

MODEL = "google/gemini-3.5-flash-lite"
SIGNATURE = "c2lnbmVk"
BEGUN = {"index": 0, "id": "tool_look_1", "type": "function", "function": {"name": "look", "arguments": ""}}
SECOND = {"index": 1, "id": "tool_find_2", "type": "function", "function": {"name": "find", "arguments": "{}"}}
REST = {"index": 0, "function": {"arguments": '{"at":"sea"}'}}
SIGNED = {"type": "reasoning.encrypted", "data": SIGNATURE, "id": "tool_look_1", "format": "google-gemini-v1"}


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"model": MODEL, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


ORDERS: dict[str, list[Any]] = {
    "signature last": [
        chunk(tool_calls=[BEGUN]),
        chunk(tool_calls=[REST]),
        chunk(tool_calls=[SECOND]),
        chunk(reasoning_details=[SIGNED]),
    ],
    "signature first": [chunk(reasoning_details=[SIGNED]), chunk(tool_calls=[BEGUN]), chunk(tool_calls=[REST, SECOND])],
    "all in one": [chunk(tool_calls=[BEGUN, REST, SECOND], reasoning_details=[SIGNED])],
}


def wire(*frames: Any, model: str = MODEL) -> Wire:
    return Wire("openrouter", data(*frames, chunk("tool_calls"), "[DONE]"), model=model)


@pytest.mark.parametrize("order", ORDERS)
async def test_id_carries_the_signature_wherever_it_came(order: str) -> None:
    found = await wire(*ORDERS[order]).chunks()
    assert calls(found) == [("look", '{"at":"sea"}'), ("find", "{}")]
    ids = [call.id for each in found if isinstance(each, Delta) for call in each.tool_calls if call.id]
    assert [(plain(id_), signature_in(id_)) for id_ in ids] == [("tool_look_1", SIGNATURE), ("tool_find_2", "")]


async def test_signature_goes_back_as_encrypted_reasoning() -> None:
    looked = ToolCall(carrying("tool_look_1", SIGNATURE), "look", '{"at":"sea"}')
    body = await body_of(looked, ToolCall("tool_find_2", "find", "{}"))
    assert [call["id"] for call in body["messages"][1]["tool_calls"]] == ["tool_look_1", "tool_find_2"]
    assert body["messages"][1]["reasoning_details"] == [{**SIGNED, "index": 0}]


async def test_unsigned_call_of_another_provider_has_the_value_that_skips_the_check() -> None:
    body = await body_of(ToolCall("call_1", "look", "{}"))
    [detail] = body["messages"][1]["reasoning_details"]
    assert (detail["data"], detail["id"]) == (NO_SIGNATURE, "call_1")


async def test_other_models_get_no_details() -> None:
    body = await body_of(ToolCall(carrying("call_1", SIGNATURE), "look", "{}"), model="openai/gpt-oss-20b")
    assert "reasoning_details" not in body["messages"][1]
    assert not signs_calls(specs()["openai"], MODEL)


async def body_of(*made: ToolCall, model: str = MODEL) -> Any:
    results = [Message(Role.TOOL, (Text("a whale"),), tool_call_id=call.id) for call in made]
    asked = ChatRequest("r", "m", (says(Role.USER, "look"), Message(Role.ASSISTANT, (), made), *results))
    return await wire(*ORDERS["all in one"], model=model).body(asked)


def test_calls_wait_for_the_end() -> None:
    held = SignedToolCalls()
    assert held.take([CallPiece(0, "a", "look", "{}")]) == []
    assert held.take_message([CallPiece(0, "a", "look", "{}")]) == []
    held.sign({"a": SIGNATURE})
    [call] = held.end()
    assert (call.name, call.arguments, call.signature) == ("look", "{}", SIGNATURE)
    assert held.end() == []


def test_number_of_pieces_is_bounded() -> None:
    with pytest.raises(Garbled):
        SignedToolCalls().take([CallPiece(0)] * (MOST_PIECES + 1))


GOOGLE = {"google": {"thought_signature": SIGNATURE}}


async def test_geminis_own_openai_endpoint_signs_within_the_calls() -> None:
    call = {**BEGUN, "function": {"name": "look", "arguments": "{}"}, "extra_content": GOOGLE}
    body = data(chunk("tool_calls", tool_calls=[call, SECOND]), "[DONE]")
    found = Wire("local", body, model="gemini-3-flash")
    ids = [
        call.id for chunk in await found.chunks() if isinstance(chunk, Delta) for call in chunk.tool_calls if call.id
    ]
    assert [(plain(id_), signature_in(id_)) for id_ in ids] == [("tool_look_1", SIGNATURE), ("tool_find_2", "")]


@pytest.mark.parametrize(
    ("model", "id_", "extra"),
    [
        ("gemini-3-flash", carrying("a", SIGNATURE), GOOGLE),
        ("gemini-3-flash", "a", {"google": {"thought_signature": NO_SIGNATURE}}),
        ("models/gemini-2.5-flash", carrying("a", SIGNATURE), GOOGLE),
        ("models/gemini-2.5-flash", "a", None),
        ("llama-3", carrying("a", SIGNATURE), None),
    ],
)
async def test_signature_goes_back_within_the_call(model: str, id_: str, extra: Any) -> None:
    calls = (ToolCall(id_, "look", "{}"), ToolCall("b", "find", "{}"))
    results = (Message(Role.TOOL, (Text("x"),), tool_call_id=each.id) for each in calls)
    asked = ChatRequest("r", "m", (says(Role.USER, "go"), Message(Role.ASSISTANT, (), calls), *results))
    sent = (await Wire("local", model=model).body(asked))["messages"][1]["tool_calls"]
    assert [call.get("extra_content") for call in sent] == [extra, None]


@pytest.mark.parametrize("extra", [None, 7, {"google": 7}, {"google": {"thought_signature": 7}}, {}])
def test_call_without_a_signature_has_none(extra: Any) -> None:
    assert signature_within({"extra_content": extra}) == ""
