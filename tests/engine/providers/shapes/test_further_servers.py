"""Frames, calls, ends and usage of further servers and gateways of OpenAI's dialect."""

import json
from typing import Any

from engine.chat import Finish
from engine.errors import (
    BalanceGone,
    ContextTooLong,
    Garbled,
    Overloaded,
    ProviderError,
    RateLimited,
    RequestFault,
    StreamCut,
)
from tests.engine.providers.dialects.wires import data
from tests.engine.providers.shapes.chunks import COUNTS, call, calling, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

HI = Answer("Hi there")
PARTS = (said("Hi"), said(" there"), choice("stop"), counted())
PARIS = '{"city":"Paris"}'
ONE = Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", PARIS),))
BARE = Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", "{}"),))
END = (choice("tool_calls"), counted())
HTML = "text/html; charset=utf-8"


def ended(**fields: Any) -> str:
    """Return a stream whose choice ends with these fields."""
    return stream(*PARTS[:2], {"choices": [{"index": 0, "delta": {}, **fields}]}, counted())


def used(**counts: Any) -> str:
    return stream(*PARTS[:3], counted(**counts))


FRAMES = [
    Shape("two frames on one line", "data: " + json.dumps(PARTS[0]) + data(PARTS[1]) + stream(*PARTS[2:]), HI),
    Shape("two objects after one data", data(json.dumps(PARTS[0]) + json.dumps(PARTS[1])) + stream(*PARTS[2:]), HI),
    Shape("the end marker right after the last object", data(*PARTS).rstrip() + "[DONE]\n\n", HI),
    Shape("the end marker on the line of the last frame", data(*PARTS).rstrip() + "data: [DONE]\n\n", HI),
    Shape(
        "an error right after an object",
        data(json.dumps(PARTS[0]) + json.dumps({"error": {"message": "x", "code": 502}})),
        Overloaded,
    ),
    Shape("too many objects on one line", data("{}" * 5_000), Garbled),
    Shape("text right after an object", data(json.dumps(PARTS[0]) + "oops"), Garbled),
    Shape("a stream that calls itself a page (PHP)", stream(*PARTS), HI, content_type=HTML),
    Shape("a stream of comments first that calls itself a page", ": hi\n\n" + stream(*PARTS), HI, content_type=HTML),
    Shape("a page after blanks", "\n\n <!doctype html><p>no", Garbled, content_type=HTML),
    Shape("an empty page", "", Garbled, content_type=HTML),
    Shape(
        "an error of zeros beside each frame", stream(*({**p, "error": {"code": 0, "message": ""}} for p in PARTS)), HI
    ),
    Shape("code 0 and a message beside each frame", stream(*({**part, "code": 0, "msg": "ok"} for part in PARTS)), HI),
    Shape(
        "new-api: success is false",
        json.dumps({"success": False, "message": "no channel"}),
        Overloaded,
        content_type="application/json",
    ),
    Shape(
        "comments before a whole answer", ": OPENROUTER PROCESSING\n\n{}", StreamCut, content_type="application/json"
    ),
]
ENDS = [
    Shape("an end token in the text", stream(said("Hi there<|im"), said("_end|>"), *PARTS[2:]), HI),
    Shape(
        "SGLang: the reason is an object",
        ended(finish_reason={"type": "length", "length": 9}),
        Answer("Hi there", Finish.LENGTH),
    ),
    Shape("Claude's name in the choice", ended(stop_reason="max_tokens"), Answer("Hi there", Finish.LENGTH)),
    Shape("vLLM: stop_reason is the stop sequence", ended(finish_reason="stop", stop_reason="length"), HI),
    Shape("vLLM: stop_reason is a token", ended(finish_reason="stop", stop_reason=151645), HI),
    Shape(
        "LM Studio: maxPredictedTokensReached",
        ended(finish_reason="maxPredictedTokensReached"),
        Answer("Hi there", Finish.LENGTH),
    ),
    Shape("LM Studio: modelUnloaded", ended(finish_reason="modelUnloaded"), Overloaded),
    Shape("LM Studio: eosFound", ended(finish_reason="eosFound"), HI),
    Shape("Cohere: ERROR_TOXIC", ended(finish_reason="ERROR_TOXIC"), Answer("Hi there", Finish.REFUSED)),
    Shape("Cohere: ERROR_LIMIT", ended(finish_reason="ERROR_LIMIT"), Answer("Hi there", Finish.LENGTH)),
    Shape(
        "Python's name of the reason", ended(finish_reason="FinishReason.MAX_TOKENS"), Answer("Hi there", Finish.LENGTH)
    ),
    Shape(
        "a filter with its reason",
        ended(finish_reason="content_filter: RECITATION"),
        Answer("Hi there", Finish.REFUSED),
    ),
]
CALLS = [
    Shape(
        "input in the place of arguments",
        stream(choice(tool_calls=[{"id": "a", "function": {"name": "get_weather", "input": {"city": "Paris"}}}]), *END),
        ONE,
    ),
    Shape(
        "args in the place of arguments (LangChain)",
        stream(choice(tool_calls=[{"id": "a", "name": "get_weather", "args": {"city": "Paris"}}]), *END),
        ONE,
    ),
    Shape(
        "a call among the parts of the content (gateways to Claude)",
        json.dumps(
            {
                "usage": COUNTS,
                "choices": [
                    {
                        "finish_reason": "tool_use",
                        "message": {
                            "content": [
                                {"type": "text", "text": "Hi"},
                                {"type": "tool_use", "id": "a", "name": "get_weather", "input": {"city": "Paris"}},
                            ]
                        },
                    }
                ],
            }
        ),
        Answer("Hi", Finish.TOOL_CALLS, calls=ONE.calls),
        content_type="application/json",
    ),
    Shape("arguments are an empty list (PHP)", stream(calling(call("get_weather", [], id="a")), *END), BARE),
    Shape("arguments are [] as a text", stream(calling(call("get_weather", "[]", id="a")), *END), BARE),
    Shape("arguments are None (Python)", stream(calling(call("get_weather", "None", id="a")), *END), BARE),
    Shape(
        "arguments are null in two pieces",
        stream(calling(call("get_weather", "nu", index=0, id="a")), calling(call(None, "ll", index=0)), *END),
        BARE,
    ),
    Shape("arguments are an empty text in quotes", stream(calling(call("get_weather", '""', id="a")), *END), BARE),
    Shape(
        "arguments in a fence",
        stream(calling(call("get_weather", f"```json\n{PARIS}\n```", index=0, id="a")), *END),
        ONE,
    ),
    Shape(
        "a token of the model after the arguments",
        stream(calling(call("get_weather", PARIS + "<|im_end|>", index=0, id="a")), *END),
        ONE,
    ),
    Shape(
        "the finish comes before the call",
        stream(choice("stop"), calling(call("get_weather", PARIS, id="a")), counted()),
        ONE,
    ),
    Shape(
        "two calls without arguments, both null at index 0",
        stream(calling(call("now", "null", index=0, id="a")), calling(call("here", "null", index=0, id="b")), *END),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "now", "{}"), ("b", "here", "{}"))),
    ),
    Shape(
        "arguments are a list",
        stream(calling(call("get_weather", "[1,2]", index=0, id="a")), *END),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", "[1,2]"),)),
    ),
]
USAGE = [
    Shape("names without underscores (Vercel)", used(promptTokens=9, completionTokens=3, totalTokens=12), HI),
    Shape("Bedrock's names", used(inputTokens=9, outputTokens=3, totalTokens=12), HI),
    Shape("Gemini's names", used(promptTokenCount=9, candidatesTokenCount=3, totalTokenCount=12), HI),
    Shape(
        "Gemini's report beside the choices, with thinking",
        stream(
            *PARTS[:3],
            {
                "choices": [],
                "usageMetadata": {
                    "promptTokenCount": 9,
                    "candidatesTokenCount": 1,
                    "thoughtsTokenCount": 2,
                    "cachedContentTokenCount": 4,
                    "totalTokenCount": 12,
                },
            },
        ),
        Answer("Hi there", usage=(9, 3, 4, 0, 2)),
    ),
    Shape(
        "Mistral: prompt_token_details",
        used(**COUNTS, prompt_token_details={"cached_tokens": 4}),
        Answer("Hi there", usage=(9, 3, 4)),
    ),
    Shape("Mistral: num_cached_tokens", used(**COUNTS, num_cached_tokens=4), Answer("Hi there", usage=(9, 3, 4))),
    Shape("Cohere: billed units", used(billed_units={"input_tokens": 9, "output_tokens": 3}), HI),
    Shape("usage in the delta", stream(*PARTS[:2], choice("stop", usage=COUNTS)), HI),
    Shape("usage is a list", stream(*PARTS[:3], {"choices": [], "usage": [COUNTS]}), HI),
    Shape(
        "llama.cpp: timings alone",
        stream(*PARTS[:2], {**choice("stop"), "timings": {"prompt_n": 5, "cache_n": 4, "predicted_n": 3}}),
        HI,
    ),
    Shape(
        "llama.cpp: timings beside the usage",
        stream(*PARTS[:2], {**choice("stop"), "timings": {"prompt_n": 50, "predicted_n": 30}, "usage": COUNTS}),
        HI,
    ),
]
ERRORS: list[tuple[str, dict[str, Any], type[ProviderError]]] = [
    ("GLM: no balance", {"error": {"code": "1113", "message": "x"}}, BalanceGone),
    ("GLM: too many requests", {"error": {"code": "1302", "message": "x"}}, RateLimited),
    ("GLM: sensitive", {"error": {"code": "1301", "message": "x"}}, RequestFault),
    ("GLM: too long", {"error": {"code": "1261", "message": "x"}}, ContextTooLong),
    (
        "Volcengine: overdue",
        {"error": {"code": "AccountOverdueError", "message": "x", "type": "Forbidden"}},
        BalanceGone,
    ),
    (
        "Volcengine: requests a minute",
        {"error": {"code": "RateLimitExceeded.EndpointRPMExceeded", "message": "x", "type": "TooManyRequests"}},
        RateLimited,
    ),
    (
        "Volcengine: sensitive",
        {"error": {"code": "SensitiveContentDetected", "message": "x", "type": "BadRequest"}},
        RequestFault,
    ),
    ("SiliconFlow: no balance", {"code": 30001, "message": "x", "data": None}, BalanceGone),
    ("Cerebras: requests", {"error": {"message": "x", "code": "request_quota_exceeded"}}, RateLimited),
    ("Cerebras: tokens", {"error": {"message": "x", "code": "token_quota_exceeded"}}, RateLimited),
    ("Moonshot: a rate", {"error": {"type": "rate_limit_reached_error", "message": "x"}}, RateLimited),
    ("xAI: exhausted", {"code": "Some resource has been exhausted", "error": "x"}, RateLimited),
    ("DashScope: inspection", {"code": "DataInspectionFailed", "message": "x"}, RequestFault),
    ("Claude: too large", {"error": {"type": "request_too_large", "message": "x"}}, RequestFault),
    ("AWS: throttled", {"__type": "ThrottlingException", "message": "x"}, RateLimited),
    ("the status alone", {"error": 429}, RateLimited),
    ("a list of errors", {"error": [{"message": "x", "code": 429}]}, RateLimited),
]


SHAPES = [*FRAMES, *ENDS, *CALLS, *USAGE]


@each(SHAPES)
async def test_answers_of_further_servers_have_one_outcome(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome


@each([Shape(source, stream(body), outcome) for source, body, outcome in ERRORS])
async def test_errors_of_further_servers_have_their_class(shape: Shape) -> None:
    assert await outcome_of(shape) == shape.outcome
