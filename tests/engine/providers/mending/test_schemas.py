"""JSON schemas in the forms of pydantic, zod and people, converted to the subsets of the providers."""

from typing import Any

import pytest

from engine.chat import Options
from engine.providers.mending.schemas import (
    SchemaNotExpressible,
    claude_schema,
    gemini_schema,
    parameters_schema,
    schema_in_words,
    schema_name,
    schema_of,
)

TEXT = {"type": "string"}
CITY = {"type": "object", "properties": {"name": TEXT}, "required": ["name"]}


def test_schema_of_a_request_is_found_only_where_one_is_asked_for() -> None:
    def wanting(form: Any) -> Options:
        return Options(response_format=form)

    assert schema_of(wanting({"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}})) == CITY
    assert schema_of(wanting({"type": "json_schema", "json_schema": {"name": "city"}})) == {}
    assert schema_of(wanting({"type": "json_object"})) is None
    assert schema_of(Options()) is None
    assert schema_name(wanting({"type": "json_schema", "json_schema": {"name": "city"}})) == "city"
    assert schema_name(wanting({"type": "json_schema", "json_schema": {}})) == "answer"
    assert schema_in_words(CITY).endswith(
        '{"type":"object","properties":{"name":{"type":"string"}},"required":["name"]}'
    )


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"type": "object", "properties": {}}),
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({"properties": {"a": TEXT}}, {"type": "object", "properties": {"a": TEXT}}),
        ({"type": "object", "properties": None}, {"type": "object", "properties": {}}),
        ({"anyOf": [CITY, {"properties": {"b": TEXT}}]}, {"type": "object", "properties": {"name": TEXT, "b": TEXT}}),
        ({"$ref": "#/$defs/A", "$defs": {"A": CITY}}, {**CITY, "$defs": {"A": CITY}}),
    ],
)
def test_arguments_of_a_tool_are_an_object(parameters: dict[str, Any], expected: dict[str, Any]) -> None:
    assert parameters_schema(parameters) == expected


def test_claude_gets_closed_objects_and_its_limits_in_words() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 1, "description": "a number"},
            "tags": {"type": "array", "items": CITY, "minItems": 2},
            "mail": {"type": "string", "format": "email"},
            "odd": {"type": "string", "format": "color"},
            "kind": {"enum": ["a", "b"]},
            "maybe": {"anyOf": [TEXT, {"type": "null"}], "default": None},
            "ref": {"$ref": "#/$defs/City"},
        },
        "$defs": {"City": CITY},
        "required": ["n"],
    }
    closed = {**CITY, "additionalProperties": False}
    assert claude_schema(schema) == {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "description": 'a number {"minimum": 1}'},
            "tags": {"type": "array", "items": closed, "description": '{"minItems": 2}'},
            "mail": {"type": "string", "format": "email"},
            "odd": {"type": "string", "description": '{"format": "color"}'},
            "kind": {"enum": ["a", "b"]},
            "maybe": {"anyOf": [TEXT, {"type": "null"}], "description": '{"default": null}'},
            "ref": {"$ref": "#/$defs/City"},
        },
        "$defs": {"City": closed},
        "required": ["n"],
        "additionalProperties": False,
    }


NODE: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "additionalProperties": TEXT},
        {"type": "object", "additionalProperties": True},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "properties": {"a": True}},
        {"$ref": "#/$defs/Node", "$defs": {"Node": NODE}},
        {"type": "object", "properties": {"me": {"$ref": "#"}}},
        {"type": "object", "properties": {"a": {"$ref": "http://x.test/schema"}}},
        {"type": "string"},
        {"type": "array", "items": CITY},
        {},
    ],
)
def test_schema_that_claudes_subset_has_not_is_found_out(schema: dict[str, Any]) -> None:
    with pytest.raises(SchemaNotExpressible):
        claude_schema(schema)


def test_deep_schema_ends_in_an_error_and_not_in_a_recursion() -> None:
    deep: dict[str, Any] = TEXT
    for _ in range(900):
        deep = {"type": "object", "properties": {"a": deep}}
    with pytest.raises(SchemaNotExpressible):
        claude_schema(deep)
    assert gemini_schema(deep)["type"] == "object"


def test_gemini_gets_its_own_words_only() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "n": {"type": "integer", "exclusiveMinimum": 0, "default": 1},
            "kind": {"const": "a"},
            "text": {"type": "string", "pattern": "^a", "minLength": 2, "description": "a text"},
            "ref": {"$ref": "#/$defs/City", "description": "where"},
            "both": {"allOf": [CITY], "description": "a city"},
            "maybe": {"type": ["string", "null"]},
        },
        "definitions": {"City": CITY},
        "additionalProperties": False,
    }
    assert gemini_schema(schema) == {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 0, "description": '{"exclusiveMinimum": 0}'},
            "kind": {"type": "string", "enum": ["a"]},
            "text": {"type": "string", "description": 'a text {"pattern": "^a", "minLength": 2}'},
            "ref": {"$ref": "#/$defs/City"},
            "both": {**CITY, "description": "a city"},
            "maybe": {"type": ["string", "null"]},
        },
        "$defs": {"City": CITY},
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "enum": ["", "x"]}, {"type": "string", "enum": ["x"]}),
        ({"enum": ["x", "y"]}, {"type": "string", "enum": ["x", "y"]}),
        ({"enum": [1, 2]}, {"type": "integer", "enum": [1, 2]}),
        ({"enum": ["x", None]}, {"type": ["string", "null"], "enum": ["x"]}),
        ({"const": None}, {"type": "null"}),
        (
            {"type": ["string", "array"], "items": TEXT},
            {"anyOf": [{"type": "string"}, {"type": "array", "items": TEXT}]},
        ),
        ({"$ref": "#/definitions/A", "description": "d"}, {"$ref": "#/$defs/A"}),
        ({"definitions": {"A": TEXT}}, {"$defs": {"A": TEXT}}),
        ({**CITY, "required": ["name", "zip"]}, CITY),
        ({**TEXT, "format": "uri"}, {**TEXT, "description": '{"format": "uri"}'}),
        ({**TEXT, "format": "date"}, {**TEXT, "format": "date"}),
        ({"type": "array"}, {"type": "array", "items": {}}),
    ],
)
def test_gemini_gets_schemas_that_it_was_reported_to_refuse_in_its_own_form(schema: Any, expected: Any) -> None:
    assert gemini_schema(schema) == expected
