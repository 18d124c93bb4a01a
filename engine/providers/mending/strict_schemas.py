"""The subset of JSON schema that OpenAI and servers like it accept with `strict`; they refuse any other with a 400."""

from collections.abc import Iterator, Mapping
from typing import Any

_REFUSED = frozenset(
    {"allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties"}
)
_ONE, _LISTED, _NAMED = ("items",), ("anyOf", "prefixItems"), ("properties", "$defs", "definitions")


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Return whether a schema is an object, and each object in it is closed and requires all of its properties."""
    is_object = schema.get("type") == "object" and "anyOf" not in schema
    return is_object and all(map(_is_closed, _all_within(schema)))


def _is_closed(schema: Mapping[str, Any]) -> bool:
    if not _REFUSED.isdisjoint(schema):
        return False
    properties = schema.get("properties") or {}
    if schema.get("type") != "object" and not properties:
        return True
    required = schema.get("required") or []
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        return False
    return schema.get("additionalProperties") is False and set(properties) <= {str(name) for name in required}


def _all_within(schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield a schema and the schemas in it."""
    left: list[Any] = [schema]
    while left:
        each = left.pop()
        if not isinstance(each, Mapping):
            continue
        yield each
        left += [each[name] for name in _ONE if name in each]
        for name in _LISTED:
            left += each[name] if isinstance(each.get(name), list) else []
        for name in _NAMED:
            left += each[name].values() if isinstance(each.get(name), Mapping) else []
