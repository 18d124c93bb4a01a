"""Streams in Gemini's dialect, in the forms of the provider and its proxies."""

import json
from typing import Any

from engine.chat import Finish
from engine.errors import EmptyAnswer, Overloaded, RateLimited, StreamCut
from tests.engine.providers.dialects.wires import data
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

COUNTS = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
PARIS = {"name": "get_weather", "args": {"city": "Paris"}}
CALL = ("get_weather", '{"city":"Paris"}')
HI = Answer("Hi there")
REFUSED = Answer("Hi there", Finish.REFUSED)


def part(*parts: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    shaped = [{"text": each} if isinstance(each, str) else each for each in parts]
    candidate = {"content": {"role": "model", "parts": shaped}, "index": 0}
    return {"candidates": [candidate | ({"finishReason": finish} if finish else {})], **more}


def shape(source: str, *frames: Any, outcome: Any, body: str = "") -> Shape:
    return Shape(source, body or data(*frames), outcome, provider="gemini")


END = part(finish="STOP", usageMetadata=COUNTS)
CALLED = Answer(finish=Finish.TOOL_CALLS, calls=(("", *CALL),))

SNAKE_COUNTS = {"prompt_token_count": 9, "candidates_token_count": 3, "total_token_count": 12}

SHAPES = [
    shape("NO_IMAGE is a refusal", part("Hi there", finish="NO_IMAGE", usageMetadata=COUNTS), outcome=REFUSED),
    shape("Code Assist's envelope", {"response": part("Hi there", finish="STOP", usageMetadata=COUNTS)}, outcome=HI),
    shape(
        "names with underscores (proxies in Python)",
        {
            "candidates": [{"content": {"parts": [{"text": "Hi there"}]}, "finish_reason": "STOP"}],
            "usage_metadata": SNAKE_COUNTS,
            "model_version": "gemini-3",
        },
        outcome=HI,
    ),
    shape(
        "a call with underscores, and none changed in its arguments",
        {
            "candidates": [
                {
                    "content": {"parts": [{"function_call": {"name": "look", "args": {"a_b": {"c_d": 1}}}}]},
                    "finish_reason": "STOP",
                }
            ],
            "usage_metadata": SNAKE_COUNTS,
        },
        outcome=Answer(finish=Finish.TOOL_CALLS, calls=(("", "look", '{"a_b":{"c_d":1}}'),)),
    ),
    shape(
        "a text about names with underscores",
        part('{"finish_reason": "x_y"}', finish="STOP", usageMetadata=COUNTS),
        outcome=Answer('{"finish_reason": "x_y"}'),
    ),
    shape(
        "MODEL_ARMOR is a refusal (Vertex)",
        part("Hi there", finish="MODEL_ARMOR", usageMetadata=COUNTS),
        outcome=REFUSED,
    ),
    shape(
        "tokens of tools beside the prompt",
        part("Hi there", finish="STOP", usageMetadata={**COUNTS, "toolUsePromptTokenCount": 5, "totalTokenCount": 17}),
        outcome=Answer("Hi there", usage=(14, 3)),
    ),
    shape(
        "a call with an id of its own",
        part({"functionCall": {"id": "x1", **PARIS}}, finish="STOP", usageMetadata=COUNTS),
        outcome=CALLED,
    ),
    shape(
        "running totals in each frame (langchainjs 8694)",
        part("Hi", usageMetadata={"promptTokenCount": 9, "candidatesTokenCount": 1, "totalTokenCount": 10}),
        part(" there", finish="STOP", usageMetadata=COUNTS),
        outcome=HI,
    ),
    shape(
        "the last frame lacks the candidates' count",
        part("Hi there", usageMetadata=COUNTS),
        part(finish="STOP", usageMetadata={"promptTokenCount": 9}),
        outcome=HI,
    ),
    shape(
        "usage in a frame without candidates", part("Hi there", finish="STOP"), {"usageMetadata": COUNTS}, outcome=HI
    ),
    shape(
        "only the total counts the output",
        part("Hi there", finish="STOP", usageMetadata={"promptTokenCount": 9, "totalTokenCount": 12}),
        outcome=Answer("Hi there", is_disputed=True),
    ),
    shape(
        "thinking beside the candidates",
        part({"text": "hm", "thought": True}),
        part("Hi there", finish="STOP", usageMetadata={**COUNTS, "thoughtsTokenCount": 5, "totalTokenCount": 17}),
        outcome=Answer("Hi there", usage=(9, 8, 0, 0, 5), thinking="hm"),
    ),
    shape(
        "STOP in each frame (Gemini 1.5)",
        part("Hi", finish="STOP"),
        part(" there", finish="STOP", usageMetadata=COUNTS),
        outcome=HI,
    ),
    shape(
        "MALFORMED_FUNCTION_CALL with a signature alone (sub2api 7081)",
        part({"thoughtSignature": "c2ln"}, finish="MALFORMED_FUNCTION_CALL", usageMetadata={"promptTokenCount": 9}),
        outcome=Overloaded,
    ),
    shape(
        "a candidate without content, UNEXPECTED_TOOL_CALL (req_llm 944)",
        {"candidates": [{"finishReason": "UNEXPECTED_TOOL_CALL", "index": 0}]},
        outcome=Overloaded,
    ),
    shape(
        "MALFORMED_FUNCTION_CALL with a call beside it (hermes 83886)",
        part({"functionCall": PARIS}, finish="MALFORMED_FUNCTION_CALL"),
        outcome=Overloaded,
    ),
    shape("STOP with nothing (Gemini 2.5 Pro)", part("", finish="STOP", usageMetadata=COUNTS), outcome=EmptyAnswer),
    shape(
        "an empty last text with a signature (Gemini 3)",
        part("Hi there"),
        part({"text": "", "thoughtSignature": "c2ln"}, finish="STOP", usageMetadata=COUNTS),
        outcome=HI,
    ),
    shape(
        "content without parts, and parts that are empty",
        part("Hi there"),
        {"candidates": [{"content": {"role": "model"}}]},
        part({}, finish="STOP", usageMetadata=COUNTS),
        outcome=HI,
    ),
    shape(
        "content and candidates are null (Vertex proxies)",
        {"candidates": None},
        part("Hi there"),
        {"candidates": [{"content": None, "finishReason": "STOP"}], "usageMetadata": COUNTS},
        outcome=HI,
    ),
    shape(
        "a blocked prompt",
        {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}},
        outcome=Answer("", Finish.REFUSED, usage=(9,)),
    ),
    shape(
        "SAFETY in the middle",
        part("Hi there"),
        part(finish="SAFETY", usageMetadata=COUNTS),
        outcome=Answer("Hi there", Finish.REFUSED),
    ),
    shape(
        "parts of code and pictures that were not asked for",
        part({"executableCode": {"language": "PYTHON", "code": "1"}}),
        part({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}),
        part("Hi there"),
        END,
        outcome=HI,
    ),
    shape("one array instead of events", body=json.dumps([part("Hi"), part(" there"), END], indent=1), outcome=HI),
    shape("OpenAI's end marker (new-api)", part("Hi there"), END, "[DONE]", outcome=HI),
    shape(
        "a field grounding without text",
        part("Hi there", finish="STOP", usageMetadata=COUNTS),
        {"candidates": [{"groundingMetadata": {"webSearchQueries": ["x"]}, "index": 0}]},
        outcome=HI,
    ),
    shape(
        "text and a call in one part (hermes 109862)",
        part({"text": "Let me check.", "functionCall": PARIS}),
        END,
        outcome=Answer("Let me check.", Finish.TOOL_CALLS, calls=(("", *CALL),)),
    ),
    shape(
        "a call that ends with STOP in a frame of its own (python-genai 1982)",
        part({"functionCall": PARIS}),
        END,
        outcome=CALLED,
    ),
    shape(
        "a call with its arguments as a text",
        part({"functionCall": {**PARIS, "args": '{"city":"Paris"}'}}),
        END,
        outcome=CALLED,
    ),
    shape(
        "a call without arguments",
        part({"functionCall": {"name": "now"}}),
        END,
        outcome=Answer(finish=Finish.TOOL_CALLS, calls=(("", "now", "{}"),)),
    ),
    shape(
        "two calls without ids in two frames",
        part({"functionCall": PARIS}),
        part({"functionCall": PARIS}),
        END,
        outcome=Answer(finish=Finish.TOOL_CALLS, calls=(("", *CALL), ("", *CALL))),
    ),
    shape(
        "an error as a frame (OmniRoute 4177)",
        part("Hi"),
        {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}},
        outcome=Overloaded,
    ),
    shape(
        "an error as a list after the last frame",
        body=data(part("Hi")) + json.dumps([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "x"}}]),
        outcome=RateLimited,
    ),
    shape("no finish at all", part("Hi"), outcome=StreamCut),
    shape(
        "a reason that means nothing yet",
        part("Hi", finish="FINISH_REASON_UNSPECIFIED"),
        part(" there"),
        END,
        outcome=HI,
    ),
    shape("data: null between frames", part("Hi"), "null", part(" there"), END, outcome=HI),
    shape(
        "a heartbeat right before a frame (bifrost 6240)",
        body=": heartbeat\n" + data(part("Hi there"), END),
        outcome=HI,
    ),
    shape("TOO_MANY_TOOL_CALLS", part({"functionCall": PARIS}, finish="TOO_MANY_TOOL_CALLS"), outcome=Overloaded),
    shape(
        "a block reason that means nothing",
        part("Hi there", promptFeedback={"blockReason": "BLOCK_REASON_UNSPECIFIED"}),
        END,
        outcome=HI,
    ),
    shape("feedback without a block", part("Hi there", promptFeedback={"safetyRatings": []}), END, outcome=HI),
    shape(
        "parts and a text are null",
        {"candidates": [{"content": {"parts": None}}]},
        part({"text": None}, "Hi there"),
        END,
        outcome=HI,
    ),
    shape(
        "an id for two calls",
        part(*[{"functionCall": {"id": "x", **PARIS}}] * 2),
        END,
        outcome=Answer(finish=Finish.TOOL_CALLS, calls=(("", *CALL), ("", *CALL))),
    ),
    shape(
        "a call that ends at the limit",
        part({"functionCall": PARIS}, finish="MAX_TOKENS", usageMetadata=COUNTS),
        outcome=Answer(finish=Finish.LENGTH, calls=(("", *CALL),)),
    ),
    shape(
        "thinking up to the limit",
        part({"text": "hm", "thought": True}),
        part(
            finish="MAX_TOKENS", usageMetadata={"promptTokenCount": 9, "thoughtsTokenCount": 3, "totalTokenCount": 12}
        ),
        outcome=Answer(finish=Finish.LENGTH, usage=(9, 3, 0, 0, 3), thinking="hm"),
    ),
    shape(
        "counts are texts",
        part("Hi there", finish="STOP", usageMetadata={"promptTokenCount": "9", "candidatesTokenCount": "3"}),
        outcome=HI,
    ),
    shape("an error in OpenAI's shape", {"error": {"message": "x", "type": "rate_limit_error"}}, outcome=RateLimited),
    shape(
        "cached tokens within the input",
        part("Hi there", finish="STOP", usageMetadata={**COUNTS, "cachedContentTokenCount": 8}),
        outcome=Answer("Hi there", usage=(9, 3, 8)),
    ),
]


@each(SHAPES)
async def test_stream_of_gemini_has_its_outcome(shape: Shape) -> None:
    for width in WIDTHS:
        found = await outcome_of(shape, width)
        if isinstance(found, Answer):
            assert len({id_ for id_, _, _ in found.calls}) == len(found.calls)
            assert all(id_ for id_, _, _ in found.calls)
        assert without_ids(found) == shape.outcome


def without_ids(outcome: Any) -> Any:
    """Return an outcome without the ids of its calls, which are new each time."""
    if not isinstance(outcome, Answer):
        return outcome
    calls = tuple(("", name, arguments) for _, name, arguments in outcome.calls)
    return Answer(outcome.text, outcome.finish, outcome.usage, calls, outcome.thinking, outcome.refusal,
                  is_disputed=outcome.is_disputed)  # fmt: skip
