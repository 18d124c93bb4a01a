"""Streams of every dialect with random damage: they give only ProviderErrors, and no more tokens than were reported."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.catalog.offers import Offer
from engine.errors import ProviderError
from engine.gateway.attempt_content import AttemptContent, choices_of
from tests.engine.providers.dialects.frames import START, STOP, ended, event, frame, said
from tests.engine.providers.dialects.wires import Wire, data

CALL = {"index": 0, "id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
OPENAI = data(
    {"model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "reasoning_content": "hm"}}]},
    {"choices": [{"index": 0, "delta": {"content": "<think>so</think>It"}, "logprobs": {"content": []}}]},
    {"choices": [{"index": 0, "delta": {"tool_calls": [CALL]}, "finish_reason": None}]},
    {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}},
    "[DONE]",
)
CLAUDE = "".join(
    [
        START,
        event("content_block_start", index=0, content_block={"type": "tool_use", "id": "a", "name": "f", "input": {}}),
        event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{}"}),
        said("It", 1),
        ended("tool_use", output_tokens=5),
        STOP,
    ]
)
GEMINI = data(
    frame({"text": "hm", "thought": True}, {"functionCall": {"name": "f", "args": {"a": 1}}}),
    frame("It", finish="STOP", usageMetadata={"promptTokenCount": 10, "candidatesTokenCount": 5}),
)
ODD = st.sampled_from(
    ["null", "0", "-1", "1e400", "NaN", '""', '"x"', "[]", "{}", "[[]]", "true", "7", '"7"', "[null]", '{"a":1}', "7.5"]
)
_VALUES = re.compile(r'(?<=: )(?:"[^"]*"|-?\d+|null|\[\]|\{\})(?=[,}\]])')


def largest_sum(body: str) -> int:
    """Return the sum of all numbers in a body, as an upper bound of its bill."""
    numbers = re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.])", body)
    return sum(math.ceil(float(number)) for number in numbers)


@pytest.mark.parametrize(("name", "body"), [("openai", OPENAI), ("anthropic", CLAUDE), ("gemini", GEMINI)])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(draw=st.data())
async def test_damaged_stream_raises_only_provider_errors(name: str, body: str, draw: Any) -> None:
    frames = [each + "\n\n" for each in body.split("\n\n") if each]
    for _ in range(draw.draw(st.integers(0, 3))):
        kind = draw.draw(st.sampled_from(["value", "drop", "twice", "swap", "cut"]))
        place = draw.draw(st.integers(0, 50))
        number = place % len(frames) if frames else 0
        if not frames:
            break
        if kind == "drop":
            del frames[number]
        elif kind == "twice":
            frames.insert(number, frames[number])
        elif kind == "swap":
            frames.append(frames.pop(number))
        elif kind == "cut":
            frames[number] = frames[number][: draw.draw(st.integers(0, len(frames[number])))]
        else:
            found = list(_VALUES.finditer(frames[number]))
            if found:
                value = found[draw.draw(st.integers(0, len(found) - 1))]
                frames[number] = frames[number][: value.start()] + draw.draw(ODD) + frames[number][value.end() :]
    sent = "".join(frames)
    made = AttemptContent(Offer(name, "m"), 1, 100)
    try:
        for chunk in await Wire(name, sent).chunks():
            made.add(chunk)
        made.finish()
    except ProviderError:
        return
    assert json.dumps([choice.text for choice in choices_of(made.events)])
    assert made.usage is None or made.usage.tokens <= largest_sum(sent)
