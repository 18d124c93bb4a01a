"""The schemas that `strict` accepts."""

from typing import Any

import pytest

from engine.providers.mending.strict_schemas import is_strict


def closed(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


TEXT = {"type": "string"}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (closed(), True),
        (closed(a=TEXT, b={"anyOf": [TEXT, {"type": "null"}]}), True),
        (closed(a={"type": "array", "items": closed(b=TEXT)}), True),
        ({**closed(a={"$ref": "#/$defs/x"}), "$defs": {"x": closed(b=TEXT)}}, True),
        ({**closed(a=TEXT), "required": []}, False),
        ({**closed(a=TEXT), "required": "a"}, False),
        ({**closed(a=TEXT), "additionalProperties": True}, False),
        ({**closed(), "properties": [1]}, False),
        ({"type": "object", "properties": {}}, False),
        (closed(a={"type": "array", "items": {"type": "object"}}), False),
        (closed(a={"properties": {"b": TEXT}}), False),
        (closed(a={"anyOf": [{"type": "object", "additionalProperties": TEXT}]}), False),
        ({**closed(a={"$ref": "#/$defs/x"}), "$defs": {"x": {"type": "object"}}}, False),
        (closed(a={"oneOf": [TEXT]}), False),
        ({**closed(), "anyOf": [closed()]}, False),
        ({"type": "array", "items": TEXT}, False),
        ({}, False),
    ],
)
def test_objects_must_be_closed_and_need_all_properties(schema: dict[str, Any], *, expected: bool) -> None:
    assert is_strict(schema) is expected


def test_deep_schema_is_read_without_recursion() -> None:
    schema: dict[str, Any] = closed()
    for _ in range(5000):
        schema = closed(a=schema)
    assert is_strict(schema)
