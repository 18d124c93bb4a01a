"""Streams in Anthropic's dialect, in the forms of its proxies and of servers that imitate it."""

import json

import pytest

from engine.chat import Delta
from engine.errors import Overloaded, RateLimited
from engine.providers.dialects.anthropic_stream import AnthropicStreamReader
from engine.providers.sse import Frame
from engine.providers.streams.think_tags import ThinkTags
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of
from tests.engine.providers.shapes.test_anthropic_streams import (
    CALL,
    END,
    HI,
    PIECES,
    START,
    STOP,
    TEXT,
    TOOL,
    block,
    delta,
    end,
    event,
    said,
    shape,
    start,
)

SHAPES = [
    shape(
        "message_delta without usage (MiniMax, pi 6567)",
        start(input_tokens=9, output_tokens=3),
        *PIECES[1:],
        end(),
        STOP,
        outcome=HI,
    ),
    shape(
        "message_delta with usage: null (gptel 1331)",
        start(input_tokens=9, output_tokens=3),
        *PIECES[1:],
        end(usage=None),
        STOP,
        outcome=HI,
    ),
    shape(
        "input_tokens: null at the end",
        *PIECES,
        end(usage={"input_tokens": None, "output_tokens": 3}),
        STOP,
        outcome=HI,
    ),
    shape(
        "zeros at the beginning, all at the end (proxies)",
        start(input_tokens=0, output_tokens=0),
        *PIECES[1:],
        end(usage={"input_tokens": 9, "output_tokens": 3}),
        STOP,
        outcome=HI,
    ),
    shape(
        "running totals, also of the cache (tensorzero 5481)",
        start(input_tokens=4, cache_read_input_tokens=5, output_tokens=1),
        *PIECES[1:],
        end(usage={"input_tokens": 4, "cache_read_input_tokens": 5, "output_tokens": 3}),
        STOP,
        outcome=Answer("Hi there", usage=(9, 3, 5)),
    ),
    shape(
        "a zero input at the end does not erase it",
        *PIECES,
        end(usage={"input_tokens": 0, "output_tokens": 3}),
        STOP,
        outcome=HI,
    ),
    shape("no message_stop", *PIECES, END, outcome=HI),
    shape("no message_delta at all", start(input_tokens=9, output_tokens=3), *PIECES[1:], STOP, outcome=HI),
    shape(
        "usage in message_stop",
        start(),
        *PIECES[1:],
        end(),
        event("message_stop", usage={"input_tokens": 9, "output_tokens": 3}),
        outcome=HI,
    ),
    shape(
        "usage is null at the beginning",
        event("message_start", message={"model": "m", "usage": None}),
        *PIECES[1:],
        end(usage={"input_tokens": 9, "output_tokens": 3}),
        STOP,
        outcome=HI,
    ),
    shape("two message_delta", *PIECES, end(None, usage={"output_tokens": 2}), END, STOP, outcome=HI),
    shape(
        "a tool that the provider runs itself (GLM)",
        START,
        block(0, type="server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        delta(0, type="input_json_delta", partial_json='{"query":"x"}'),
        block(1, type="web_search_tool_result", tool_use_id="srvtoolu_1", content=[{"title": "t"}]),
        block(2, type="text", text=""),
        said("Hi there", 2),
        END,
        STOP,
        outcome=HI,
    ),
    shape(
        "a block and a delta are null",
        START,
        event("content_block_start", index=0, content_block=None),
        event("content_block_delta", index=0, delta=None),
        *PIECES[2:],
        END,
        STOP,
        outcome=HI,
    ),
    shape(
        "too many requests in the middle",
        *PIECES[:3],
        event("error", error={"type": "rate_limit_error", "message": "x"}),
        outcome=RateLimited,
    ),
    shape("an error that is a text", event("error", error="boom"), outcome=Overloaded),
    shape(
        "an error as the whole body",
        json.dumps({"type": "error", "error": {"type": "overloaded_error"}}),
        outcome=Overloaded,
        content_type="application/json",
    ),
    shape(
        "CRLF, and no blanks after the colons",
        "".join((*PIECES, END, STOP)).replace("\n", "\r\n").replace("data: ", "data:").replace("event: ", "event:"),
        outcome=HI,
    ),
    shape(
        "a call and end_turn",
        START,
        TOOL,
        delta(0, type="input_json_delta", partial_json='{"city":"Paris"}'),
        end("end_turn", usage={"output_tokens": 3}),
        STOP,
        outcome=CALL,
    ),
]


@each(SHAPES)
async def test_imitation_of_anthropic_is_read_alike(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome


@pytest.mark.parametrize("width", [1, 3, 100])
def test_reasoning_in_tags_is_split_off_for_a_server_of_ones_own(width: int) -> None:
    text = "<think>hm</think>Hi there"
    reader = AnthropicStreamReader(ThinkTags())
    found = [chunk for body in (START, TEXT) for chunk in reader.read(_frame(body))]
    for at in range(0, len(text), width):
        found += reader.read(_frame(said(text[at : at + width])))
    found += reader.read(_frame(END))
    deltas = [chunk for chunk in found if isinstance(chunk, Delta)]
    assert "".join(each.text for each in deltas) == "Hi there"
    assert "".join(each.thinking for each in deltas) == "hm"


def _frame(body: str) -> Frame:
    return Frame("", body.partition("data: ")[2].strip())
