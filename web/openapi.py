"""/openapi.json: what FastAPI can't see of the plain road, and one error shape for all."""

from typing import Any

from fastapi import FastAPI

from web.schemas import Error

_CHAT = {
    "post": {
        "tags": ["openai"],
        "summary": "Answer a chat, streamed or whole, in OpenAI's own shape",
        "description": (
            "`model`: auto, smart, or a name of GET /v1/models. `usage.cost` is the money taken from the wallet in "
            "USD, `usage.allowance_tokens` the tokens taken from the plan. An `Idempotency-Key` repeated within a "
            "day charges once."
        ),
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "maxLength": 255},
            }
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["model", "messages"],
                        "properties": {
                            "model": {"type": "string", "examples": ["auto"]},
                            "messages": {"type": "array", "minItems": 1, "items": {"type": "object"}},
                            "stream": {"type": "boolean"},
                            "max_tokens": {"type": "integer", "minimum": 1},
                            "n": {"type": "integer", "minimum": 1, "maximum": 8},
                        },
                    }
                }
            },
        },
        "responses": {
            "200": {
                "description": "The answer; with `stream` a `text/event-stream` that ends with `[DONE]`",
                "headers": {
                    name: {"schema": {"type": "string"}}
                    for name in ("x-request-id", "x-farthing-provider", "x-farthing-model")
                },
                "content": {
                    "application/json": {"schema": {"type": "object"}},
                    "text/event-stream": {"schema": {"type": "string"}},
                },
            }
        },
    }
}
_FAILURES = {
    "400": "A field is wrong: `param` names it",
    "401": "The key is missing or not valid",
    "402": "Neither allowance nor wallet covers it",
    "403": "Not for this plan or account",
    "404": "No such thing",
    "409": "The same Idempotency-Key is in flight",
    "413": "The body is over 20 MiB",
    "415": "The body is not JSON",
    "422": "The Idempotency-Key was used with another body",
    "429": "Too many requests a minute: see Retry-After",
    "503": "Nobody can answer now: see Retry-After",
}
_OF_PATHS = {
    "/v1/chat/completions": ("400", "401", "402", "403", "404", "409", "413", "415", "422", "429", "503"),
    "/v1/models": ("401",),
    "/v1/models/{model}": ("401", "404"),
    "/providers": ("401",),
    "/metrics": ("401",),
    "/app/page/{name}": ("404",),
    "/app/account": ("401", "403"),
    "/app/keys": ("400", "401", "403", "409", "429"),
    "/app/keys/{key_id}": ("401", "403", "404"),
    "/app/invoices/{invoice_id}/pdf": ("401", "403", "404"),
    "/app/house": ("401", "403", "404"),
}
_FAILURES_OF_APP = {
    "401": "The initData is missing, not this bot's, or older than a day",
    "403": "Not known to the bot yet, not let in yet, declined, or banned: `code` says which",
    "409": "There are as many keys as there may be",
    "429": "Too many keys were made today: see Retry-After",
}
_OF_ADMIN = ("400", "401", "404")


_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer"},
    "telegram": {
        "type": "http",
        "scheme": "tma",
        "description": "`Authorization: tma <initData>`, as the Mini App has it from Telegram",
    },
}


def describe(app: FastAPI) -> None:
    """Every path, every answer, and the key that it wants."""
    plain = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        schema = plain()
        schema["paths"]["/v1/chat/completions"] = _CHAT
        parts = schema.setdefault("components", {})
        parts.setdefault("schemas", {}).update(_error_schemas())
        parts["securitySchemes"] = _SCHEMES
        for path, operations in schema["paths"].items():
            for operation in operations.values():
                _add_failures(path, operation)
        return schema

    app.openapi = whole  # type: ignore[method-assign]


def _add_failures(path: str, operation: dict[str, Any]) -> None:
    operation["responses"].pop("422", None)
    failures = _OF_PATHS.get(path, _OF_ADMIN if path.startswith("/admin") else ())
    of_app = path.startswith("/app/")
    for status in failures:
        operation["responses"][status] = {
            "description": (_FAILURES | _FAILURES_OF_APP if of_app else _FAILURES)[status],
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    if "401" in failures:
        operation["security"] = [{"telegram" if of_app else "key": []}]


def _error_schemas() -> dict[str, Any]:
    schema = Error.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), "Error": schema}
