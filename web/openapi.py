"""/openapi.json: the plain routes that FastAPI does not see, and the errors of every path."""

from typing import Any

from fastapi import FastAPI

from web.schemas import Error

_CHAT = {
    "post": {
        "tags": ["openai"],
        "summary": "Answer a chat, streamed or whole, in OpenAI's format",
        "description": (
            "`model`: auto, smart, or a name of GET /v1/models. `usage.cost` is the charge to the wallet in USD, "
            "`usage.allowance_tokens` the tokens taken from the plan. An `Idempotency-Key` that is repeated within "
            "a day is charged once."
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
                "description": "The answer; with `stream`, a `text/event-stream` that ends with `[DONE]`",
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
_ERRORS = {
    "400": "A field is wrong: `param` names it",
    "401": "The key is missing or not valid",
    "402": "Neither allowance nor wallet covers the request",
    "403": "The plan does not include the model, or the account is closed",
    "404": "It does not exist",
    "409": "A request with this Idempotency-Key is still being answered",
    "413": "The body is over 20 MiB",
    "415": "The body is not JSON",
    "422": "The Idempotency-Key was used with another body",
    "429": "Too many requests in a minute: see Retry-After",
    "503": "No provider can answer now, or the spending limit is reached: see Retry-After",
}
_PATH_ERRORS = {
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
_APP_ERRORS = {
    "401": "The initData is missing, not signed for this bot, or older than a day",
    "403": "The user has not started the bot, is not admitted, was declined, or is banned: see `code`",
    "409": "The maximum number of keys exists",
    "429": "Too many keys were made within a day: see Retry-After",
}
_ADMIN_ERRORS = ("400", "401", "404")


_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer"},
    "telegram": {
        "type": "http",
        "scheme": "tma",
        "description": "`Authorization: tma <initData>` with the initData that Telegram gives the Mini App",
    },
}


def describe(app: FastAPI) -> None:
    """Complete the app's OpenAPI document: plain routes, errors, and the key that each path needs."""
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
                _add_errors(path, operation)
        return schema

    app.openapi = whole  # type: ignore[method-assign]


def _add_errors(path: str, operation: dict[str, Any]) -> None:
    operation["responses"].pop("422", None)
    statuses = _PATH_ERRORS.get(path, _ADMIN_ERRORS if path.startswith("/admin") else ())
    of_app = path.startswith("/app/")
    for status in statuses:
        operation["responses"][status] = {
            "description": (_ERRORS | _APP_ERRORS if of_app else _ERRORS)[status],
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
    if "401" in statuses:
        operation["security"] = [{"telegram" if of_app else "key": []}]


def _error_schemas() -> dict[str, Any]:
    schema = Error.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), "Error": schema}
