"""Parts that the descriptions in /openapi.json share: an endpoint's Operation, errors, headers, bodies, files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Responses: TypeAlias = dict[int | str, dict[str, Any]]
Schema: TypeAlias = dict[str, Any]

STATUSES: Mapping[int, str] = {
    400: "A field is wrong: `param` names it",
    401: "The key is missing, not valid or expired",
    402: "Neither allowance nor wallet covers the request, or the key has used its tokens_per_month",
    403: "The plan or the key does not include the model, or the account is closed",
    404: "It does not exist",
    408: "The body came too slowly",
    409: "A request with this Idempotency-Key is still being answered, or its answer was too large to be kept",
    413: "The body is over 20 MiB",
    415: "The body's content type or encoding is not supported",
    422: "The Idempotency-Key was used for another request",
    429: "Too many requests: see Retry-After",
    500: "An internal error; nothing was charged",
    502: "The answer broke off and could not be restarted; nothing was charged",
    503: "No provider can answer now, or the server has no space for the request: see Retry-After",
}
BODY_ERRORS = (400, 408, 413, 415, 503)
"""The errors of any request with a body."""
_PROMPT_ERRORS = (401, 402, 403, 404, 409, 422, 429, 502)
KEY_ERRORS = (401, 429)
"""The errors of a route that needs a key, besides those of its own."""
STREAMED: Schema = {"schema": {"description": "Server-sent events, each with JSON as its data"}}


@dataclass(frozen=True, slots=True)
class Operation:
    """The entry of one plain route in /openapi.json. `schemas` are added to the components, by name."""

    path: str
    method: str
    document: Mapping[str, Any]
    schemas: Mapping[str, Schema] = field(default_factory=dict)


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def errors(
    *statuses: int, words: Mapping[int, str] | None = None, schema: str | Schema = "Error", challenge: str = "Bearer"
) -> Responses:
    """Return the error responses of an endpoint, with the headers that belong to each status.

    `words` replaces descriptions of STATUSES; `schema`, or the component of that name, describes the bodies.
    """
    described = ref(schema) if isinstance(schema, str) else schema
    texts = {**STATUSES, **(words or {})}
    found: Responses = {}
    for status in sorted(set(statuses)):
        found[status] = {"description": texts[status], "content": {"application/json": {"schema": described}}}
        if headers := _error_headers(status, challenge):
            found[status]["headers"] = headers
    return found


def prompt_errors(schema: str = "Error") -> Responses:
    """Return the error responses of an endpoint that answers prompts; `schema` is the family's own error."""
    return errors(*BODY_ERRORS, *_PROMPT_ERRORS, schema=schema)


def _error_headers(status: int, challenge: str) -> dict[str, Any]:
    if status == 401:  # noqa: PLR2004
        return {"WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": challenge}}}
    if status in {429, 503}:
        seconds = {"type": "integer", "minimum": 1}
        return {"Retry-After": {"required": True, "description": "Seconds to wait", "schema": seconds}}
    return {}


def request_body(schema: str | Schema) -> dict[str, Any]:
    """Return the description of a JSON body: a schema, or the name of a component."""
    described = ref(schema) if isinstance(schema, str) else schema
    return {"required": True, "content": {"application/json": {"schema": described}}}


def answer(schema: str | Schema, description: str, *, streams: bool = False) -> dict[str, Any]:
    """Return the description of an answer to a prompt, with the headers that name its provider and model."""
    described = ref(schema) if isinstance(schema, str) else schema
    content: dict[str, Any] = {"application/json": {"schema": described}}
    if streams:
        content["text/event-stream"] = STREAMED
    headers = {
        "x-farthing-provider": "The provider that answered; absent where a stream began with a keep-alive comment",
        "x-farthing-model": "The model that answered, under the same condition",
        "x-farthing-ignored": "The request's fields that this wire could not take, as in `farthing.ignored`",
        "idempotent-replayed": "`true` where the answer is repeated for its Idempotency-Key, and not charged again",
    }
    described_headers = {name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()}
    return {"description": description, "headers": described_headers, "content": content}


PICTURE_BASE64 = "(iVBORw0KGgo[A-Za-z0-9+/]|/9j/)([A-Za-z0-9+/]{4})*"
"""The base64 of a PNG or JPEG file, which every model that takes pictures takes."""
PICTURE_URL: Schema = {
    "type": "string",
    "pattern": f"^data:image/(png|jpeg);base64,{PICTURE_BASE64}$",
    "description": (
        "`data:image/...;base64,...` (WebP and GIF too, where the model takes them), or an address that the public "
        "internet can reach"
    ),
}
MODEL_NAME = "ModelName"
"""The component that describes the names which a chat may ask for."""


def model_name(names: Sequence[str]) -> Schema:
    """Return the schema of this component; `names`: the models in this server's configuration."""
    named = {"type": "string", "enum": list(names)}
    return {
        "anyOf": [named, {"type": "string", "minLength": 1}],
        "examples": list(names[:1]),
        "description": "auto, smart, or a name of GET /v1/models",
    }


IDEMPOTENCY = (
    " A request with the header `Idempotency-Key` (1 to 255 characters) that is repeated within a day gets the first "
    "answer and is charged once; another body under the same key is a 422."
)
"""The end of a description of an endpoint that answers prompts."""
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A request that is repeated with its key within a day gets the first answer and is charged once",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}


def object_schema(properties: Mapping[str, Schema], required: Sequence[str] = (), description: str = "") -> Schema:
    """Return the schema of a JSON object.

    Further fields are allowed, because requests may have them (they are ignored).
    """
    schema: Schema = {"type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = list(required)
    if description:
        schema["description"] = description
    return schema


def nullable(schema: Schema) -> Schema:
    """Return the schema extended by null, which means the same as an absent field."""
    return {"anyOf": [schema, {"type": "null"}]}


def file(*kinds: str) -> Responses:
    """Return the description of a response with a file of one of these content types."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {200: {"content": content, "description": "The file"}}
