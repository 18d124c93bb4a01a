"""POST /v1/completions in /openapi.json."""

from web.openapi_parts import (
    IDEMPOTENCY,
    MODEL_NAME,
    Operation,
    Schema,
    answer,
    nullable,
    object_schema,
    prompt_errors,
    ref,
    request_body,
)

_TEXT: Schema = {"type": "string", "minLength": 1}


def _number(least: float, most: float) -> Schema:
    return nullable({"type": "number", "minimum": least, "maximum": most})


def _whole(least: int, most: int) -> Schema:
    return nullable({"type": "integer", "minimum": least, "maximum": most})


_REQUEST = object_schema(
    {
        "model": ref(MODEL_NAME),
        "prompt": {"anyOf": [_TEXT, {"type": "array", "minItems": 1, "maxItems": 20, "items": _TEXT}]},
        "max_tokens": _whole(1, 10**7),
        "n": _whole(1, 8),
        "stream": nullable({"type": "boolean"}),
        "stream_options": nullable(object_schema({"include_usage": nullable({"type": "boolean"})})),
        "stop": nullable(
            {"anyOf": [{"type": "string"}, {"type": "array", "maxItems": 4, "items": {"type": "string"}}]}
        ),
        "echo": nullable({"type": "boolean"}),
        "temperature": _number(0, 2),
        "top_p": _number(0, 1),
        "frequency_penalty": _number(-2, 2),
        "presence_penalty": _number(-2, 2),
        "seed": _whole(-(2**63), 2**63 - 1),
        "logit_bias": nullable({"type": "object"}),
        "suffix": nullable({"type": "string", "description": "Named in `ignored`"}),
        "best_of": {**_whole(1, 20), "description": "Where it is not `n`, named in `ignored`"},
        "logprobs": {**_whole(0, 5), "description": "Named in `ignored`"},
    },
    ("model", "prompt"),
)
_CHOICE = object_schema(
    {
        "text": {"type": "string"},
        "index": {"type": "integer", "minimum": 0},
        "logprobs": {"type": "null"},
        "finish_reason": nullable({"type": "string", "enum": ["stop", "length", "content_filter", "tool_calls"]}),
    },
    ("text", "index", "logprobs", "finish_reason"),
)
_FARTHING = object_schema(
    {
        "provider": {"type": "string"},
        "model": {"type": "string"},
        "ignored": {"type": "array", "items": {"type": "string"}},
    },
    ("provider", "model", "ignored"),
)
_ANSWER = object_schema(
    {
        "id": {"type": "string"},
        "object": {"type": "string", "const": "text_completion"},
        "created": {"type": "integer"},
        "model": {"type": "string"},
        "choices": {"type": "array", "items": _CHOICE},
        "usage": ref("ChatUsage"),
        "farthing": _FARTHING,
    },
    ("id", "object", "created", "model", "choices", "usage", "farthing"),
)

OPERATION = Operation(
    "/v1/completions",
    "post",
    {
        "tags": ["openai"],
        "operationId": "create_completion",
        "summary": "Answer a text prompt, streamed or whole, in OpenAI's format",
        "description": (
            "Each prompt is asked of the same models as a chat, as one message. Without `max_tokens` the answer is as "
            "long as the plan and the model allow. `farthing.ignored` names fields that were not used." + IDEMPOTENCY
        ),
        "requestBody": request_body("CompletionRequest"),
        "responses": {
            200: answer("Completion", "The answer; with `stream`, events of which the last is `[DONE]`", streams=True),
            **prompt_errors(),
        },
    },
    {"CompletionRequest": _REQUEST, "Completion": _ANSWER},
)
