"""Reports in unusual places: usage after the end marker, a finish beside the choices, exceptions of AWS."""

import json
from typing import Any

from engine.chat import Finish
from engine.errors import KeyRefused, NoSuchModel, Overloaded, ProviderError, RateLimited, RequestFault
from tests.engine.providers.dialects.wires import data
from tests.engine.providers.shapes.chunks import COUNTS, DONE, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

HI = Answer("Hi there")
PARTS = (said("Hi"), said(" there"), choice("stop"))
WITH_COUNTS = {**choice(), "usage": COUNTS}
WHOLE = {"choices": [{"index": 0, "message": {"content": "Hi there"}, "finish_reason": "stop"}], "usage": COUNTS}
CALL = {"id": "a", "name": "look", "arguments": {"at": 1}}
LIMIT = Answer("Hi there", Finish.LENGTH)

SHAPES = [
    Shape("usage after the end marker", stream(*PARTS) + data(counted()), HI),
    Shape("usage after the end marker, and the marker again", stream(*PARTS) + stream(counted()), HI),
    Shape("usage between garbage after the marker", stream(*PARTS) + data("{", counted(), "x"), HI),
    Shape("usage on both sides of the marker", stream(*PARTS, counted()) + data(counted(prompt_tokens=99)), HI),
    Shape(
        "an error after the marker", stream(*PARTS) + data({"error": {"message": "x"}}), Answer("Hi there", usage=None)
    ),
    Shape("text beside the usage after the marker", stream(*PARTS) + data({**said("!"), "usage": COUNTS}), HI),
    Shape(
        "the finish beside the choices",
        stream(*PARTS[:2], {"choices": [{"index": 0, "delta": {}}], "finish_reason": "length"}, counted()),
        LIMIT,
    ),
    Shape(
        "the finish without choices", stream(*PARTS[:2], {"choices": [], "finish_reason": "length"}, counted()), LIMIT
    ),
    Shape(
        "the finish and the usage in one frame",
        stream(*PARTS[:2], {"finish_reason": "stop", "usage": COUNTS}, end=""),
        HI,
    ),
    Shape(
        "a finish of the choice counts before the one beside it",
        stream(*PARTS[:2], {**choice("length"), "finish_reason": "stop"}, counted()),
        LIMIT,
    ),
    *(
        Shape(f"chunks within `{name}`", stream(*({name: part} for part in (*PARTS, WITH_COUNTS))), HI)
        for name in ("data", "result", "response")
    ),
    Shape(
        "Cloudflare: the answer within `result`",
        json.dumps({"result": WHOLE, "success": True, "errors": [], "messages": []}),
        HI,
        content_type="application/json",
    ),
    Shape(
        "Cloudflare: texts of its own API",
        stream({"response": "Hi", "p": "ab"}, {"response": " there"}, {"response": "", "usage": COUNTS}),
        HI,
    ),
    Shape(
        "Cloudflare: an answer of its own API",
        json.dumps({"result": {"response": "Hi there", "tool_calls": [], "usage": COUNTS}, "success": True}),
        HI,
        content_type="application/json",
    ),
    Shape(
        "Cloudflare: a call of its own API",
        json.dumps({"result": {"response": "Hi there", "tool_calls": [CALL], "usage": COUNTS}, "success": True}),
        Answer("Hi there", Finish.TOOL_CALLS, calls=(("a", "look", '{"at":1}'),)),
        content_type="application/json",
    ),
    Shape("an envelope without an answer", stream({"data": {"choices": []}}, {"result": "x"}, *PARTS, counted()), HI),
    Shape("null beside the choices", stream(*({**part, "finish_reason": None} for part in PARTS), counted()), HI),
]
EXCEPTIONS: list[tuple[str, type[ProviderError]]] = [
    ("internalServerException", Overloaded),
    ("modelStreamErrorException", Overloaded),
    ("modelTimeoutException", Overloaded),
    ("serviceUnavailableException", Overloaded),
    ("throttlingException", RateLimited),
    ("validationException", RequestFault),
    ("accessDeniedException", KeyRefused),
    ("ResourceNotFoundException", NoSuchModel),
]
CLAUDE = data(
    {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 9}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
)


def forms(name: str) -> list[tuple[str, str]]:
    """Return the forms in which gateways to Bedrock pass an exception on."""
    said_only: dict[str, Any] = {"message": "Too many tokens, please wait."}
    return [
        ("a field", data({name: said_only}, DONE)),
        ("a field with a text", data({name: said_only["message"]}, DONE)),
        ("a header", data({":message-type": "exception", ":exception-type": name, **said_only}, DONE)),
        ("an event", f"event: {name}\n{data(said_only)}"),
        ("a type", data({"__type": name, **said_only}, DONE)),
    ]


@each(SHAPES)
async def test_reports_in_unusual_places_are_read(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome


@each(
    Shape(f"{name} as {form} at {provider}", before + body, kind, provider)
    for name, kind in EXCEPTIONS
    for form, body in forms(name)
    for provider, before in (("local", stream(said("Hi"), end="")), ("anthropic", CLAUDE))
)
async def test_exception_of_aws_within_a_stream_has_its_class(shape: Shape) -> None:
    assert await outcome_of(shape) == shape.outcome
