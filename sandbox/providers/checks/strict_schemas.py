"""OpenAI's check of the schemas that a request has with `strict`."""

from collections.abc import Iterator, Mapping
from typing import Any

from sandbox.providers.refusals import Refusal, StandInRefused


def check_strict(body: Mapping[str, Any]) -> None:
    """Raise StandInRefused for the first strict schema with an object that is open, or has optional properties."""
    for name, param, schema in _strict_schemas(body):
        for each in _objects(schema):
            if each.get("additionalProperties") is not False:
                fault = "'additionalProperties' is required to be supplied and to be false."
            elif set(each.get("properties") or {}) != set(each.get("required") or []):
                fault = "'required' is required to be supplied and to be an array including every key in properties."
            else:
                continue
            message = f"Invalid schema for {name}: In context=(), {fault}"
            raise StandInRefused(Refusal(400, message, code=None, param=param))


def _strict_schemas(body: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    described = (body.get("response_format") or {}).get("json_schema") or {}
    if described.get("strict"):
        yield f"response_format '{described.get('name')}'", "response_format", described.get("schema") or {}
    for place, tool in enumerate(body.get("tools") or ()):
        function = tool.get("function") or {}
        if function.get("strict"):
            yield f"function '{function.get('name')}'", f"tools[{place}].function.parameters", function["parameters"]


def _objects(schema: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the schemas of objects in a schema."""
    if isinstance(schema, list):
        for each in schema:
            yield from _objects(each)
    elif isinstance(schema, Mapping):
        if schema.get("type") == "object":
            yield schema
        for name, each in schema.items():
            yield from _objects(list(each.values()) if name in {"properties", "$defs"} else each)
