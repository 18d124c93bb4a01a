"""Frames in the forms of proxies, gateways and imprecise servers of OpenAI's dialect."""

import json

from engine.chat import Finish
from engine.errors import Garbled, StreamCut
from tests.engine.providers.shapes.chunks import COUNTS, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

HI = Answer("Hi there")
REFUSED = Answer("Hi there", Finish.REFUSED)
PARTS = (said("Hi"), said(" there"), choice("stop"), counted())

SHAPES = [
    Shape(
        "the last frame repeats the whole text in its delta",
        stream(said("The sea "), said("is wide and blue."), said("The sea is wide and blue.", "stop"), counted()),
        Answer("The sea is wide and blue."),
    ),
    Shape(
        "a last token that repeats the one before it is text",
        stream(said("No, "), said("no, "), said("no, ", "stop"), counted()),
        Answer("No, no, no, "),
    ),
    Shape("the end marker in lower case", stream(*PARTS, end="[done]"), HI),
    Shape("frames are separated by CR alone", stream(*PARTS).replace("\n", "\r"), HI),
    Shape(
        "lines of JSON without data (Ollama's own endpoint)",
        "\n".join(json.dumps(part) for part in PARTS) + "\n",
        HI,
        content_type="application/x-ndjson",
    ),
    Shape(
        "ids, event names and a retry time beside the data",
        "retry: 3000\n\n" + stream(*PARTS).replace("data: ", "id: 7\nevent: message\ndata: "),
        HI,
    ),
    Shape("an event named done", stream(*PARTS, end="") + "event: done\ndata: [DONE]\n\n", HI),
    Shape(
        "a delta is an empty list (PHP)",
        stream(
            {"choices": [{"index": 0, "delta": []}]},
            *PARTS[:2],
            {"choices": [{"delta": [], "finish_reason": "stop"}]},
            counted(),
        ),
        HI,
    ),
    Shape(
        "content is false, an empty list and an empty object",
        stream(choice(content=False), choice(content=[]), choice(content={}), *PARTS),
        HI,
    ),
    Shape("content is a list of texts", stream(choice(content=["Hi", " there"]), *PARTS[2:]), HI),
    Shape(
        "a role again after the finish, with the usage (OpenRouter)",
        stream(*PARTS[:3], {**choice(role="assistant", content=""), "usage": COUNTS}),
        HI,
        provider="openrouter",
    ),
    Shape("text after the finish", stream(PARTS[0], choice("stop"), PARTS[1], counted()), HI),
    Shape(
        "two choices without an index, for one that was asked for (GitHub Copilot)",
        json.dumps(
            {
                "usage": COUNTS,
                "choices": [
                    {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "tool_calls"},
                    {
                        "message": {
                            "content": None,
                            "tool_calls": [{"id": "a", "function": {"name": "look", "arguments": "{}"}}],
                        },
                        "finish_reason": "tool_calls",
                    },
                ],
            }
        ),
        Answer("Hi", Finish.TOOL_CALLS, calls=(("a", "look", "{}"),)),
        content_type="application/json",
    ),
    Shape(
        "Azure's filter has failed, and says so in the choice",
        stream(
            *PARTS[:2],
            {
                "choices": [
                    {
                        "index": 0,
                        "delta": {},
                        "content_filter_result": {"error": {"code": "content_filter_error", "message": "x"}},
                    }
                ]
            },
            *PARTS[2:],
        ),
        HI,
    ),
    Shape(
        "Azure's asynchronous filter comes alone, without a delta",
        stream(*PARTS[:2], {"choices": [{"index": 0, "finish_reason": "content_filter"}]}, counted()),
        REFUSED,
    ),
    Shape("a page within a stream", stream("<html><body>502 Bad Gateway</body></html>"), Garbled),
    Shape("a page in the middle", stream(PARTS[0], end="") + "<html><title>504</title></html>", Garbled),
    Shape("an empty object, and nothing else", "{}", StreamCut, content_type="application/json"),
]


@each(SHAPES)
async def test_odd_frames_become_one_answer_or_one_failure(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome
