"""JSON Schemas: found in a prompt's words, and filled with fitting values."""

import json
import math
from collections.abc import Mapping
from typing import Any

MOST_DEPTH, MOST_OBJECTS, MOST_ITEMS = 12, 200, 3
_DECODER = json.JSONDecoder()
_FORMATTED = {
    "date": "2026-01-31",
    "date-time": "2026-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "ann@example.com",
    "uri": "https://example.com/",
    "uuid": "3f1c2a88-6d0e-4b52-9a77-5f0c8f2f6a10",
}


def sample(schema: Mapping[str, Any], says: str, depth: int = 0, root: Mapping[str, Any] | None = None) -> Any:
    """Return a value that fits a typical schema. Its strings are `says`; references are looked up in `root`."""
    whole = schema if root is None else root
    if depth > MOST_DEPTH:
        return None
    if inner := _one_inside(schema, whole):
        return sample(inner, says, depth + 1, whole)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = str(kind[0] if isinstance(kind, list) else kind).lower()
    if kind == "array":
        number = max(1, min(schema.get("minItems") or 1, MOST_ITEMS))
        return [sample(schema.get("items") or {}, says, depth + 1, whole) for _ in range(number)]
    if kind == "object":
        properties = schema.get("properties") or {}
        return {name: sample(part, says, depth + 1, whole) for name, part in properties.items()}
    return _leaf(schema, kind, says)


def _one_inside(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema that a reference names, or the first of several alternatives; None for a plain schema."""
    if "$ref" in schema:
        return _referred(root, str(schema["$ref"]))
    return next((schema[name][0] for name in ("anyOf", "oneOf", "allOf") if schema.get(name)), None)


def _referred(root: Mapping[str, Any], address: str) -> Mapping[str, Any]:
    found: Any = root
    for step in filter(None, address.removeprefix("#").split("/")):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _leaf(schema: Mapping[str, Any], kind: str, says: str) -> Any:
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    least = schema.get("minimum")
    plain = {
        "integer": 1 if least is None else math.ceil(least),
        "number": 1.5 if least is None else least,
        "boolean": True,
        "null": None,
    }
    return plain.get(kind, _FORMATTED.get(str(schema.get("format")), says))


def schema_in_words(text: str) -> Mapping[str, Any] | None:
    """Return the schema that a prompt contains in words: its last JSON object that looks like a schema."""
    if "schema" not in text.lower():
        return None
    found, at = None, text.find("{")
    for _ in range(MOST_OBJECTS):
        if at < 0:
            break
        value, end = _object_at(text, at)
        if _is_schema(value):
            found = value
        at = text.find("{", end)
    return found


def _object_at(text: str, at: int) -> tuple[Mapping[str, Any], int]:
    """Return the JSON object that begins at this position and the position after it; an empty one for other text."""
    try:
        return _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return {}, at + 1


def _is_schema(value: Mapping[str, Any]) -> bool:
    """Return whether an object looks like a schema of an object, not like an example of one."""
    return isinstance(value.get("properties"), dict) or value.get("type") == "object" or "$defs" in value
