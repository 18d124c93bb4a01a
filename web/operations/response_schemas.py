"""The schemas of a response: its request field by field, its answer."""

from web.openapi_parts import MODEL_NAME, PICTURE_URL, Schema, nullable, object_schema, ref
from web.pipeline.fields import MOST_LABEL_CHARS, MOST_LABEL_NAME_CHARS, MOST_LABELS

_TEXT: Schema = {"type": "string"}
_NAME: Schema = {"type": "string", "minLength": 1}
_FLAG: Schema = nullable({"type": "boolean"})
_OBJECT: Schema = {"type": "object"}
_LABELS: Schema = {
    **_OBJECT,
    "maxProperties": MOST_LABELS,
    "propertyNames": {"maxLength": MOST_LABEL_NAME_CHARS},
    "additionalProperties": {"type": "string", "maxLength": MOST_LABEL_CHARS},
}


def _one_of(*names: str) -> Schema:
    return {"type": "string", "enum": list(names)}


def _list(*kinds: Schema) -> Schema:
    return {"type": "array", "items": {"anyOf": list(kinds)}}


_INPUT_TEXT = object_schema({"type": _one_of("input_text"), "text": _TEXT}, ("type", "text"))
_INPUT_IMAGE = object_schema(
    {
        "type": _one_of("input_image"),
        "image_url": PICTURE_URL,
        "detail": nullable(_one_of("auto", "low", "high", "original")),
    },
    ("type", "image_url"),
)
_OUTPUT_TEXT = object_schema({"type": _one_of("output_text"), "text": _TEXT}, ("type", "text"))
_GIVEN: Schema = {"anyOf": [_TEXT, _list(_INPUT_TEXT, _INPUT_IMAGE)]}
_CALL = object_schema(
    {"type": _one_of("function_call"), "call_id": _NAME, "name": _NAME, "arguments": nullable(_TEXT)},
    ("type", "call_id", "name"),
)
_ITEM = _list(
    object_schema({"role": _one_of("system", "developer", "user"), "content": _GIVEN}, ("role", "content")),
    object_schema(
        {"role": _one_of("assistant"), "content": {"anyOf": [_TEXT, _list(_OUTPUT_TEXT)]}}, ("role", "content")
    ),
    _CALL,
    object_schema(
        {
            "type": _one_of("function_call_output"),
            "call_id": _NAME,
            "output": {"anyOf": [*_GIVEN["anyOf"], _OBJECT]},
        },
        ("type", "call_id", "output"),
    ),
)
_TOOL = object_schema(
    {
        "type": _one_of("function"),
        "name": _NAME,
        "description": nullable(_TEXT),
        "parameters": nullable({**_OBJECT, "description": "A JSON schema"}),
        "strict": _FLAG,
    },
    ("type", "name"),
)
_CUSTOM_TOOL = object_schema(
    {"type": _one_of("custom"), "name": _NAME, "description": nullable(_TEXT)},
    ("type", "name"),
)
_NATIVE_TOOL = object_schema({"type": _one_of("local_shell", "shell", "apply_patch")}, ("type",))
_NAMESPACE = object_schema(
    {"type": _one_of("namespace"), "name": _NAME, "tools": {**_list(_TOOL, _CUSTOM_TOOL), "maxItems": 128}},
    ("type", "name", "tools"),
)
_FORMAT: Schema = {
    "anyOf": [
        object_schema({"type": _one_of("text", "json_object")}, ("type",)),
        object_schema(
            {"type": _one_of("json_schema"), "name": _NAME, "schema": _OBJECT, "strict": _FLAG},
            ("type", "name", "schema"),
        ),
    ]
}
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_REQUEST = object_schema(
    {
        "model": ref(MODEL_NAME),
        "input": {
            "anyOf": [_TEXT, {**_ITEM, "minItems": 1, "maxItems": 4000}],
            "description": 'An item may also be `{"type": "item_reference", "id": ...}`: one of a stored output',
        },
        "instructions": nullable(_TEXT),
        "previous_response_id": {
            "type": "null",
            "description": "Or the id of a stored response: its conversation is continued",
        },
        "store": {**_FLAG, "description": "false: the response can't be continued by its id"},
        "stream": {**_FLAG, "description": "true: server-sent events"},
        "max_output_tokens": nullable({"type": "integer", "minimum": 1, "maximum": 10**7}),
        "temperature": nullable({"type": "number", "minimum": 0, "maximum": 2}),
        "top_p": nullable({"type": "number", "minimum": 0, "maximum": 1}),
        "tools": nullable(
            {"type": "array", "maxItems": 128, "items": {"anyOf": [_TOOL, _CUSTOM_TOOL, _NATIVE_TOOL, _NAMESPACE]}}
        ),
        "tool_choice": {
            **nullable(_one_of("none", "auto", "required")),
            "description": 'Or one of the tools: `{"type": "function", "name": ...}`',
        },
        "parallel_tool_calls": _FLAG,
        "reasoning": nullable(
            object_schema(
                {
                    "effort": nullable(_one_of(*_EFFORTS)),
                    "summary": {
                        **nullable(_one_of("auto", "concise", "detailed")),
                        "description": "The reasoning is then the summary of its item, else its content",
                    },
                }
            )
        ),
        "include": {
            **nullable({"type": "array", "maxItems": 20, "items": _TEXT}),
            "description": "`reasoning.encrypted_content`: what a provider wants back with its reasoning",
        },
        "text": nullable(object_schema({"format": nullable(_FORMAT)})),
        "metadata": nullable(_LABELS),
    },
    ("model", "input"),
)
_COUNT: Schema = {"type": "integer", "minimum": 0}
_RESPONSE = object_schema(
    {
        "id": _TEXT,
        "object": _one_of("response"),
        "created_at": {"type": "integer"},
        "status": _one_of("completed", "incomplete"),
        "model": {**_TEXT, "description": "The model that answered"},
        "output": {"type": "array", "items": _OBJECT},
        "usage": object_schema(
            {
                "input_tokens": _COUNT,
                "output_tokens": _COUNT,
                "total_tokens": _COUNT,
                "cost": {"type": "number", "description": "The charge to the wallet in USD, at most 9 decimals"},
                "allowance_tokens": {**_COUNT, "description": "The tokens taken from the plan's allowance"},
            },
            ("input_tokens", "output_tokens", "total_tokens", "cost", "allowance_tokens"),
        ),
        "farthing": {**_OBJECT, "description": "`provider`, `model`, and `ignored` fields of the request"},
    },
    ("id", "object", "created_at", "status", "model", "output", "usage", "farthing"),
)

_COUNTED = (
    *("model", "input", "instructions", "previous_response_id"),
    *("tools", "tool_choice", "parallel_tool_calls", "reasoning", "text"),
)

SCHEMAS: dict[str, Schema] = {
    "ResponseRequest": _REQUEST,
    "Response": _RESPONSE,
    "ResponseTokensRequest": object_schema({name: _REQUEST["properties"][name] for name in _COUNTED}, ("input",)),
    "ResponseTokens": object_schema(
        {"object": _one_of("response.input_tokens"), "input_tokens": _COUNT}, ("object", "input_tokens")
    ),
}
DELETED = object_schema(
    {"id": _TEXT, "object": _one_of("response"), "deleted": {"type": "boolean"}}, ("id", "object", "deleted")
)
INPUT_ITEMS = object_schema(
    {"object": _one_of("list"), "data": {"type": "array", "items": _OBJECT}, "has_more": {"type": "boolean"}},
    ("object", "data", "has_more"),
)
RESPONSE_ID = {
    "name": "response_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
}
