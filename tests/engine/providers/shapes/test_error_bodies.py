"""Errors of gateways and clouds in a response of status 200, and the failure that each one means."""

import json

from engine.errors import Overloaded, RateLimited, RequestFault
from tests.engine.providers.shapes.chunks import stream
from tests.engine.providers.shapes.shape import WIDTHS, Shape, each, outcome_of

SHAPES = [
    Shape(
        "Cloudflare's list of errors",
        json.dumps({"success": False, "errors": [{"code": 7009, "message": "x"}]}),
        Overloaded,
        content_type="application/json",
    ),
    Shape(
        "DashScope: a wrong parameter",
        json.dumps({"code": "InvalidParameter", "message": "x", "request_id": "r"}),
        RequestFault,
        content_type="application/json",
    ),
    Shape(
        "DashScope: too many requests",
        json.dumps({"code": "Throttling.RateQuota", "message": "x", "request_id": "r"}),
        RateLimited,
        content_type="application/json",
    ),
    Shape(
        "Baidu: error_code and error_msg",
        json.dumps({"error_code": 17, "error_msg": "limit reached"}),
        Overloaded,
        content_type="application/json",
    ),
    Shape(
        "API gateways: statusCode",
        json.dumps({"statusCode": 429, "message": "x"}),
        RateLimited,
        content_type="application/json",
    ),
    Shape(
        "LiteLLM: a status as a text",
        stream({"error": {"message": "x", "type": "throttling_error", "code": "429"}}),
        RateLimited,
    ),
    Shape(
        "Moonshot: engine_overloaded_error",
        stream({"error": {"message": "x", "type": "engine_overloaded_error"}}),
        RateLimited,
    ),
    Shape(
        "Bedrock: ThrottlingException", stream({"error": {"message": "x", "type": "ThrottlingException"}}), RateLimited
    ),
    Shape(
        "Azure: the prompt is filtered",
        stream({"error": {"message": "x", "param": "prompt", "code": "content_filter", "status": 400}}),
        RequestFault,
    ),
    Shape("error: true", stream({"error": True, "message": "boom"}), Overloaded),
]


@each(SHAPES)
async def test_error_of_a_gateway_has_its_class(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome
