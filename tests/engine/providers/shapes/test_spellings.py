"""Texts, calls, counts and ends under other names or in other places than usual."""

import json
from typing import Any

from engine.chat import Finish
from tests.engine.providers.dialects.wires import data
from tests.engine.providers.shapes.chunks import COUNTS, call, calling, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

PARIS = '{"city":"Paris"}'
HI, HM = Answer("Hi there"), Answer("Hi there", thinking="hm")
LIMIT = Answer("Hi there", Finish.LENGTH)
ONE = Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", PARIS),))
PARTS = (said("Hi"), said(" there"), choice("stop"), counted())
END = (choice("tool_calls"), counted())
USED = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}
OF_BEDROCK = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 9, "outputTokenCount": 3}}


def used(**beside: Any) -> str:
    return stream(*PARTS[:3], {"choices": [], **beside})


SHAPES = [
    Shape(
        "Snowflake: a call in the delta itself (langchain-snowflake 112)",
        stream(
            choice(type="tool_use", tool_use_id="a", name="get_weather"),
            choice(type="tool_use", input='{"city":'),
            choice(type="tool_use", input='"Paris"}'),
            *END,
        ),
        ONE,
    ),
    Shape("Snowflake: text in the delta", stream(choice(type="text", text="Hi there"), *PARTS[2:]), HI),
    Shape("one call in `tool_call`", stream(choice(tool_call=call("get_weather", PARIS, index=0, id="a")), *END), ONE),
    Shape(
        "names that grow",
        stream(
            calling(call("get_", index=0, id="a")),
            calling(call("get_weather", "", index=0)),
            calling(call(None, PARIS, index=0)),
            *END,
        ),
        ONE,
    ),
    Shape(
        "a number and an escape cut in two",
        stream(
            calling(call("get_weather", '{"n":1', index=0, id="a")),
            calling(call(None, '2.5,"t":"\\u00', index=0)),
            calling(call(None, "e9\\", index=0)),
            calling(call(None, '""}', index=0)),
            *END,
        ),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", '{"n":12.5,"t":"\\u00e9\\""}'),)),
    ),
    Shape(
        "an empty call beside the text",
        stream(choice(content="Hi", tool_calls=[call("", "", index=0, id="")]), *PARTS[1:]),
        HI,
    ),
    Shape(
        "Databricks: reasoning as a part of the content",
        stream(choice(content=[{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}]), *PARTS),
        HM,
    ),
    *(
        Shape(f"reasoning in {name}", stream(choice(**{name: "hm"}), *PARTS), HM)
        for name in ("thoughts", "reasoning_summary", "thinking_content")
    ),
    Shape(
        "Assistants: a text is an object with a value",
        stream(choice(content=[{"type": "text", "text": {"value": "Hi there"}}]), *PARTS[2:]),
        HI,
    ),
    Shape(
        "Perplexity: a delta beside the message so far",
        stream(
            *(
                {
                    "choices": [
                        {"index": 0, "delta": {"content": new}, "message": {"content": so_far}, "finish_reason": end}
                    ],
                    "usage": COUNTS,
                }
                for new, so_far, end in (("Hi", "Hi", None), (" there", "Hi there", None), ("", "Hi there", "stop"))
            )
        ),
        HI,
    ),
    Shape(
        "an index below zero",
        stream(
            *({"choices": [{"index": -1, "delta": {"content": text}}]} for text in ("Hi", " there")),
            {"choices": [{"index": -1, "delta": {}, "finish_reason": "stop"}]},
            counted(),
        ),
        HI,
    ),
    Shape("Ollama: done_reason", stream(*PARTS[:2], {"done": True, "done_reason": "length"}, counted(), end=""), LIMIT),
    Shape("Ollama: counts", stream(*PARTS[:2], {**choice("stop"), "prompt_eval_count": 9, "eval_count": 3}), HI),
    Shape("Bedrock: counts", used(**OF_BEDROCK), HI),
    Shape("counts in the metadata", used(metadata={"usage": COUNTS}), HI),
    Shape(
        "counts in the metadata of the last choice",
        stream(*PARTS[:2], {**choice("stop"), "metadata": {"usage": COUNTS}}),
        HI,
    ),
    Shape("Cohere: counts in meta", used(meta={"tokens": {"input_tokens": 9, "output_tokens": 3}}), HI),
    Shape("short names of counts", used(usage={"input": 9, "output": 3, "total": 12}), HI),
    Shape("usage is a text", stream(*PARTS[:3], {"choices": [], "usage": "null"}, counted()), HI),
    Shape("blanks before the lines", "".join(f"  {line}" for line in stream(*PARTS).splitlines(keepends=True)), HI),
    Shape("names of fields in upper case", stream(*PARTS).replace("data:", "DATA:"), HI),
    Shape("a NUL at the start", "\0" + stream(*PARTS), HI),
    Shape(
        "JSON over several lines of data",
        "".join("".join(f"data: {line}\n" for line in json.dumps(p, indent=1).splitlines()) + "\n" for p in PARTS),
        HI,
    ),
]
CLAUDE: tuple[dict[str, Any], ...] = (
    {"type": "content_block_start", "index": 9, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "Hi there"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 3}},
    {"type": "message_stop"},
)
INPUT = {"type": "input_json_delta", "partial_json": '{"q":1}'}


def claude(source: str, kind: str, delta: dict[str, Any] | None = None, **fields: Any) -> Shape:
    """Return an answer of Claude with a block of this `kind` before its text."""
    start = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 9, "output_tokens": 1}}}
    begun = {"type": "content_block_start", "index": 0, "content_block": {"type": kind, **fields}}
    pieces = [{"type": "content_block_delta", "index": 0, "delta": delta}] if delta else []
    ended = {"type": "content_block_stop", "index": 0}
    return Shape(source, data(start, begun, *pieces, ended, *CLAUDE), HI, "anthropic")


ANTHROPIC = [
    claude("a tool of a server (MCP)", "mcp_tool_use", INPUT, id="x", name="n", input={}),
    claude("a result of such a tool", "mcp_tool_result", content=[{"type": "text", "text": "no"}]),
    claude("a tool of the provider", "server_tool_use", INPUT, id="x", name="web_search"),
    claude("a block of an unknown kind", "new_kind", INPUT, id="x"),
    claude("a summary of the conversation", "compaction", {"type": "compaction_delta", "content": "no"}, content=None),
]
SAID = {"content": {"role": "model", "parts": [{"text": "Hi there"}]}}


def gemini(*candidates: dict[str, Any], **beside: Any) -> str:
    return data({"candidates": list(candidates), **beside})


GEMINI = [
    Shape("the finish by its number", gemini({**SAID, "finishReason": 1}, usageMetadata=USED), HI, "gemini"),
    Shape("the limit by its number", gemini({**SAID, "finishReason": 2}, usageMetadata=USED), LIMIT, "gemini"),
    Shape(
        "the finish by number 0, which is none",
        gemini({**SAID, "finishReason": 0}) + gemini({"finishReason": "STOP"}, usageMetadata=USED),
        HI,
        "gemini",
    ),
    Shape(
        "the finish beside the candidates", gemini(SAID) + gemini(finishReason="STOP", usageMetadata=USED), HI, "gemini"
    ),
    Shape("usage in the candidate", gemini({**SAID, "finishReason": "STOP", "usageMetadata": USED}), HI, "gemini"),
]


@each([*SHAPES, *ANTHROPIC, *GEMINI])
async def test_other_spellings_are_read(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome
