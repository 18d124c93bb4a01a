"""JSON schemas in the subset that a provider accepts, and in words for a provider that accepts none."""

import json
from collections.abc import Mapping
from typing import Any

from engine.chat import Options
from engine.providers.mending.schema_drafts import modern, with_root

JSON_ASKED = "Answer with one JSON object and nothing else."
SCHEMA_ASKED = "Answer with one JSON value and nothing else. It must be valid by this JSON schema:\n"
_COMMON = frozenset({"type", "title", "description", "enum", "const", "properties", "required", "items", "anyOf"})
_CLAUDE = _COMMON | {"$ref", "$defs", "definitions", "allOf", "additionalProperties", "format"}
_CLAUDE_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_GEMINI = _COMMON - {"const"} | {
    "$id",
    "$defs",
    "$ref",
    "$anchor",
    "format",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "oneOf",
    "additionalProperties",
    "propertyOrdering",
}
_GEMINI_FORMATS = frozenset({"date-time", "date", "time", "duration", "int32", "int64", "float", "double"})
_TYPE_OF = {str: "string", int: "integer", float: "number", bool: "boolean"}
_ALTERNATIVES = frozenset({"anyOf", "oneOf", "allOf"})
_MOST_DEPTH = 40  # deeper schemas are refused by all providers
_MOST_HINT_CHARS = 300


class SchemaNotExpressible(Exception):
    """The schema has a part that the provider's subset can't express."""


def schema_of(options: Options) -> Mapping[str, Any] | None:
    """Return the schema that the answer must have; None if none is requested."""
    wanted = options.response_format or {}
    if wanted.get("type") != "json_schema":
        return None
    described = wanted.get("json_schema")
    schema = described.get("schema") if isinstance(described, Mapping) else None
    return schema if isinstance(schema, Mapping) else {}


def schema_name(options: Options) -> str:
    described = (options.response_format or {}).get("json_schema")
    name = described.get("name") if isinstance(described, Mapping) else None
    return name if isinstance(name, str) and name else "answer"


def schema_in_words(schema: Mapping[str, Any]) -> str:
    """Return the instruction, in words, to answer by this schema."""
    return SCHEMA_ASKED + json.dumps(schema, ensure_ascii=False, separators=(",", ":"))


def parameters_schema(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a tool's arguments: always an object, even if the tool has no arguments.

    OpenAI and Claude refuse alternatives at the top: they become one object with the properties of all of them.
    """
    parameters = modern(with_root(parameters))
    found = {name: value for name, value in parameters.items() if name not in _ALTERNATIVES}
    for name in _ALTERNATIVES & set(parameters):
        for each in parameters[name] if isinstance(parameters[name], list) else ():
            if isinstance(each, Mapping) and isinstance(each.get("properties"), Mapping):
                found["properties"] = {**each["properties"], **found.get("properties", {})}
    return {**found, "type": "object", "properties": found.get("properties") or {}}


def claude_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema for Claude's structured output: closed objects; limits that it lacks are put into words.

    Raises SchemaNotExpressible if a part is open or recursive, or the whole is not an object.
    """
    if _is_recursive(schema):
        raise SchemaNotExpressible
    found = _claude(schema, 0)
    if found.get("type") != "object" and "$ref" not in found and "anyOf" not in found:
        raise SchemaNotExpressible
    return found


def gemini_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema in the subset of Gemini's `responseJsonSchema` and `parametersJsonSchema`."""
    return _gemini(modern(schema), 0)


def _claude(schema: Any, depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or depth > _MOST_DEPTH:
        raise SchemaNotExpressible
    if "$ref" in schema:
        if not str(schema["$ref"]).startswith("#"):
            raise SchemaNotExpressible
        return _kept(schema, {"$ref", "$defs", "definitions"}, _claude, depth)
    found = _kept(schema, _CLAUDE, _claude, depth)
    if "oneOf" in schema and "anyOf" not in schema:
        found["anyOf"] = [_claude(each, depth + 1) for each in schema["oneOf"]]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        if schema.get("additionalProperties") not in (None, False) or "patternProperties" in schema:
            raise SchemaNotExpressible
        found |= {"type": kind or "object", "properties": found.get("properties", {}), "additionalProperties": False}
    if not {"type", "anyOf", "allOf", "enum", "const"} & set(found):
        raise SchemaNotExpressible
    if found.get("format") not in _CLAUDE_FORMATS:
        found.pop("format", None)
    if kind == "array" and schema.get("minItems") in {0, 1}:
        found["minItems"] = schema["minItems"]
    return _with_hints(found, schema, {*_CLAUDE - {"format"}, "oneOf", *found})


def _gemini(schema: Any, depth: int) -> dict[str, Any]:
    if not isinstance(schema, Mapping) or depth > _MOST_DEPTH:
        return {}
    if "$ref" in schema:
        reference = str(schema["$ref"]).replace("#/definitions/", "#/$defs/", 1)
        return {**_kept(schema, {"$defs"}, _gemini, depth), "$ref": reference}
    merged = dict(schema)
    for part in merged.pop("allOf", None) or ():
        if isinstance(part, Mapping):
            properties = {**merged.get("properties", {}), **part.get("properties", {})}
            merged = {**part, **merged, **({"properties": properties} if properties else {})}
    if "definitions" in merged:
        merged["$defs"] = {**merged.pop("definitions"), **merged.get("$defs", {})}
    found = _kept(merged, _GEMINI, _gemini, depth)
    _name_values(found, merged)
    _name_types(found, merged)
    if "properties" in found and "required" in found:  # Gemini refuses required names that are not properties
        found["required"] = [name for name in found["required"] if name in found["properties"]]
    if found.get("format") not in _GEMINI_FORMATS:
        found.pop("format", None)
    for strict, loose in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(merged.get(strict), int | float) and loose not in found:
            found[loose] = merged[strict]
    known = {*_GEMINI - {"format"}, "const", "nullable", "$schema", "default", "examples", *found}
    return _with_hints(found, merged, known)


def _name_values(found: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """List the allowed values as Gemini accepts them: no null or empty values, and always with a type."""
    values = [schema["const"]] if "const" in schema else found.pop("enum", None)
    if values is None:
        return
    kept = [value for value in values if value not in (None, "")]
    kinds = list(dict.fromkeys(_TYPE_OF[type(value)] for value in kept if type(value) in _TYPE_OF))
    if "type" not in found and "anyOf" not in found and (kinds or not kept):
        found["type"] = [*kinds, "null"] if None in values else kinds
    if kept:
        found["enum"] = kept


def _name_types(found: dict[str, Any], schema: Mapping[str, Any]) -> None:
    """Write the type as Gemini accepts it: one type, and null beside it. Several types become alternatives."""
    listed = found.get("type")
    kinds = list(listed) if isinstance(listed, list) else [listed] if listed else []
    if schema.get("nullable") is True and kinds and "null" not in kinds:
        kinds.append("null")
    if len([kind for kind in kinds if kind != "null"]) > 1 and "anyOf" not in found:
        del found["type"]
        items = {"items": found.pop("items", {})}
        found["anyOf"] = [{"type": kind, **(items if kind == "array" else {})} for kind in kinds]
    elif kinds:
        found["type"] = kinds[0] if len(kinds) == 1 else kinds
    elif "type" in found:
        del found["type"]


def _kept(schema: Mapping[str, Any], names: Any, inner: Any, depth: int) -> dict[str, Any]:
    """Return the fields called `names`, with `inner` applied to the schemas within them."""
    found: dict[str, Any] = {}
    for name, value in schema.items():
        if name not in names:
            continue
        if name in {"properties", "$defs", "definitions"} and isinstance(value, Mapping):
            found[name] = {key: inner(each, depth + 1) for key, each in value.items()}
        elif name in {"anyOf", "oneOf", "allOf", "prefixItems"} and isinstance(value, list):
            found[name] = [inner(each, depth + 1) for each in value]
        elif name in {"items", "additionalProperties"} and isinstance(value, Mapping):
            found[name] = inner(value, depth + 1)
        else:
            found[name] = value
    return found


def _with_hints(found: dict[str, Any], schema: Mapping[str, Any], known: set[str]) -> dict[str, Any]:
    """Return the schema; limits that it does not contain are put into its description in words."""
    left_out = {name: value for name, value in schema.items() if name not in known and not name.startswith("$")}
    if not left_out:
        return found
    hint = json.dumps(left_out, ensure_ascii=False, default=str)[:_MOST_HINT_CHARS]
    described = found.get("description")
    return {**found, "description": f"{described} {hint}" if isinstance(described, str) else hint}


def _is_recursive(schema: Mapping[str, Any]) -> bool:
    """Return whether a definition refers to itself, directly or through others."""
    definitions = {
        f"#/{place}/{name}": each
        for place in ("$defs", "definitions")
        for name, each in (schema.get(place) or {}).items()
    }
    links = {name: _references(each, 0) for name, each in definitions.items()}
    links["#"] = _references({key: v for key, v in schema.items() if key not in {"$defs", "definitions"}}, 0)
    return any(_reaches(name, name, links) for name in links)


def _references(schema: Any, depth: int) -> frozenset[str]:
    if depth > _MOST_DEPTH:
        raise SchemaNotExpressible
    if isinstance(schema, Mapping):
        own = frozenset({schema["$ref"]} if isinstance(schema.get("$ref"), str) else ())
        return own.union(*(_references(each, depth + 1) for each in schema.values()))
    if isinstance(schema, list):
        return frozenset[str]().union(*(_references(each, depth + 1) for each in schema))
    return frozenset()


def _reaches(start: str, goal: str, links: Mapping[str, frozenset[str]]) -> bool:
    seen: set[str] = set()
    waiting = list(links.get(start, ()))
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting += links.get(name, ())
    return False
