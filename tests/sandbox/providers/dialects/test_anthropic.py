"""Anthropic's dialect: parsed requests, named events, usage, refusals."""

import json
from typing import Any

import pytest

from sandbox.providers.dialects.anthropic import AnthropicStandIn
from sandbox.providers.exchange import ParsedRequest, ReceivedCall, StandInAnswer, StandInToolCall, StandInUsage
from sandbox.providers.refusals import Refusal, StandInRefused

PLAIN = AnthropicStandIn("Plain")
USAGE = StandInUsage(prompt=10, cached=4, written=3, output=5, thought=2)
USER = {"role": "user", "content": "hello"}
OLD, NEW = "claude-haiku-4-5", "claude-haiku-5-5"
TOOLS = [{"name": "weather", "input_schema": {"type": "object"}}]


def parsed(*without: str, version: bool = True, **body: Any) -> ParsedRequest:
    whole = {"model": NEW, "max_tokens": 9, "messages": [USER], **body}
    headers = {"anthropic-version": "2023-06-01"} if version else {}
    return PLAIN.parse(ReceivedCall({k: v for k, v in whole.items() if k not in without}, headers, "k"))


def events(asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None = USAGE) -> list[Any]:
    lines = [line for frame in PLAIN.frames(asked, answer, usage) for line in frame.data.decode().splitlines()]
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"model": "no-such"}, "no-such"),
        ({"n": 2}, "n: Extra inputs"),
        ({"messages": []}, "at least one message"),
        ({"messages": [{"content": "x"}]}, "role: Field required"),
        ({"max_tokens": 0}, "greater than or equal to 1"),
        ({"model": OLD, "temperature": 0, "top_p": 1}, "cannot both"),
        ({"temperature": 0}, "temperature: this model"),
        ({"top_k": 1}, "top_k: this model"),
        ({"thinking": {"budget_tokens": 9}}, "budget_tokens"),
        ({"messages": [USER, {"role": "assistant", "content": "I"}]}, "prefill"),
    ],
)
def test_request_that_anthropic_refuses_is_refused(body: dict[str, Any], why: str) -> None:
    with pytest.raises(StandInRefused, match=why):
        parsed(**body)


def test_version_and_output_limit_are_required() -> None:
    with pytest.raises(StandInRefused, match="anthropic-version"):
        parsed(version=False)
    with pytest.raises(StandInRefused, match="max_tokens: Field required"):
        parsed("max_tokens")


def test_older_model_takes_one_sampling_field_and_a_prefill() -> None:
    assert parsed(model=OLD, temperature=0, messages=[USER, {"role": "assistant", "content": "I"}]).turns == 1


@pytest.mark.parametrize(
    ("body", "thinks"),
    [
        ({}, True),
        ({"model": OLD}, False),
        ({"model": OLD, "max_tokens": 2000, "thinking": {"type": "enabled", "budget_tokens": 1024}}, True),
        ({"thinking": {"type": "disabled"}}, False),
        ({"output_config": {"effort": "low"}}, False),
    ],
)
def test_newer_model_thinks_unless_switched_off(body: dict[str, Any], thinks: bool) -> None:
    assert parsed(**body).thinks is thinks


def test_prompt_system_tools_and_results_are_read() -> None:
    call = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "weather", "input": {}}]}
    result = {"type": "tool_result", "tool_use_id": "c", "content": "31"}
    image = {"type": "image"}
    answered = {"role": "user", "content": [image, result]}
    asked = parsed(system="Answer with a JSON object", tools=TOOLS, messages=[USER, call, answered])
    assert (asked.prompt, asked.tool_result, asked.tool, asked.images) == ("hello", "31", None, 1)
    assert asked.wants_json


@pytest.mark.parametrize(("choice", "called"), [("any", True), ("none", False), ("auto", False)])
def test_tool_is_called_when_required(choice: str, called: bool) -> None:
    assert (parsed(tools=TOOLS, tool_choice={"type": choice}).tool is not None) is called


@pytest.mark.parametrize(
    ("model", "prompt", "asks", "expected"),
    [
        (NEW, 1024, True, (8, 1016)),
        (NEW, 1023, True, (0, 0)),
        (NEW, 1024, False, (0, 0)),
        (OLD, 1024, True, (0, 0)),
        (OLD, 4096, True, (8, 4088)),
    ],
)
def test_prompt_is_cached_only_on_request(model: str, prompt: int, asks: bool, expected: tuple[int, int]) -> None:
    asked = ParsedRequest(model, "", "", 9, options={"cache_control": asks})
    assert PLAIN.cached_written(asked, prompt, 8) == expected


def test_usage_comes_at_both_ends() -> None:
    sent = events(parsed(), StandInAnswer("a b", thought="hm"))
    assert sent[0]["message"]["usage"]["input_tokens"] == 3
    assert sent[-2]["usage"]["output_tokens"] == 7
    assert sent[-2]["usage"]["output_tokens_details"] == {"thinking_tokens": 2}
    kinds = [each["content_block"]["type"] for each in sent if each["type"] == "content_block_start"]
    assert kinds == ["thinking", "text"]
    silent = events(parsed(), StandInAnswer("a"), None)
    assert "usage" not in silent[0]["message"]
    assert "usage" not in silent[-2]


@pytest.mark.parametrize(
    ("answer", "reason", "sequence"),
    [
        (StandInAnswer("a"), "end_turn", None),
        (StandInAnswer("a", finish="length"), "max_tokens", None),
        (StandInAnswer("a", stopped_by="stop"), "stop_sequence", "stop"),
        (StandInAnswer("no", finish="refused"), "refusal", None),
    ],
)
def test_end_names_its_reason(answer: StandInAnswer, reason: str, sequence: str | None) -> None:
    body = PLAIN.whole(parsed(), answer, None)
    assert (body["stop_reason"], body["stop_sequence"]) == (reason, sequence)


def test_call_of_a_tool_is_a_block() -> None:
    tool = StandInToolCall("weather", {"days": 1})
    answer = StandInAnswer("", tool=tool, finish="tool")
    [block] = PLAIN.whole(parsed(), answer, None)["content"]
    assert (block["name"], block["input"]) == ("weather", {"days": 1})
    pieces = [each["delta"] for each in events(parsed(), answer) if each["type"] == "content_block_delta"]
    assert json.loads("".join(piece["partial_json"] for piece in pieces)) == {"days": 1}


def test_code_of_a_refusal_is_in_its_details() -> None:
    assert PLAIN.error_body(Refusal(429, "m", code="c"), 5)["error"]["details"] == {"error_code": "c"}
    assert "details" not in PLAIN.error_body(Refusal(429, "m"), 5)["error"]
