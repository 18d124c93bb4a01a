"""Answers of proxies and servers in forms that several reports have in common."""

import json
from typing import Any

from engine.chat import Finish
from engine.errors import ContextTooLong, Garbled, Overloaded, RateLimited
from tests.engine.providers.shapes import test_anthropic_streams as claude
from tests.engine.providers.shapes.chunks import COUNTS, call, calling, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of
from tests.engine.providers.shapes.test_gemini_streams import part
from tests.engine.providers.shapes.test_gemini_streams import shape as of_gemini

JSON = "application/json"
PARIS = '{"city":"Paris"}'
ONE = Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", PARIS),))
END = (choice("tool_calls"), counted())
HI = Answer("Hi there")
LONG = "A text of over sixteen letters."
CLAUDE = {"input_tokens": 9, "output_tokens": 3}
GEMINI = {"promptTokenCount": 9, "candidatesTokenCount": 3, "totalTokenCount": 12}


def whole(**fields: Any) -> str:
    """Return a complete answer as one JSON value."""
    return json.dumps({"choices": [{"index": 0, "message": {"content": "Hi there"}, **fields}], "usage": COUNTS})


def searching(id_: str, arguments: str, index: int = 0) -> dict[str, Any]:
    return calling(call("search", arguments, index=index, id=id_))


WHOLE = [
    Shape("a whole answer without a finish reason", whole(), HI, content_type=JSON),
    Shape("a whole answer, finish_reason: null", whole(finish_reason=None), HI, content_type=JSON),
    Shape("a whole answer, an empty finish reason", whole(finish_reason=""), HI, content_type=JSON),
    Shape(
        "a whole message of Claude's without a stop reason",
        json.dumps({"type": "message", "content": [{"type": "text", "text": "Hi there"}], "usage": CLAUDE}),
        HI,
        "anthropic",
        content_type=JSON,
    ),
]
CALLS = [
    Shape(
        "arguments in Python's manner",
        stream(calling(call("get_weather", "{'city': 'Paris'}", index=0, id="a")), *END),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", '{"city": "Paris"}'),)),
    ),
    Shape(
        "arguments with names without quotation marks",
        stream(calling(call("get_weather", '{city: "Paris"}', index=0, id="a")), *END),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "get_weather", '{"city": "Paris"}'),)),
    ),
    Shape(
        "arguments in the name",
        stream(calling(call(f"get_weather{PARIS}", "", index=0, id="a")), *END),
        ONE,
    ),
    Shape(
        "a call grows under new ids",
        stream(
            searching("a", '{"q":"a"}'),
            searching("b", '{"q":"a","n":1}'),
            searching("c", '{"q":"a","n":1,"m":2}'),
            *END,
        ),
        Garbled,
    ),
    Shape(
        "two calls, of which the second has one property more",
        stream(searching("a", '{"q":"a"}'), searching("b", '{"q":"a","n":1}', 1), *END),
        Answer(finish=Finish.TOOL_CALLS, calls=(("a", "search", '{"q":"a"}'), ("b", "search", '{"q":"a","n":1}'))),
    ),
]
TEXTS = [
    of_gemini(
        "the last frame repeats the whole text",
        part(LONG[:10]),
        part(LONG[10:]),
        part(LONG, finish="STOP", usageMetadata=GEMINI),
        outcome=Answer(LONG),
    ),
    of_gemini(
        "a short text that comes again is a part of the answer",
        part("ha"),
        part("ha"),
        part("haha", finish="STOP", usageMetadata=GEMINI),
        outcome=Answer("hahahaha"),
    ),
    of_gemini(
        "each frame has all the text so far",
        *(part(LONG[: 5 * number]) for number in range(1, 7)),
        part(finish="STOP", usageMetadata=GEMINI),
        outcome=Garbled,
    ),
    of_gemini(
        "arguments in pieces, which only a request asks for",
        part({"functionCall": {"name": "look", "partialArgs": [{"jsonPath": "$.a", "stringValue": "b"}]}}),
        part(finish="STOP", usageMetadata=GEMINI),
        outcome=Garbled,
    ),
    claude.shape(
        "each frame of Claude's has all the text so far",
        *(*claude.PIECES[:2], *(claude.said(LONG[: 5 * number]) for number in range(1, 7)), claude.END, claude.STOP),
        outcome=Garbled,
    ),
    Shape("content in parts", stream(choice(content={"parts": ["Hi", " there"]}), choice("stop"), counted()), HI),
]
USAGE = [
    Shape(
        "cache counts of Claude's beside a prompt without them",
        stream(
            *(said("Hi there"), choice("stop")),
            counted(
                prompt_tokens=4,
                completion_tokens=3,
                total_tokens=12,
                cache_read_input_tokens=5,
                cache_creation_input_tokens=0,
            ),
        ),
        Answer("Hi there", usage=(9, 3, 5)),
    ),
    Shape(
        "cache counts of Claude's within the prompt (LiteLLM)",
        stream(
            *(said("Hi there"), choice("stop")),
            counted(prompt_tokens=9, completion_tokens=3, total_tokens=12, cache_read_input_tokens=5),
        ),
        Answer("Hi there", usage=(9, 3, 5)),
    ),
    Shape(
        "cache counts of Claude's, larger than the prompt",
        stream(
            *(said("Hi there"), choice("stop")),
            counted(prompt_tokens=2, completion_tokens=3, cache_read_input_tokens=5, cache_creation_input_tokens=2),
        ),
        Answer("Hi there", usage=(9, 3, 5, 2)),
    ),
]
ERRORS = [
    Shape(
        "error_code within the error",
        stream({"error": {"error_code": 429, "error_message": "x"}}),
        RateLimited,
    ),
    Shape(
        "error_type within the error",
        stream({"error": {"error_type": "rate_limit_error", "error_message": "x"}}),
        RateLimited,
    ),
    Shape("error_code 503", stream({"error": {"error_code": "503", "error_message": "x"}}), Overloaded),
    Shape(
        "LM Studio: the shorter wording",
        stream({"error": "The number of tokens to keep from the initial prompt is greater than the context length"}),
        ContextTooLong,
    ),
    Shape(
        "SiliconFlow: too long",
        stream(
            {
                "error": {
                    "code": 20015,
                    "message": "length of prompt_tokens (40000) must be less than max_seq_len (32768).",
                }
            }
        ),
        ContextTooLong,
    ),
]
SHAPES = [*WHOLE, *CALLS, *TEXTS, *USAGE, *ERRORS]


@each(SHAPES)
async def test_answers_of_proxies_have_one_outcome(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome


async def test_cut_stream_without_a_finish_is_no_whole_answer() -> None:
    body = stream(said("Hi there"), end="")
    assert await outcome_of(Shape("", body, HI)) != HI
