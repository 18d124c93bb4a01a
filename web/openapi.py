"""/openapi.json: FastAPI's document of its own routes, completed by web/operations, shared headers and keys."""

import functools
import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from web import operations
from web.openapi_parts import MODEL_NAME, STATUSES, Operation, Schema, model_name, ref
from web.schemas import Error

PATH = "/openapi.json"
_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key, such as fk-..."},
    "admin": {"type": "http", "scheme": "bearer", "description": "ADMIN_API_KEY"},
    "telegram": {
        "type": "http",
        "scheme": "tma",
        "description": "`Authorization: tma <initData>` with the initData that Telegram gives the Mini App",
    },
    "session": {
        "type": "http",
        "scheme": "bearer",
        "description": "A session of the Mini App, which POST /app/session has begun",
    },
}
_ERROR = {"schema": ref("Error")}
_PLAN_BODIES = {"PlanIn", "TenantIn"}
_REQUEST_ID = {
    "x-request-id": {
        "required": True,
        "description": "The request's id, for the operator's log",
        "schema": {"type": "string", "pattern": "^req-[0-9a-f]{32}$"},
    }
}


def described_operations() -> tuple[Operation, ...]:
    """Return the OPERATION of every module in web/operations that has one; other modules there hold schemas."""
    names = sorted(module.name for module in pkgutil.iter_modules(operations.__path__))
    modules = (importlib.import_module(f"{operations.__name__}.{name}") for name in names)
    return tuple(module.OPERATION for module in modules if hasattr(module, "OPERATION"))


def describe(
    app: FastAPI, plans: Sequence[str] = (), models: Sequence[str] = (), providers: Sequence[str] = ()
) -> None:
    """Add the route of the OpenAPI document, completed by plain routes, the key of each path, and the headers of /v1.

    `plans`: the plans that an operator may give a tenant; `models`: the configured models; `providers`: those that a
    tenant may exclude. A plain route without an Operation is left out, and so is an Operation without a route.
    """
    plain = app.openapi

    def whole() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        schema = plain()
        parts = schema.setdefault("components", {})
        schemas = parts.setdefault("schemas", {})
        schemas |= _error_schemas() | {MODEL_NAME: model_name(models)}
        paths = {route.path for route in app.router.routes if isinstance(route, Route)}
        for each in described_operations():
            if each.path in paths:
                schema["paths"].setdefault(each.path, {})[each.method] = _copied(each.document)
                schemas.update(each.schemas)
        parts["securitySchemes"] = _SCHEMES
        for path, found in schema["paths"].items():
            for operation in found.values():
                _complete(path, operation)
        for name in _PLAN_BODIES & schemas.keys():
            schemas[name]["properties"]["plan"]["enum"] = list(plans)
        if "ExclusionsIn" in schemas:
            schemas["ExclusionsIn"]["properties"]["providers"]["items"]["enum"] = list(providers)
        for name in ("HTTPValidationError", "ValidationError"):  # added by FastAPI, but no route returns them
            schemas.pop(name, None)
        return schema

    app.openapi = whole  # type: ignore[method-assign]
    app.add_route(PATH, _document(app), include_in_schema=False)


def _document(app: FastAPI) -> Callable[[Request], Awaitable[Response]]:
    """Return the handler of the document. It is encoded once: that takes milliseconds, and needs no key."""

    @functools.cache
    def encoded() -> bytes:
        return bytes(JSONResponse(app.openapi()).body)

    async def document(_: Request) -> Response:
        return Response(encoded(), media_type="application/json")

    return document


def _complete(path: str, operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    # added by FastAPI; with us such an error is a 400
    if responses.get("422", {}).get("description") == "Validation Error":
        del responses["422"]
    shapes = [each["content"] for status, each in responses.items() if status[0] in "45" and "content" in each]
    broken = {"description": STATUSES[500], "content": shapes[0] if shapes else {"application/json": _ERROR}}
    responses.setdefault("500", broken)
    if "401" in responses:
        operation["security"] = [{name: []} for name in _schemes(path)]
    if path.startswith("/v1/"):
        for response in responses.values():
            response["headers"] = {**_REQUEST_ID, **response.get("headers", {})}


def _schemes(path: str) -> Iterable[str]:
    if path.startswith("/app/"):
        return ("telegram",) if path == "/app/session" else ("telegram", "session")
    if path == "/providers":
        return ("key", "admin")
    return ("key",) if path.startswith("/v1/") else ("admin",)


def _copied(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy whose responses can be extended; their statuses are text, as OpenAPI requires."""
    responses = {str(status): dict(response) for status, response in document["responses"].items()}
    return {**document, "responses": responses}


def _error_schemas() -> dict[str, Schema]:
    schema = Error.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), "Error": schema}
