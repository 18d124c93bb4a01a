"""Turns of Gemini's requests."""

from itertools import product
from typing import Any

import pytest

from engine.chat import ChatRequest, Image, Message, Role, Text, ToolCall, says
from engine.errors import CapabilityMissing
from engine.providers.dialects.gemini_request import RULES, mended
from engine.providers.mending.turns import mended_turns
from tests.engine.providers.dialects.histories import SIGNATURE, SIGNED, parallel_step, step
from tests.engine.providers.dialects.wires import Wire

SKIP = "skip_thought_signature_validator"


async def contents(request: ChatRequest, model: str = "gemini-3.8-flash") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await Wire("gemini", model=model).body(request))["contents"]
    return found


async def test_signature_comes_back_with_its_call_and_pictures_with_their_result() -> None:
    assert await contents(parallel_step()) == [
        {"role": "user", "parts": [{"text": "go"}]},
        {
            "role": "model",
            "parts": [
                {"text": "I look."},
                {"functionCall": {"name": "look", "args": {"a": 1}}, "thoughtSignature": SIGNATURE},
                {"functionCall": {"name": "look", "args": {"text": "{broken"}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "look", "response": {"result": "one"}}},
                {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgoAAAAA"}},
                {"functionResponse": {"name": "look", "response": {"result": "two"}}},
                {"text": "and now?"},
            ],
        },
    ]


def signatures(found: list[dict[str, Any]]) -> list[str | None]:
    return [part.get("thoughtSignature") for turn in found for part in turn["parts"] if "functionCall" in part]


async def test_call_of_another_provider_gets_googles_value_and_parallel_ones_none() -> None:
    calls = (ToolCall("toolu_1", "look", "{}"), ToolCall("toolu_2", "look", "{}"))
    foreign = step(Message(Role.ASSISTANT, (), calls))
    assert signatures(await contents(foreign)) == [SKIP, None]
    assert signatures(await contents(foreign, "gemini-flash-latest")) == [SKIP, None]
    assert signatures(await contents(foreign, "gemini-2.5-flash")) == [None, None]


@pytest.mark.parametrize("shortened", [SIGNED[:40], SIGNED[:-1], SIGNED[:13]])
async def test_call_whose_id_a_client_has_shortened_gets_googles_value(shortened: str) -> None:
    call = Message(Role.ASSISTANT, (), (ToolCall(shortened, "look", "{}"),))
    assert signatures(await contents(step(call))) == [SKIP]


async def test_own_signature_of_a_call_goes_before_that_of_its_id() -> None:
    call = Message(Role.ASSISTANT, (), (ToolCall(SIGNED, "look", "{}", "b3du"),))
    assert signatures(await contents(step(call))) == ["b3du"]


async def test_signature_of_another_generation_is_not_sent() -> None:
    assert signatures(await contents(parallel_step(), "gemini-2.5-flash")) == [None, None]


async def test_request_of_the_system_alone_and_one_that_begins_with_an_answer_are_mended() -> None:
    assert await contents(ChatRequest("r", "m", (says(Role.SYSTEM, "write"),))) == [
        {"role": "user", "parts": [{"text": "write"}]}
    ]
    begun = ChatRequest("r", "m", (says(Role.ASSISTANT, "hi"), says(Role.USER, "x")))
    assert [turn["role"] for turn in await contents(begun)] == ["user", "model", "user"]
    blank = ChatRequest("r", "m", (Message(Role.USER, (Text(""),)),))
    assert await contents(blank) == [{"role": "user", "parts": [{"text": "(no text)"}]}]


@pytest.mark.parametrize("url", ["https://x.test/a.png", "data:image/gif;base64,R0lGODlhAAAA"])
async def test_picture_that_gemini_refuses_is_for_another_offer(url: str) -> None:
    with pytest.raises(CapabilityMissing):
        await contents(ChatRequest("r", "m", (Message(Role.USER, (Image(url),)),)))


async def test_heic_is_taken() -> None:
    picture = Message(Role.USER, (Image("data:image/jpeg;base64,AAAAGGZ0eXBoZWljAAAA"),))
    (turn,) = await contents(ChatRequest("r", "m", (picture,)))
    assert turn["parts"][0]["inlineData"]["mimeType"] == "image/heic"


@pytest.mark.parametrize(("is_error", "key"), [(True, "error"), (False, "result")])
async def test_result_of_a_failed_tool_is_an_error(is_error: bool, key: str) -> None:
    result = Message(Role.TOOL, (Text("7"),), tool_call_id="c", is_error=is_error)
    found = await contents(step(Message(Role.ASSISTANT, (), (ToolCall("c", "look", "{}"),)), result))
    responses = [part["functionResponse"] for turn in found for part in turn["parts"] if "functionResponse" in part]
    assert [response["response"] for response in responses] == [{key: "7"}]


def test_turns_that_need_no_mending_are_sent_as_the_mended_ones_would_be() -> None:
    kinds = [says(role, text) for role in (Role.SYSTEM, Role.USER, Role.ASSISTANT) for text in ("one", " ")]
    kinds += [Message(Role.USER, ()), Message(Role.USER, (Text("a"), Text("b")))]
    for turns in (each for count in range(4) for each in product(kinds, repeat=count)):
        expected = [turn for turn in mended_turns(turns, RULES) if turn.role is not Role.SYSTEM]
        assert list(mended(turns)[1]) == expected, turns
