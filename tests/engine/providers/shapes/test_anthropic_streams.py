"""Streams in Anthropic's dialect, in the forms of the provider and its proxies."""

import json
from typing import Any

from engine.chat import Finish
from engine.errors import EmptyAnswer, KeyRefused, Overloaded, RateLimited, StreamCut
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Outcome, Shape, each, outcome_of

HI = Answer("Hi there")


def event(kind: str, **body: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **body})}\n\n"


def start(**usage: Any) -> str:
    return event("message_start", message={"model": "claude-haiku-4-5", "content": [], "usage": usage})


def block(index: int, **fields: Any) -> str:
    return event("content_block_start", index=index, content_block=fields)


def delta(index: int, **fields: Any) -> str:
    return event("content_block_delta", index=index, delta=fields)


def said(text: str, index: int = 0) -> str:
    return delta(index, type="text_delta", text=text)


def end(reason: str | None = "end_turn", **more: Any) -> str:
    return event("message_delta", delta={"stop_reason": reason, "stop_sequence": None}, **more)


def shape(source: str, *events: str, outcome: Outcome, content_type: str = "text/event-stream") -> Shape:
    return Shape(source, "".join(events), outcome, provider="anthropic", content_type=content_type)


START, TEXT, STOP = start(input_tokens=9, output_tokens=1), block(0, type="text", text=""), event("message_stop")
END = end(usage={"output_tokens": 3})
PIECES = (START, TEXT, said("Hi"), said(" there"), event("content_block_stop", index=0))
CALL = Answer(finish=Finish.TOOL_CALLS, calls=(("toolu_1", "get_weather", '{"city":"Paris"}'),))
TOOL = block(0, type="tool_use", id="toolu_1", name="get_weather", input={})
CALL_END = end("tool_use", usage={"output_tokens": 3})
WHOLE = {
    "type": "message",
    "model": "m",
    "role": "assistant",
    "content": [{"type": "text", "text": "Hi there"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 9, "output_tokens": 3},
}

SHAPES = [
    shape(
        "a call's input as an object",
        START,
        TOOL,
        delta(0, type="input_json_delta", partial_json={"city": "Paris"}),
        CALL_END,
        STOP,
        outcome=CALL,
    ),
    shape(
        "a whole message whose content is a text",
        json.dumps({**WHOLE, "content": "Hi there"}),
        outcome=HI,
        content_type="application/json",
    ),
    shape(
        "thinking in a field named text",
        START,
        delta(0, type="thinking_delta", text="hm"),
        said("Hi there", 1),
        END,
        STOP,
        outcome=Answer("Hi there", thinking="hm"),
    ),
    shape(
        "usage within the delta",
        *PIECES,
        event("message_delta", delta={"stop_reason": "end_turn", "usage": {"output_tokens": 3}}),
        STOP,
        outcome=HI,
    ),
    shape(
        "usage in Vercel's spelling",
        start(inputTokens=9),
        *PIECES[1:],
        end(usage={"outputTokens": 3}),
        STOP,
        outcome=HI,
    ),
    shape(
        "usage in OpenAI's names",
        start(prompt_tokens=9),
        *PIECES[1:],
        end(usage={"completion_tokens": 3}),
        STOP,
        outcome=HI,
    ),
    shape(
        "the reason in message_stop",
        *PIECES,
        event("message_stop", stop_reason="max_tokens", usage={"output_tokens": 3}),
        outcome=Answer("Hi there", Finish.LENGTH),
    ),
    shape("as Anthropic sends it", *PIECES, END, STOP, outcome=HI),
    shape("pings between all events", *(event("ping") + piece for piece in (*PIECES, END, STOP)), outcome=HI),
    shape(
        "an event of tomorrow",
        START,
        event("content_block_hint", index=0, hint={"text": "x"}),
        *PIECES[1:],
        END,
        STOP,
        outcome=HI,
    ),
    shape(
        "no stop reason, then message_stop (cc-switch)",
        *PIECES,
        end(None, usage={"output_tokens": 3}),
        STOP,
        outcome=HI,
    ),
    shape("OpenAI's end marker", *PIECES, END, "data: [DONE]\n\n", outcome=HI),
    shape(
        "OpenAI's end marker, and no stop reason",
        *PIECES,
        end(None, usage={"output_tokens": 3}),
        "data: [DONE]\n\n",
        outcome=HI,
    ),
    shape("cut in the middle", *PIECES[:4], outcome=StreamCut),
    shape(
        "text at the beginning of a block",
        START,
        block(0, type="text", text="Hi"),
        said(" there"),
        END,
        STOP,
        outcome=HI,
    ),
    shape("deltas without the beginning of a block", START, said("Hi"), said(" there"), END, STOP, outcome=HI),
    shape(
        "a delta of null, and an empty one",
        START,
        TEXT,
        delta(0, type="text_delta", text=None),
        said(""),
        *PIECES[2:],
        END,
        STOP,
        outcome=HI,
    ),
    shape(
        "citations beside the text",
        START,
        TEXT,
        said("Hi there"),
        delta(0, type="citations_delta", citation={"text": "x"}),
        END,
        STOP,
        outcome=HI,
    ),
    shape("data without event lines", "".join((*PIECES, END, STOP)).replace("event: ", ": "), outcome=HI),
    shape("data: null between events", START, "data: null\n\n", *PIECES[1:], END, STOP, outcome=HI),
    shape(
        "a call with empty pieces first (litellm 33315)",
        START,
        TOOL,
        delta(0, type="input_json_delta", partial_json=""),
        delta(0, type="input_json_delta", partial_json='{"city":'),
        delta(0, type="input_json_delta", partial_json='"Paris"}'),
        CALL_END,
        STOP,
        outcome=CALL,
    ),
    shape(
        "a call whole at its beginning",
        START,
        block(0, type="tool_use", id="toolu_1", name="get_weather", input={"city": "Paris"}),
        event("content_block_stop", index=0),
        CALL_END,
        STOP,
        outcome=CALL,
    ),
    shape(
        "a call without input in its beginning (cc-switch 2557)",
        START,
        block(0, type="tool_use", id="toolu_1", name="get_weather"),
        delta(0, type="input_json_delta", partial_json='{"city":"Paris"}'),
        CALL_END,
        STOP,
        outcome=CALL,
    ),
    shape(
        "a call without any input",
        START,
        block(0, type="tool_use", id="toolu_1", name="now", input={}),
        CALL_END,
        STOP,
        outcome=Answer(finish=Finish.TOOL_CALLS, calls=(("toolu_1", "now", "{}"),)),
    ),
    shape(
        "a call that ends with end_turn",
        START,
        TOOL,
        delta(0, type="input_json_delta", partial_json='{"city":"Paris"}'),
        END,
        STOP,
        outcome=CALL,
    ),
    shape(
        "two whole calls at one index",
        START,
        block(0, type="tool_use", id="toolu_1", name="get_weather", input={"city": "Paris"}),
        event("content_block_stop", index=0),
        block(0, type="tool_use", id="toolu_2", name="get_weather", input={"city": "Rome"}),
        event("content_block_stop", index=0),
        CALL_END,
        STOP,
        outcome=Answer(
            finish=Finish.TOOL_CALLS,
            calls=(("toolu_1", "get_weather", '{"city":"Paris"}'), ("toolu_2", "get_weather", '{"city":"Rome"}')),
        ),
    ),
    shape(
        "a call cut by max_tokens",
        START,
        TOOL,
        delta(0, type="input_json_delta", partial_json='{"city":"Pa'),
        end("max_tokens", usage={"output_tokens": 3}),
        STOP,
        outcome=Answer(finish=Finish.LENGTH, calls=(("toolu_1", "get_weather", '{"city":"Pa'),)),
    ),
    shape("tool_use with nothing (mastra 14187)", START, CALL_END, STOP, outcome=EmptyAnswer),
    shape(
        "thinking with its signature",
        START,
        block(0, type="thinking", thinking="", signature=""),
        delta(0, type="thinking_delta", thinking="hm"),
        delta(0, type="signature_delta", signature="c2ln"),
        block(1, type="text", text=""),
        said("Hi there", 1),
        END,
        STOP,
        outcome=Answer("Hi there", thinking="hm"),
    ),
    shape("a refusal", START, end("refusal", usage={"output_tokens": 3}), STOP, outcome=Answer("", Finish.REFUSED)),
    shape(
        "the context window is full",
        *PIECES,
        end("model_context_window_exceeded", usage={"output_tokens": 3}),
        STOP,
        outcome=Answer("Hi there", Finish.LENGTH),
    ),
    shape("a whole message", json.dumps(WHOLE), outcome=HI, content_type="application/json"),
    shape(
        "overloaded in the middle",
        *PIECES[:3],
        event("error", error={"type": "overloaded_error", "message": "Overloaded"}),
        outcome=Overloaded,
    ),
    shape(
        "a rate limit with status 200",
        json.dumps({"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}),
        outcome=RateLimited,
        content_type="application/json",
    ),
    shape(
        "an error without a type of its own",
        *PIECES[:3],
        'event: error\ndata: {"message": "gone"}\n\n',
        outcome=Overloaded,
    ),
    shape(
        "a wrong key with status 200",
        event("error", error={"type": "authentication_error", "message": "x"}),
        outcome=KeyRefused,
    ),
    shape("GLM: a code that is a text", event("error", error={"code": "1302", "message": "x"}), outcome=RateLimited),
    shape(
        "an error after the end",
        *PIECES,
        END,
        STOP,
        event("error", error={"type": "api_error", "message": "x"}),
        outcome=HI,
    ),
]


@each(SHAPES)
async def test_stream_of_anthropic_has_its_outcome(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome
