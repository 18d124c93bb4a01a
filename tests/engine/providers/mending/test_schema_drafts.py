"""Schemas of older drafts, converted to draft 2020-12."""

from typing import Any

import jsonschema_rs
import pytest

from engine.providers.mending.schema_drafts import modern, with_root

TEXT = {"type": "string"}
TABLE: list[tuple[str, Any, Any]] = [
    ("an array without items", {"type": "array"}, {"type": "array", "items": {}}),
    ("a tuple of draft 7", {"type": "array", "items": [TEXT]}, {"type": "array", "prefixItems": [TEXT], "items": {}}),
    ("an exclusive bound of draft 4", {"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
    ("an inclusive bound of draft 4", {"maximum": 1, "exclusiveMaximum": False}, {"maximum": 1}),
    ("required of draft 3", {**TEXT, "required": True}, TEXT),
    ("types in upper case", {"type": ["STRING", "null"]}, {"type": ["string", "null"]}),
    ("types that do not exist", {"type": "any", "anyOf": []}, {}),
    (
        "null in the place of keywords",
        {**TEXT, "description": None, "enum": None, "properties": None},
        {**TEXT, "properties": {}},
    ),
    ("a constant that is null", {"const": None}, {"const": None}),
    (
        "properties named like keywords",
        {"properties": {"type": TEXT, "items": {"type": "array"}}},
        {"properties": {"type": TEXT, "items": {"type": "array", "items": {}}}},
    ),
    (
        "schemas within schemas",
        {"anyOf": [{"not": {"type": "array"}}, True], "additionalProperties": {"type": "array"}},
        {
            "anyOf": [{"not": {"type": "array", "items": {}}}, True],
            "additionalProperties": {"type": "array", "items": {}},
        },
    ),
    (
        "other keywords",
        {**TEXT, "pattern": "^a", "x-y": 1, "default": 0},
        {**TEXT, "pattern": "^a", "x-y": 1, "default": 0},
    ),
]


@pytest.mark.parametrize(("schema", "expected"), [pytest.param(*row[1:], id=row[0]) for row in TABLE])
def test_schema_becomes_valid_by_draft_2020_12(schema: Any, expected: Any) -> None:
    assert modern(schema) == expected
    jsonschema_rs.Draft202012Validator(modern(schema))


@pytest.mark.parametrize("place", ["$defs", "definitions"])
def test_reference_at_the_root_is_replaced_by_its_target(place: str) -> None:
    definitions = {"A": {"type": "object", "properties": {"a": TEXT}}}
    found = with_root({"$ref": f"#/{place}/A", "description": "d", place: definitions})
    assert found == {"type": "object", "properties": {"a": TEXT}, "description": "d", place: definitions}


@pytest.mark.parametrize("schema", [TEXT, {"$ref": "#/$defs/B", "$defs": {}}, {"$ref": "#"}, {"$ref": 1}])
def test_other_roots_stay(schema: Any) -> None:
    assert with_root(schema) is schema


def test_levels_beyond_the_limit_are_left_out() -> None:
    schema: dict[str, Any] = TEXT
    for _ in range(2000):
        schema = {"items": schema}
    assert "string" not in str(modern(schema))
