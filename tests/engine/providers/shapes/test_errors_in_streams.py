"""Errors in a response of status 200, and the failure that each one means."""

import json
from typing import Any

from engine.errors import (
    BalanceGone,
    CapabilityMissing,
    ContextTooLong,
    Garbled,
    KeyRefused,
    NoSuchModel,
    Overloaded,
    RateLimited,
    RequestFault,
    StreamCut,
)
from tests.engine.providers.dialects.wires import data
from tests.engine.providers.shapes.chunks import DONE, choice, counted, said, stream
from tests.engine.providers.shapes.shape import WIDTHS, Answer, Shape, each, outcome_of

HI = said("Hi")
TOO_LONG = "prompt is too long: 1284668 tokens > 1000000 maximum"
N_KEEP = (
    "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 13055>= n_ctx: "
    "4096). Try to load the model with a larger context length, or provide a shorter input."
)
N_KEEP_PLAIN = (
    "The number of tokens to keep from the initial prompt is greater than the context length. "
    "Try to load the model with a larger context length, or provide a shorter input"
)
OVERFLOWS = (
    "Trying to keep the first 14538 tokens when context the overflows. However, the model is loaded with context "
    "length of only 2048 tokens, which is not enough. Try to load the model with a larger context length, or provide "
    "a shorter input"
)
LLAMA_OVERFLOW = {
    "code": 400,
    "type": "exceed_context_size_error",
    "n_prompt_tokens": 9000,
    "n_ctx": 4096,
    "message": "the request exceeds the available context size. try increasing the context size or enable "
    "context shift",
}


def minimax(code: int, message: str) -> dict[str, object]:
    return {
        "id": "x",
        "choices": None,
        "base_resp": {"status_code": code, "status_msg": message},
        "usage": {"total_tokens": 0},
    }


def forwarded(error: dict[str, Any] | None) -> dict[str, Any]:
    """Return OpenRouter's error that forwards the error of a company behind it."""
    raw = "upstream connect error" if error is None else json.dumps(error)
    code = 502 if error is None else 400
    return {"code": code, "message": "Provider returned error", "metadata": {"raw": raw, "provider_name": "Anthropic"}}


SHAPES = [
    Shape(
        "OpenRouter: the error of the company that answers, within a text",
        stream({"choices": [], "error": forwarded({"error": {"message": TOO_LONG, "type": "invalid_request_error"}})}),
        ContextTooLong,
        provider="openrouter",
    ),
    Shape(
        "OpenRouter: a forwarded error that is no JSON",
        stream({"choices": [], "error": forwarded(None)}),
        Overloaded,
        provider="openrouter",
    ),
    Shape(
        "OpenRouter: empty choices and an error with a code (OmniRoute 8210)",
        stream(
            HI,
            {
                "choices": [],
                "error": {
                    "code": 502,
                    "message": "Worker local total request limit reached (33/32)",
                    "metadata": {"error_type": "provider_unavailable"},
                },
            },
        ),
        Overloaded,
        provider="openrouter",
    ),
    Shape(
        "OpenRouter: a choice that ends with error (local-operator 223)",
        stream(
            HI,
            {
                "error": {"code": 429, "message": "x"},
                "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
            },
        ),
        RateLimited,
        provider="openrouter",
    ),
    Shape(
        "OpenRouter: the error within the choice",
        stream(
            HI,
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 503, "message": "x"}}]},
        ),
        Overloaded,
        provider="openrouter",
    ),
    Shape(
        "OpenRouter: a code that is a text",
        stream(HI, {"error": {"code": "server_error", "message": "x"}}),
        Overloaded,
        provider="openrouter",
    ),
    Shape(
        "OpenRouter: a prompt that is too long (jp 978)",
        stream({"choices": [], "error": {"code": 400, "message": TOO_LONG}}),
        ContextTooLong,
        provider="openrouter",
    ),
    Shape("an error with a message alone (rocketmq)", stream({"error": {"message": "quota exceeded"}}), Overloaded),
    Shape("MiniMax's base_resp: too many requests", stream(minimax(1002, "rate limit exceeded(RPM)")), RateLimited),
    Shape("MiniMax's base_resp: no balance", stream(minimax(1008, "insufficient balance"), end=""), BalanceGone),
    Shape(
        "MiniMax's base_resp: a wrong key",
        json.dumps(minimax(2049, "invalid api key")),
        KeyRefused,
        content_type="application/json",
    ),
    Shape("MiniMax's base_resp: an inner error", stream(HI, minimax(1013, "internal error")), Overloaded),
    Shape(
        "MiniMax's base_resp that reports success is not an error",
        stream(HI, {**choice("stop"), "base_resp": {"status_code": 0, "status_msg": ""}}, counted()),
        Answer("Hi"),
    ),
    Shape(
        "MiniMax: http_code within the error (CodexPlusPlus)",
        stream(
            {
                "type": "error",
                "error": {
                    "type": "bad_request_error",
                    "http_code": "400",
                    "message": "invalid params, invalid chat setting (2013)",
                },
            }
        ),
        RequestFault,
    ),
    Shape(
        "LM Studio: event error with an object (goose 11318)",
        f"event: error\ndata: {json.dumps({'error': {'message': N_KEEP_PLAIN}})}\n\n",
        ContextTooLong,
    ),
    Shape(
        "LM Studio: an error that is a text, with its numbers (openclaude 353)",
        stream({"error": N_KEEP}),
        ContextTooLong,
    ),
    Shape("LM Studio: the older wording (dyad 925)", stream({"error": OVERFLOWS}), ContextTooLong),
    Shape("llama.cpp: a data frame (textgen 7257)", stream({"error": LLAMA_OVERFLOW}), ContextTooLong),
    Shape(
        "llama.cpp until 2025: an SSE field named error (coddy-agent 106)",
        f"error: {json.dumps(LLAMA_OVERFLOW)}\n\ndata: [DONE]\n\n",
        ContextTooLong,
    ),
    Shape(
        "vLLM: a flat object",
        stream({"object": "error", "message": "boom", "type": "BadRequestError", "code": 400}),
        RequestFault,
    ),
    Shape(
        "vLLM: a nested object",
        stream(HI, {"error": {"message": "boom", "type": "InternalServerError", "code": 500}}),
        Overloaded,
    ),
    Shape(
        "xAI: a flat code and a text",
        stream(HI, {"code": "The service is currently unavailable", "error": "Service temporarily unavailable."}),
        Overloaded,
    ),
    Shape(
        "Ollama: the runner has crashed",
        stream(HI, {"error": {"message": "model runner has unexpectedly stopped", "type": "api_error", "code": None}}),
        Overloaded,
    ),
    Shape(
        "Gemini's OpenAI endpoint: a list",
        json.dumps([{"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED"}}]),
        RateLimited,
        content_type="application/json",
    ),
    Shape(
        "an error of Anthropic's shape on OpenAI's wire (Bedrock proxies)",
        stream(HI, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        Overloaded,
    ),
    Shape("FastAPI's detail", stream({"detail": "Internal Server Error"}), Overloaded),
    Shape(
        "GLM: a code and a message outside of an error",
        stream({"code": 1302, "msg": "x", "success": False}),
        RateLimited,
    ),
    Shape(
        "Groq: the model's call is invalid",
        stream(
            {
                "error": {
                    "message": "Failed to call a function.",
                    "type": "invalid_request_error",
                    "code": "tool_use_failed",
                    "failed_generation": "<function",
                }
            }
        ),
        CapabilityMissing,
        provider="groq",
    ),
    Shape(
        "OpenAI: server_error within the stream",
        data(
            {"error": {"message": "The server had an error", "type": "server_error", "param": None, "code": None}}, DONE
        ),
        Overloaded,
        provider="openai",
    ),
    Shape(
        "OpenAI: no balance",
        stream({"error": {"message": "x", "type": "insufficient_quota", "code": "insufficient_quota"}}),
        BalanceGone,
        provider="openai",
    ),
    Shape(
        "DashScope: Arrearage",
        stream(
            {
                "error": {
                    "code": "Arrearage",
                    "message": "Access denied, please make sure your account is in good standing.",
                    "type": "Arrearage",
                }
            }
        ),
        BalanceGone,
    ),
    Shape(
        "DashScope: data_inspection_failed",
        stream(
            HI,
            {
                "error": {
                    "code": "data_inspection_failed",
                    "message": "Output data may contain inappropriate content.",
                    "type": "data_inspection_failed",
                }
            },
        ),
        RequestFault,
    ),
    Shape(
        "a model that does not exist, with status 200",
        stream({"error": {"code": "model_not_found", "message": "x"}}),
        NoSuchModel,
    ),
    Shape("a bare line of text", "upstream connect error or disconnect/reset before headers", StreamCut),
    Shape("a text frame", stream("Internal Server Error"), Garbled),
]


@each(SHAPES)
async def test_error_within_a_200_has_its_class(shape: Shape) -> None:
    for width in WIDTHS:
        assert await outcome_of(shape, width) == shape.outcome
