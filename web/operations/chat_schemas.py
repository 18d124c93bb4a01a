"""The schemas of a chat completion: its request field by field, its answer, its usage."""

from web.openapi_parts import MODEL_NAME, PICTURE_URL, Schema, nullable, object_schema, ref

TEXT: Schema = {"type": "string"}
NAME: Schema = {"type": "string", "minLength": 1}
_JSON_SCHEMA: Schema = {"type": "object", "description": "A JSON schema"}


def _whole(least: int, most: int) -> Schema:
    return nullable({"type": "integer", "minimum": least, "maximum": most})


def _number(least: float, most: float) -> Schema:
    return nullable({"type": "number", "minimum": least, "maximum": most})


def _flag() -> Schema:
    return nullable({"type": "boolean"})


def _one_of(*names: str) -> Schema:
    return {"type": "string", "enum": list(names)}


_TEXT_PART = object_schema({"type": _one_of("text"), "text": TEXT}, ("type", "text"))
_DETAILS = ("auto", "low", "high", "original")
_IMAGE_PART = object_schema(
    {
        "type": _one_of("image_url"),
        "image_url": object_schema(
            {"url": PICTURE_URL, "detail": nullable(_one_of("auto", "low", "high", "original"))}, ("url",)
        ),
    },
    ("type", "image_url"),
)


def _content(*parts: Schema) -> Schema:
    return {"anyOf": [TEXT, {"type": "array", "items": {"anyOf": list(parts)}}]}


_TEXT_CONTENT = _content(_TEXT_PART)
_CALL_OF_FUNCTION = object_schema(
    {
        "id": nullable(TEXT),
        "type": {"description": "function", "not": {"const": "custom"}},
        "function": object_schema(
            {"name": nullable(TEXT), "arguments": {"description": "JSON in a string, as the model wrote it"}}
        ),
    },
    ("function",),
)
_CALL_OF_CUSTOM_TOOL = object_schema(
    {
        "id": nullable(TEXT),
        "type": _one_of("custom"),
        "custom": object_schema({"name": NAME, "input": nullable(TEXT)}, ("name",)),
    },
    ("type", "custom"),
)
_TOOL_CALL: Schema = {"anyOf": [_CALL_OF_FUNCTION, _CALL_OF_CUSTOM_TOOL]}
_MESSAGES: Schema = {
    "type": "array",
    "minItems": 1,
    "maxItems": 4000,
    "items": {
        "anyOf": [
            object_schema({"role": _one_of("system", "developer"), "content": _TEXT_CONTENT}, ("role", "content")),
            object_schema({"role": _one_of("user"), "content": _content(_TEXT_PART, _IMAGE_PART)}, ("role", "content")),
            object_schema(
                {
                    "role": _one_of("assistant"),
                    "content": nullable(_TEXT_CONTENT),
                    "tool_calls": nullable({"type": "array", "maxItems": 128, "items": _TOOL_CALL}),
                },
                ("role",),
            ),
            object_schema(
                {"role": _one_of("tool"), "content": _TEXT_CONTENT, "tool_call_id": nullable(TEXT)}, ("role", "content")
            ),
        ]
    },
}
_FUNCTION = object_schema(
    {"name": NAME, "description": nullable(TEXT), "parameters": nullable(_JSON_SCHEMA), "strict": _flag()}, ("name",)
)
_TOOL = object_schema({"type": _one_of("function"), "function": _FUNCTION}, ("function",))
_CUSTOM_TOOL = object_schema(
    {
        "type": _one_of("custom"),
        "custom": object_schema({"name": NAME, "description": nullable(TEXT)}, ("name",)),
    },
    ("type", "custom"),
)
_RESPONSE_FORMAT: Schema = {
    "anyOf": [
        object_schema({"type": _one_of("text", "json_object")}, ("type",)),
        object_schema(
            {
                "type": _one_of("json_schema"),
                "json_schema": object_schema(
                    {"name": nullable(TEXT), "schema": nullable(_JSON_SCHEMA), "strict": _flag()}
                ),
            },
            ("type", "json_schema"),
        ),
    ]
}
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

_REQUEST = object_schema(
    {
        "model": ref(MODEL_NAME),
        "messages": _MESSAGES,
        "stream": {**_flag(), "description": "true: server-sent events"},
        "stream_options": nullable(
            object_schema({"include_usage": {**_flag(), "description": "Add a chunk with `usage`"}})
        ),
        "max_tokens": _whole(1, 10**7),
        "max_completion_tokens": _whole(1, 10**7),
        "n": {**_whole(1, 8), "description": "Choices; the price is multiplied"},
        "temperature": _number(0, 2),
        "top_p": _number(0, 1),
        "stop": nullable({"anyOf": [TEXT, {"type": "array", "maxItems": 4, "items": TEXT}]}),
        "seed": _whole(-(2**63), 2**63 - 1),
        "frequency_penalty": _number(-2, 2),
        "presence_penalty": _number(-2, 2),
        "logit_bias": nullable(
            {
                "type": "object",
                "propertyNames": {"pattern": "^[0-9]+$"},
                "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100},
            }
        ),
        "logprobs": _flag(),
        "top_logprobs": _whole(0, 20),
        "tools": nullable({"type": "array", "maxItems": 128, "items": {"anyOf": [_TOOL, _CUSTOM_TOOL]}}),
        "tool_choice": {
            **nullable(_one_of("none", "auto", "required")),
            "description": 'Or one of the tools: `{"type": "function", "function": {"name": ...}}`',
        },
        "parallel_tool_calls": _flag(),
        "functions": {
            **nullable({"type": "array", "minItems": 1, "maxItems": 128, "items": _FUNCTION}),
            "description": "The older form of `tools`, without which it counts; answered by `function_call`",
        },
        "function_call": {
            **nullable(_one_of("none", "auto")),
            "description": 'The older form of `tool_choice`; or one of the functions: `{"name": ...}`',
        },
        "response_format": nullable(_RESPONSE_FORMAT),
        "reasoning_effort": nullable(_one_of(*_EFFORTS)),
    },
    ("model", "messages"),
)
_USAGE = object_schema(
    {
        "prompt_tokens": {"type": "integer"},
        "completion_tokens": {"type": "integer"},
        "total_tokens": {"type": "integer"},
        "cost": {"type": "number", "description": "The charge to the wallet in USD, at most 9 decimals"},
        "allowance_tokens": {"type": "integer", "description": "The tokens taken from the plan's allowance"},
    },
    ("prompt_tokens", "completion_tokens", "total_tokens", "cost", "allowance_tokens"),
)
_ANSWERED_CALL: Schema = {
    "anyOf": [
        object_schema(
            {
                "id": TEXT,
                "type": _one_of("function"),
                "function": object_schema({"name": TEXT, "arguments": TEXT}, ("name", "arguments")),
            },
            ("id", "type", "function"),
        ),
        object_schema(
            {
                "id": TEXT,
                "type": _one_of("custom"),
                "custom": object_schema({"name": TEXT, "input": TEXT}, ("name", "input")),
            },
            ("id", "type", "custom"),
        ),
    ]
}
_CHOICE = object_schema(
    {
        "index": {"type": "integer"},
        "message": object_schema(
            {
                "role": _one_of("assistant"),
                "content": nullable(TEXT),
                "refusal": {**nullable(TEXT), "description": "The model's refusal; `content` is null then"},
                "reasoning_content": {**TEXT, "description": "The model's reasoning, where it shows any"},
                "tool_calls": {"type": "array", "items": _ANSWERED_CALL},
                "function_call": object_schema({"name": TEXT, "arguments": TEXT}, ("name", "arguments")),
            },
            ("role", "content"),
        ),
        "logprobs": nullable({"type": "object"}),
        "finish_reason": nullable(TEXT),
    },
    ("index", "message", "finish_reason"),
)
_ANSWER = object_schema(
    {
        "id": TEXT,
        "object": _one_of("chat.completion"),
        "created": {"type": "integer"},
        "model": {**TEXT, "description": "The model that answered"},
        "choices": {"type": "array", "items": _CHOICE},
        "usage": ref("ChatUsage"),
    },
    ("id", "object", "created", "model", "choices", "usage"),
)
SCHEMAS = {"ChatCompletionRequest": _REQUEST, "ChatCompletion": _ANSWER, "ChatUsage": _USAGE}
