"""JSON schemas of older drafts, and imprecise ones, converted to draft 2020-12, which providers require for tools.

OpenAI refuses an array without `items`, and Claude refuses each schema that is not valid by draft 2020-12.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.json_limits import MOST_DEPTH

_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})
_OF_NAMES = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_OF_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_OF_SCHEMAS = frozenset({"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"})
_BOUNDS = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}
_CHECKED = _OF_NAMES | _OF_LISTS | _OF_SCHEMAS | {"type", "const", "enum", "required"}
_DEFINITIONS = ("$defs", "definitions")
_LEFT_OUT = object()


def modern(schema: Any, depth: int = 0) -> Any:
    """Return a schema, and all schemas within it, in draft 2020-12. Anything but an object is returned unchanged.

    Levels beyond the maximum depth of a request are left out.
    """
    if not isinstance(schema, Mapping):
        return schema
    if depth > MOST_DEPTH:
        return {}
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if name not in _CHECKED:  # true for most keywords
            if value is not None:
                found[name] = value
            continue
        is_tuple = name == "items" and isinstance(value, list)  # a tuple in the form of draft 7
        kept = _value("prefixItems" if is_tuple else name, value, depth + 1)
        if kept is not _LEFT_OUT:
            found["prefixItems" if is_tuple else name] = kept
    _with_bounds(found)
    if found.get("type") == "array" and not isinstance(found.get("items"), Mapping):
        found["items"] = {}
    return found


def with_root(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema whose root is an object and no reference, as providers require."""
    name = schema.get("$ref")
    if not isinstance(name, str):
        return schema
    for place in _DEFINITIONS:
        definitions = schema.get(place)
        target = definitions.get(name.removeprefix(f"#/{place}/")) if isinstance(definitions, Mapping) else None
        if isinstance(target, Mapping) and "$ref" not in target:
            return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    return schema


def _value(name: str, value: Any, depth: int) -> Any:
    """Return the value of a keyword, or _LEFT_OUT if it is not valid."""
    if name in _OF_NAMES:
        return {key: modern(each, depth) for key, each in value.items()} if isinstance(value, Mapping) else {}
    if name in _OF_LISTS:
        return [modern(each, depth) for each in value] if isinstance(value, list) and value else _LEFT_OUT
    if name in _OF_SCHEMAS:
        return modern(value, depth) if isinstance(value, Mapping | bool) else _LEFT_OUT
    if name == "type":
        return value if isinstance(value, str) and value in _TYPES else _type(value) or _LEFT_OUT
    if name == "const":
        return value
    is_list = isinstance(value, list) and (name == "required" or bool(value))
    is_valid = is_list and (name == "enum" or all(isinstance(each, str) for each in value))
    return value if is_valid else _LEFT_OUT


def _type(value: Any) -> Any:
    """Return the type in lower case (Google's form is upper case); None for a type that does not exist."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        kinds = [kind for each in value if (kind := _type(each)) is not None]
        return kinds or None
    kind = value.lower() if isinstance(value, str) else ""
    return kind if kind in _TYPES else None


def _with_bounds(found: dict[str, Any]) -> None:
    """Convert exclusive bounds from draft 4, a mark with the value `true`, to draft 6, the bound itself."""
    for strict, loose in _BOUNDS.items():
        is_strict = found.get(strict)
        if isinstance(is_strict, bool):
            del found[strict]
            if is_strict and loose in found:
                found[strict] = found.pop(loose)
