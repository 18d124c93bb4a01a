"""Servers that leave a model's markup in the text, read through each dialect."""

import json
from collections.abc import Callable

import pytest
from msgspec import structs

from engine.chat import Delta, Finish, Finished, Options, Tool
from engine.errors import Garbled
from tests.engine.providers.dialects.wires import ASKED, Wire, data
from tests.engine.providers.shapes.chunks import choice, counted, said, stream

WITH_TOOL = structs.replace(ASKED, options=Options(tools=(Tool("get.weather"),)))
CALL = '<tool_call>{"name": "get.weather", "arguments": {"city": "Hue"}}</tool_call>'


def streamed(text: str) -> str:
    pieces = [text[at : at + 3] for at in range(0, len(text), 3)]
    return stream(*map(said, pieces), choice("stop"), counted())


def of_gemini(text: str) -> str:
    parts = {"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}
    return data({"candidates": [parts], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 3}})


def of_claude(text: str) -> str:
    events = (
        {"type": "message_start", "message": {"usage": {"input_tokens": 9}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
        {"type": "message_stop"},
    )
    return "".join(map(data, events))


@pytest.mark.parametrize(("provider", "body"), [("local", streamed), ("gemini", of_gemini), ("anthropic", of_claude)])
async def test_written_call_becomes_a_call_by_the_clients_name(provider: str, body: Callable[[str], str]) -> None:
    chunks = await Wire(provider, [body("Looking. " + CALL + "<|im_end|>").encode()]).chunks(WITH_TOOL)
    deltas = [chunk for chunk in chunks if isinstance(chunk, Delta)]
    assert "".join(delta.text for delta in deltas) == "Looking. "
    assert [(call.name, json.loads(call.arguments)) for delta in deltas for call in delta.tool_calls] == [
        ("get.weather", {"city": "Hue"})
    ]
    assert Finished(Finish.STOP) in chunks


async def test_written_call_without_tools_is_text() -> None:
    chunks = await Wire("local", [streamed(CALL).encode()]).chunks(ASKED)
    assert "".join(chunk.text for chunk in chunks if isinstance(chunk, Delta)) == CALL


async def test_broken_call_fails_the_attempt() -> None:
    with pytest.raises(Garbled):
        await Wire("local", [streamed(CALL.replace("}}", "}")).encode()]).chunks(WITH_TOOL)


async def test_call_after_reasoning_of_gpt_oss_becomes_a_call() -> None:
    text = (
        "<|channel|>analysis<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.get.weather "
        '<|constrain|>json<|message|>{"city": "Hue"}<|call|>'
    )
    chunks = await Wire("local", [streamed(text).encode()]).chunks(WITH_TOOL)
    deltas = [chunk for chunk in chunks if isinstance(chunk, Delta)]
    assert "".join(delta.thinking for delta in deltas) == "I look."
    assert not any(delta.text for delta in deltas)
    assert [(call.name, call.arguments) for delta in deltas for call in delta.tool_calls] == [
        ("get.weather", '{"city": "Hue"}')
    ]
