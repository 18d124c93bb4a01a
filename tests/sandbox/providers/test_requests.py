"""Tests of request options: limits, thinking, tools, JSON, pictures."""

import json

import pytest

from sandbox.providers.exchange import count
from tests.sandbox.providers.asking import LONG, PROVIDERS, Asking, said


@pytest.mark.parametrize("name", PROVIDERS)
async def test_output_limit_is_kept_and_reported(asking: Asking, name: str) -> None:
    frames = await asking.frames(name, most=7)
    text = json.dumps(frames)
    assert any(reason in text for reason in ('"length"', '"MAX_TOKENS"', '"max_tokens"'))
    assert count(said(name, frames)) <= 7


async def test_thinking_can_use_the_whole_limit(asking: Asking) -> None:
    frames = await asking.frames("deepseek", most=5, thinking={"type": "enabled"})
    assert said("deepseek", frames) == ""
    assert any("reasoning_content" in c["delta"] for f in frames[:-1] for c in f["choices"])
    assert frames[-2]["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5


async def test_thinking_by_default_can_be_switched_off(asking: Asking) -> None:
    body = {"contents": [{"parts": [{"text": LONG}]}]}
    for thinking, expected in (({}, True), ({"thinkingBudget": 0}, False)):
        url = f"{asking.url}/gemini/models/gemini-2.5-flash:generateContent"
        config = {"generationConfig": {"thinkingConfig": thinking}}
        answer = (await asking.http.post(url, headers={"x-goog-api-key": "k"}, json={**body, **config})).json()
        assert ("thoughtsTokenCount" in answer["usageMetadata"]) is expected
    groq = await asking.frames("groq")
    assert any("reasoning" in c["delta"] for f in groq[:-1] for c in f["choices"])
    hidden = await asking.frames("groq", include_reasoning=False)
    assert not any("reasoning" in c["delta"] for f in hidden[:-1] for c in f["choices"])
    claude = await asking.frames("anthropic", thinking={"type": "adaptive"})
    assert [f["content_block"]["type"] for f in claude if f["type"] == "content_block_start"] == ["thinking", "text"]


async def test_stop_sequence_ends_the_answer_before_itself(asking: Asking) -> None:
    assert said("openai", await asking.frames("openai", stop=["stand-in"])) == "## A "
    frames = await asking.frames("anthropic", stop_sequences=["stand-in"])
    assert frames[-2]["delta"] == {"stop_reason": "stop_sequence", "stop_sequence": "stand-in"}


async def test_n_answers_are_n_choices_and_all_are_billed(asking: Asking) -> None:
    one = (await asking("openai", stream=False)).json()
    three = (await asking("openai", stream=False, n=3)).json()
    assert [choice["index"] for choice in three["choices"]] == [0, 1, 2]
    assert three["usage"]["completion_tokens"] == 3 * one["usage"]["completion_tokens"]


_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}


async def test_tools_are_called_when_required_or_mentioned(asking: Asking) -> None:
    tools = [{"type": "function", "function": {"name": "weather", "parameters": _SCHEMA}}]
    assert "tool_calls" not in (await asking("openai", tools=tools)).text
    for prompt, choice in ((LONG, "required"), ("what is the weather like in Hanoi?", "auto")):
        frames = await asking.frames("openai", prompt, tools=tools, tool_choice=choice)
        calls = [c["delta"]["tool_calls"][0] for f in frames[:-1] for c in f["choices"] if "tool_calls" in c["delta"]]
        assert calls[0]["function"]["name"] == "weather"
        assert set(json.loads("".join(call["function"]["arguments"] for call in calls))) == {"city", "days"}
        assert frames[-2]["choices"][0]["finish_reason"] == "tool_calls"


async def test_tools_are_called_in_the_other_dialects_too(asking: Asking) -> None:
    claude = await asking(
        "anthropic", stream=False, tools=[{"name": "weather", "input_schema": _SCHEMA}], tool_choice={"type": "any"}
    )
    assert claude.json()["content"][0]["input"]["days"] == 1
    assert claude.json()["stop_reason"] == "tool_use"
    declared = [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": _SCHEMA}]}]
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}}
    gemini = (await asking("gemini", stream=False, tools=declared, toolConfig=config)).json()
    assert gemini["candidates"][0]["content"]["parts"][0]["functionCall"]["name"] == "weather"


async def test_tool_result_is_answered_with_text(asking: Asking) -> None:
    call = {"id": "aB3dE6gH9", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "aB3dE6gH9", "content": "31 degrees"},
    ]
    body = (await asking("mistral", stream=False, messages=messages)).json()
    assert "31 degrees" in body["choices"][0]["message"]["content"]


async def test_json_mode_answers_json_that_fits_the_schema(asking: Asking) -> None:
    plain = await asking("openai", "give me json", stream=False, response_format={"type": "json_object"})
    assert "stand-in" in json.loads(plain.json()["choices"][0]["message"]["content"])["answer"]
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": _SCHEMA}}
    fitting = await asking("openai", stream=False, response_format=wanted)
    assert json.loads(fitting.json()["choices"][0]["message"]["content"])["days"] == 1


async def test_pictures_are_seen_and_counted(asking: Asking) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "look"}, image, image]}]
    body = (await asking("openai", stream=False, messages=messages)).json()
    assert "I see 2 pictures" in body["choices"][0]["message"]["content"]
    assert body["usage"]["prompt_tokens"] == 1 + 2 * 256
