"""Errors in the middle of a stream, in any form: the beginning of an answer is never sent as a whole one."""

import json
from typing import Any

from engine.errors import Overloaded, ProviderError, RateLimited
from tests.engine.providers.dialects.wires import data
from tests.engine.providers.shapes.chunks import COUNTS, choice, counted, said, stream
from tests.engine.providers.shapes.shape import Answer, Shape, each, outcome_of

FRAMES: list[tuple[str, dict[str, Any], type[ProviderError]]] = [
    ("a status in words", {"status": "error", "message": "x"}, Overloaded),
    ("a failed status", {"status": "failed", "reason": "x"}, Overloaded),
    ("a type in words", {"type": "error", "message": "x"}, Overloaded),
    ("a type of an event", {"type": "response.failed", "response": {"error": {"message": "x"}}}, Overloaded),
    ("a response's error", {"type": "x.failed", "response": {"error": {"code": "rate_limit_exceeded"}}}, RateLimited),
    ("an event within the data", {"event": "error", "data": {"message": "x"}}, Overloaded),
    ("a result in words", {"result": "error", "msg": "x"}, Overloaded),
    ("an object in words", {"object": "chat.completion.error", "message": "x"}, Overloaded),
    ("errorMessage", {"errorMessage": "x", "errorCode": 500}, Overloaded),
    ("error_message", {"error_message": "x"}, Overloaded),
    ("Error", {"Error": {"message": "x", "code": 429}}, RateLimited),
    ("err", {"err": {"message": "x"}}, Overloaded),
    ("exception", {"exception": "x"}, Overloaded),
    ("fault (Apigee)", {"fault": {"faultstring": "x"}}, Overloaded),
    ("errors as an object", {"errors": {"message": "x"}}, Overloaded),
    ("an error that is true", {"error": True, "message": "x"}, Overloaded),
    ("problem details (RFC 9457)", {"title": "Internal Server Error", "status": 500}, Overloaded),
    ("problem details of a limit", {"title": "Too Many Requests", "status": 429}, RateLimited),
    ("a message alone (AWS gateways)", {"message": "Internal server error"}, Overloaded),
    ("a message and a request", {"message": "Endpoint request timed out", "requestId": "r"}, Overloaded),
    ("no choices (Baidu)", {"choices": None, "error_code": 336100, "error_msg": "x"}, Overloaded),
    ("within the delta", {"choices": [{"index": 0, "delta": {"error": {"message": "x"}}}]}, Overloaded),
    ("within the message", {"choices": [{"index": 0, "message": {"error": {"code": 429}}}]}, RateLimited),
    ("a code of the choice", {"choices": [{"index": 0, "delta": {"content": ""}, "error_code": "x"}]}, Overloaded),
    ("a finish of its own", {"choices": [{"index": 0, "delta": {}, "finish_reason": "upstream_error"}]}, Overloaded),
]
HARMLESS: list[tuple[str, dict[str, Any]]] = [
    ("an error of zeros", {"error": {"code": 0, "message": ""}}),
    ("errors: []", {"errors": [], "id": "x"}),
    ("errorCode: 0 without a message", {"errorCode": 0, "errorMessage": "", "data": {}}),
    ("errorCode: OK", {"errorCode": "OK", "id": "x"}),
    ("a status of progress", {"type": "status", "status": "searching", "message": "Reading pages"}),
    ("a status of 200", {"status": 200, "message": "fine", "id": "x"}),
    ("citations", {"citations": ["https://a.test"], "search_results": []}),
    ("no error in the choice", {"choices": [{"index": 0, "delta": {"error": None}, "error_code": 0}]}),
]
CLAUDE = data(
    {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 9}}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
)
GEMINI = data({"candidates": [{"content": {"parts": [{"text": "Hi"}]}}]})
OF_CLAUDE: list[dict[str, Any]] = [
    {"type": "exception", "message": "x"},
    {"type": "error", "error": "overloaded"},
    {"type": "error", "message": "x"},
    {"message": "Internal server error"},
]
OF_GEMINI: list[dict[str, Any]] = [
    {"error": "x"},
    {"code": 503, "message": "x", "status": "UNAVAILABLE"},
    {"type": "error", "error": {"a": 1}},
]


@each(Shape(name, stream(said("Hi"), frame), kind) for name, frame, kind in FRAMES)
async def test_error_in_the_middle_is_a_failure(shape: Shape) -> None:
    for width in (0, 7):
        assert await outcome_of(shape, width) == shape.outcome


@each(
    Shape(f"{provider}: {json.dumps(frame)}", before + data(frame), Overloaded, provider)
    for provider, before, frames in (("anthropic", CLAUDE, OF_CLAUDE), ("gemini", GEMINI, OF_GEMINI))
    for frame in frames
)
async def test_error_in_the_middle_of_other_dialects_is_a_failure(shape: Shape) -> None:
    assert await outcome_of(shape) == shape.outcome


@each(Shape(name, stream(said("Hi"), frame, choice("stop"), counted()), Answer("Hi")) for name, frame in HARMLESS)
async def test_frame_that_is_no_error_changes_nothing(shape: Shape) -> None:
    assert await outcome_of(shape) == shape.outcome


async def test_empty_message_beside_a_choice_is_no_error() -> None:
    frame = {**said("Hi", "stop"), "usage": COUNTS, "errorMessage": ""}
    assert await outcome_of(Shape("", stream(frame), Answer("Hi"))) == Answer("Hi")
