"""The schemas of an Anthropic message: its request field by field, its answer, its errors."""

from web.openapi_parts import MODEL_NAME, PICTURE_BASE64, Schema, nullable, object_schema, ref

_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_FLAG: Schema = nullable({"type": "boolean"})
_CACHE = {"description": '`{"type": "ephemeral"}` ends a prefix for the prompt cache'}


def _one_of(*names: str) -> Schema:
    return {"type": "string", "enum": list(names)}


_TEXT_BLOCK = object_schema({"type": _one_of("text"), "text": _TEXT, "cache_control": _CACHE}, ("type", "text"))
_IMAGE_BLOCK = object_schema(
    {
        "type": _one_of("image"),
        "source": object_schema(
            {
                "type": _one_of("base64"),
                "media_type": {
                    **nullable(_one_of("image/jpeg", "image/png", "image/webp")),
                    "description": "Or another `image/` type; the bytes decide, and the model must take it",
                },
                "data": {"type": "string", "pattern": f"^{PICTURE_BASE64}$", "description": "Base64"},
            },
            ("type", "data"),
        ),
        "cache_control": _CACHE,
    },
    ("type", "source"),
)
_DOCUMENT_BLOCK = object_schema(
    {
        "type": _one_of("document"),
        "source": {
            "anyOf": [
                object_schema({"type": _one_of("text"), "data": _NAME}, ("type", "data")),
                object_schema(
                    {
                        "type": _one_of("content"),
                        "content": {"anyOf": [_TEXT, {"type": "array", "items": _TEXT_BLOCK}]},
                    },
                    ("type", "content"),
                ),
            ]
        },
        "title": nullable(_TEXT),
        "context": nullable(_TEXT),
        "cache_control": _CACHE,
    },
    ("type", "source"),
)
_SEARCH_RESULT = object_schema(
    {
        "type": _one_of("search_result"),
        "title": nullable(_TEXT),
        "source": nullable(_TEXT),
        "content": {"type": "array", "items": _TEXT_BLOCK},
        "cache_control": _CACHE,
    },
    ("type", "content"),
)
_GIVEN = [_TEXT_BLOCK, _IMAGE_BLOCK, _DOCUMENT_BLOCK, _SEARCH_RESULT]
_TOOL_RESULT = object_schema(
    {
        "type": _one_of("tool_result"),
        "tool_use_id": _NAME,
        "content": nullable({"anyOf": [_TEXT, {"type": "array", "items": {"anyOf": _GIVEN}}]}),
        "is_error": {**_FLAG, "description": "true: the tool failed, and the content says why"},
    },
    ("type", "tool_use_id"),
)
_TOOL_USE = object_schema(
    {"type": _one_of("tool_use"), "id": _NAME, "name": _NAME, "input": nullable({"type": "object"})},
    ("type", "id", "name"),
)
_THINKING_BLOCK = object_schema(
    {"type": _one_of("thinking"), "thinking": nullable(_TEXT), "signature": nullable(_TEXT)}, ("type",)
)


def _content(*blocks: Schema) -> Schema:
    return {"anyOf": [_TEXT, {"type": "array", "items": {"anyOf": list(blocks)}}]}


_MESSAGES: Schema = {
    "type": "array",
    "minItems": 1,
    "items": {
        "anyOf": [
            object_schema({"role": _one_of("user"), "content": _content(*_GIVEN, _TOOL_RESULT)}, ("role", "content")),
            object_schema(
                {"role": _one_of("assistant"), "content": _content(_TEXT_BLOCK, _TOOL_USE, _THINKING_BLOCK)},
                ("role", "content"),
            ),
        ]
    },
}
_TOOL = object_schema(
    {
        "type": nullable(_one_of("custom", "bash_20250124", "text_editor_20250728", "memory_20250818")),
        "name": _NAME,
        "description": nullable(_TEXT),
        "input_schema": nullable({"type": "object", "description": "A JSON schema"}),
        "strict": _FLAG,
        "cache_control": _CACHE,
    },
    ("name",),
)
_FORMAT = nullable(object_schema({"type": _one_of("json_schema"), "schema": {"type": "object"}}, ("type", "schema")))
_COUNTED: dict[str, Schema] = {
    "model": ref(MODEL_NAME),
    "messages": _MESSAGES,
    "system": nullable(_content(_TEXT_BLOCK)),
    "tools": nullable({"type": "array", "maxItems": 512, "items": _TOOL}),
}
_REQUEST = object_schema(
    {
        **_COUNTED,
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": 10**7},
        "stream": {**_FLAG, "description": "true: server-sent events"},
        "stop_sequences": nullable({"type": "array", "maxItems": 64, "items": _TEXT}),
        "temperature": nullable({"type": "number", "minimum": 0, "maximum": 1}),
        "top_p": nullable({"type": "number", "minimum": 0, "maximum": 1}),
        "tool_choice": nullable(
            object_schema({"type": _one_of("auto", "any", "none"), "disable_parallel_tool_use": _FLAG}, ("type",))
        ),
        "thinking": nullable(
            {
                "anyOf": [
                    object_schema({"type": _one_of("disabled", "adaptive")}, ("type",)),
                    object_schema(
                        {
                            "type": _one_of("enabled"),
                            "budget_tokens": {"type": "integer", "minimum": 1, "maximum": 10**7},
                        },
                        ("type", "budget_tokens"),
                    ),
                ]
            }
        ),
        "output_config": nullable(
            object_schema(
                {"effort": nullable(_one_of("low", "medium", "high", "xhigh", "max")), "format": _FORMAT},
            )
        ),
    },
    ("model", "messages", "max_tokens"),
)
_COUNT: Schema = {"type": "integer", "minimum": 0}
_MESSAGE = object_schema(
    {
        "id": _TEXT,
        "type": _one_of("message"),
        "role": _one_of("assistant"),
        "model": _TEXT,
        "content": {
            "type": "array",
            "items": {"anyOf": [_THINKING_BLOCK, _TEXT_BLOCK, _TOOL_USE]},
        },
        "stop_reason": _one_of("end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal"),
        "stop_sequence": nullable(_TEXT),
        "usage": object_schema(
            {
                "input_tokens": {**_COUNT, "description": "Without the cached ones"},
                "cache_creation_input_tokens": _COUNT,
                "cache_read_input_tokens": _COUNT,
                "output_tokens": _COUNT,
                "output_tokens_details": object_schema({"thinking_tokens": _COUNT}, ("thinking_tokens",)),
                "cost": {"type": "number", "description": "The charge to the wallet in USD"},
                "allowance_tokens": {**_COUNT, "description": "Tokens taken from the plan"},
            },
            ("input_tokens", "output_tokens", "cost", "allowance_tokens"),
        ),
        "farthing": {"type": "object", "description": "`provider`, `model`, and `ignored` fields of the request"},
    },
    ("id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage", "farthing"),
)
_ERROR = object_schema(
    {
        "type": _one_of("error"),
        "error": object_schema(
            {
                "type": _one_of(
                    "invalid_request_error",
                    "authentication_error",
                    "billing_error",
                    "permission_error",
                    "not_found_error",
                    "request_too_large",
                    "rate_limit_error",
                    "timeout_error",
                    "overloaded_error",
                    "api_error",
                ),
                "message": _TEXT,
                "details": {"type": "object", "description": "`error_code`, where the SDKs act on it"},
            },
            ("type", "message"),
        ),
    },
    ("type", "error"),
)

SCHEMAS: dict[str, Schema] = {
    "MessageRequest": _REQUEST,
    "TokenCountRequest": object_schema(_COUNTED, ("model", "messages")),
    "Message": _MESSAGE,
    "TokenCount": object_schema({"input_tokens": _COUNT}, ("input_tokens",)),
    "AnthropicError": _ERROR,
}
ERROR = "AnthropicError"
