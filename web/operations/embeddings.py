"""POST /v1/embeddings in /openapi.json."""

from web.openapi_parts import (
    IDEMPOTENCY,
    Operation,
    Schema,
    answer,
    nullable,
    object_schema,
    prompt_errors,
    request_body,
)

_TEXT = {"type": "string", "minLength": 1}
_TOKENS = {
    "type": "array",
    "minItems": 1,
    "maxItems": 8192,
    "items": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
}
_INPUT = {
    "description": "Texts, or token ids for OpenAI's models",
    "anyOf": [
        _TEXT,
        {"type": "array", "minItems": 1, "maxItems": 2048, "items": _TEXT},
        _TOKENS,
        {"type": "array", "minItems": 1, "maxItems": 2048, "items": _TOKENS},
    ],
}
_SMALL, _SMALLS_DIMENSIONS = "text-embedding-3-small", 1536


def _request(model: Schema, most_dimensions: int) -> Schema:
    dimensions = {"type": "integer", "minimum": 1, "maximum": most_dimensions, "description": "As the model has them"}
    return object_schema(
        {
            "model": model,
            "input": _INPUT,
            "dimensions": nullable(dimensions),
            "encoding_format": nullable({"type": "string", "enum": ["float", "base64"], "default": "float"}),
            "user": {"description": "Ignored"},
        },
        ("model", "input"),
    )


_REQUEST: Schema = {
    "anyOf": [
        _request({"type": "string", "enum": [_SMALL]}, _SMALLS_DIMENSIONS),
        _request({"type": "string", "minLength": 1, "not": {"enum": [_SMALL]}}, 100_000),
    ]
}
_ROW = object_schema(
    {
        "object": {"type": "string", "const": "embedding"},
        "index": {"type": "integer", "minimum": 0},
        "embedding": {
            "description": "Numbers, or base64 of little-endian 32-bit numbers",
            "anyOf": [{"type": "array", "items": {"type": "number"}}, {"type": "string"}],
        },
    },
    ("object", "index", "embedding"),
)
_USAGE = object_schema(
    {
        "prompt_tokens": {"type": "integer", "minimum": 0},
        "total_tokens": {"type": "integer", "minimum": 0},
        "cost": {"type": "number", "minimum": 0, "description": "USD taken from the wallet"},
        "allowance_tokens": {"type": "integer", "minimum": 0, "description": "Tokens taken from the plan's allowance"},
    },
    ("prompt_tokens", "total_tokens", "cost", "allowance_tokens"),
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
        "object": {"type": "string", "const": "list"},
        "data": {"type": "array", "items": _ROW},
        "model": {"type": "string"},
        "usage": _USAGE,
        "farthing": _FARTHING,
    },
    ("object", "data", "model", "usage", "farthing"),
)

OPERATION = Operation(
    "/v1/embeddings",
    "post",
    {
        "tags": ["openai"],
        "operationId": "create_embeddings",
        "summary": "Turn texts into vectors, in OpenAI's format",
        "description": (
            "All vectors of an answer come from one provider, and always from the model that was asked for. "
            "`usage.cost` is the charge to the wallet in USD. Fields that are not listed are ignored." + IDEMPOTENCY
        ),
        "requestBody": request_body("EmbeddingsRequest"),
        "responses": {200: answer("Embeddings", "A vector for each input"), **prompt_errors()},
    },
    {"EmbeddingsRequest": _REQUEST, "Embeddings": _ANSWER},
)
