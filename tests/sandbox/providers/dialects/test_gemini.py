"""Gemini's dialect: parsed requests, frames, usage, refusals."""

import json
from typing import Any

import pytest

from sandbox.providers.dialects.gemini import GeminiStandIn
from sandbox.providers.exchange import ParsedRequest, ReceivedCall, StandInAnswer, StandInToolCall, StandInUsage
from sandbox.providers.refusals import Refusal, StandInRefused

PLAIN = GeminiStandIn("Plain")
USAGE = StandInUsage(prompt=10, cached=4, written=0, output=2, thought=2)
USER = {"role": "user", "parts": [{"text": "hello"}]}
LITE, FLASH, THREE = "gemini-2.5-flash-lite", "gemini-2.5-flash", "gemini-3.5-flash-lite"
TOOLS = [{"functionDeclarations": [{"name": "weather", "parameters": {}}]}]


def parsed(model: str = LITE, method: str = "streamGenerateContent", **body: Any) -> ParsedRequest:
    return PLAIN.parse(ReceivedCall({"contents": [USER], **body}, {}, "k", model, method))


def frames(asked: ParsedRequest, answer: StandInAnswer, usage: StandInUsage | None = USAGE) -> list[Any]:
    datas = [frame.data.decode() for frame in PLAIN.frames(asked, answer, usage)]
    assert all(each.startswith("data: ") and each.endswith("\r\n\r\n") for each in datas)
    return [json.loads(each.removeprefix("data: ")) for each in datas]


@pytest.mark.parametrize("path", ["models/m:generateContent", "models/m:streamGenerateContent"])
def test_both_methods_of_a_model_are_served(path: str) -> None:
    assert PLAIN.serves(path)


@pytest.mark.parametrize("path", ["models/m:predict", "m:generateContent", "chat/completions"])
def test_other_path_is_not_served(path: str) -> None:
    assert not PLAIN.serves(path)


@pytest.mark.parametrize(
    ("model", "body", "why"),
    [
        ("no-such", {}, "is not found"),
        (LITE, {"messages": []}, "Unknown name"),
        (LITE, {"generationConfig": {"max_tokens": 5}}, "at 'generation_config'"),
        (LITE, {"generationConfig": {"thinkingConfig": {"effort": 5}}}, "thinking_config"),
        (THREE, {"generationConfig": {"thinkingConfig": {"thinkingBudget": 1, "thinkingLevel": "low"}}}, "only one"),
        (FLASH, {"generationConfig": {"thinkingConfig": {"thinkingLevel": "low"}}}, "Thinking level"),
        (THREE, {"generationConfig": {"presencePenalty": 1}}, "Penalty"),
        (THREE, {"contents": [USER, {"role": "model", "parts": [{"text": "a"}]}]}, "last turn"),
        (LITE, {"contents": [{"role": "assistant", "parts": []}]}, "contents"),
        (LITE, {"contents": [{"parts": [{"txt": "a"}]}]}, "contents.parts"),
        (LITE, {"generationConfig": {"maxOutputTokens": 0}}, "must be positive"),
    ],
)
def test_request_that_gemini_refuses_is_refused(model: str, body: dict[str, Any], why: str) -> None:
    with pytest.raises(StandInRefused, match=why):
        parsed(model, **body)


@pytest.mark.parametrize(
    ("model", "config", "thinks"),
    [
        (LITE, {}, False),
        (FLASH, {}, True),
        (FLASH, {"thinkingBudget": 0}, False),
        (LITE, {"thinkingBudget": 9}, True),
        (THREE, {"thinkingLevel": "minimal"}, False),
        (THREE, {"thinkingLevel": "low"}, True),
    ],
)
def test_lite_models_think_only_when_asked(model: str, config: dict[str, Any], thinks: bool) -> None:
    assert parsed(model, generationConfig={"thinkingConfig": config}).thinks is thinks


def test_prompt_pictures_and_results_are_read() -> None:
    result = {"role": "user", "parts": [{"functionResponse": {"response": {"degrees": 31}}}, {"inlineData": {}}]}
    called = {"role": "model", "parts": [{"functionCall": {"name": "weather", "args": {}}}]}
    asked = parsed(contents=[USER, called, result], tools=TOOLS)
    assert (asked.tool_result, asked.tool, asked.images) == ('{"degrees":31}', None, 1)
    assert parsed(method="generateContent").stream is False
    assert parsed().prompt == "hello"


@pytest.mark.parametrize(("mode", "called"), [("ANY", True), ("NONE", False), ("AUTO", False)])
def test_tool_is_called_when_required(mode: str, called: bool) -> None:
    config = {"functionCallingConfig": {"mode": mode}}
    assert (parsed(tools=TOOLS, toolConfig=config).tool is not None) is called


def test_usage_grows_from_frame_to_frame() -> None:
    sent = frames(parsed(), StandInAnswer("a b"))
    counts = [frame["usageMetadata"]["candidatesTokenCount"] for frame in sent]
    assert counts == [1, 2, 2]
    assert sent[-1]["usageMetadata"]["totalTokenCount"] == 14
    assert (sent[-1]["usageMetadata"]["cachedContentTokenCount"], sent[-1]["usageMetadata"]["thoughtsTokenCount"]) == (
        4,
        2,
    )
    assert all("usageMetadata" not in frame for frame in frames(parsed(), StandInAnswer("a"), None))


def test_only_the_last_frame_has_a_finish_reason() -> None:
    sent = frames(parsed(), StandInAnswer("a b", finish="length"))
    assert [frame["candidates"][0].get("finishReason") for frame in sent] == [None, None, "MAX_TOKENS"]


def test_thoughts_are_sent_only_when_they_are_asked_for() -> None:
    showing = parsed(generationConfig={"thinkingConfig": {"includeThoughts": True}})
    answer = StandInAnswer("a", thought="hm")
    assert frames(showing, answer)[0]["candidates"][0]["content"]["parts"] == [{"text": "hm", "thought": True}]
    assert frames(parsed(), answer)[0]["candidates"][0]["content"]["parts"] == [{"text": "a"}]
    whole = PLAIN.whole(showing, answer, USAGE)["candidates"][0]["content"]["parts"]
    assert [part["text"] for part in whole] == ["hm", "a"]


def test_blocked_prompt_has_no_candidates() -> None:
    refused = StandInAnswer("no", finish="refused")
    [frame] = frames(parsed(), refused)
    assert (
        frame["promptFeedback"] == {"blockReason": "SAFETY"} == PLAIN.whole(parsed(), refused, USAGE)["promptFeedback"]
    )
    assert "candidates" not in frame


def test_call_of_a_tool_is_a_part() -> None:
    answer = StandInAnswer("", tool=StandInToolCall("weather", {"days": 1}), finish="tool")
    parts = [PLAIN.whole(parsed(), answer, None)["candidates"][0], frames(parsed(), answer)[-1]["candidates"][0]]
    assert all(each["content"]["parts"][0]["functionCall"]["args"] == {"days": 1} for each in parts)


def test_details_of_a_refusal_have_their_own_types() -> None:
    kinds = [
        [detail["@type"].rpartition(".")[2] for detail in PLAIN.error_body(refusal, 7)["error"].get("details", ())]
        for refusal in (
            Refusal(429, "m", code="retry"),
            Refusal(400, "m", code="C"),
            Refusal(400, "m", param="p"),
            Refusal(503, "m"),
        )
    ]
    assert kinds == [["QuotaFailure", "RetryInfo"], ["ErrorInfo"], ["BadRequest"], []]
    assert PLAIN.error_body(Refusal(429, "m", code="retry"), 7)["error"]["details"][1]["retryDelay"] == "7s"
    assert PLAIN.retry_headers(7) == {}
