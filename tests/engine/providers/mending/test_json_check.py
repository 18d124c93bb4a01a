from typing import Any

import pytest

from engine.providers.mending.json_check import fits, plain_json

CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "people": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}
TREE = {"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}}}


@pytest.mark.parametrize(
    ("text", "schema", "expected"),
    [
        ('{"name": "Hue", "people": 1}', CITY, True),
        ('{"name": "Hue", "people": 1.0}', CITY, True),
        ('{"people": 1}', CITY, False),
        ('{"name": 7}', CITY, False),
        ('{"name": "Hue", "people": -1}', CITY, False),
        ('{"name": "Hue", "people": true}', CITY, False),
        ('{"name": "Hue", "more": 1}', CITY, False),
        ("{broken", CITY, False),
        ("[" * 100_000, CITY, False),
        ("[]", CITY, False),
        ("[1, 2]", {"type": "array", "items": {"type": "number"}, "maxItems": 2}, True),
        ("[1, 2, 3]", {"type": "array", "maxItems": 2}, False),
        ('["a", 1]', {"type": "array", "prefixItems": [{}], "items": {"type": "number"}}, True),
        ('"a"', {"enum": ["a", "b"]}, True),
        ('"c"', {"enum": ["a", "b"]}, False),
        ("1", {"const": True}, False),
        ("true", {"const": True}, True),
        ("null", {"type": ["string", "null"]}, True),
        ("1", {"anyOf": [{"type": "string"}, {"type": "integer"}]}, True),
        ("1", {"anyOf": [{"type": "string"}, {"type": "null"}]}, False),
        ("1", {"allOf": [{"type": "integer"}, {"maximum": 0}]}, False),
        ("5", {"exclusiveMaximum": 5}, False),
        ('"abc"', {"maxLength": 2}, False),
        ('{"next": {"next": {}}}', TREE, True),
        ('{"next": {"next": 1}}', TREE, False),
        ('{"a": 1}', {"type": "object", "additionalProperties": {"type": "string"}}, False),
        ("1", {}, True),
        ('"x"', {"pattern": "(a+)+$"}, True),
    ],
)
def test_answer_is_checked_against_its_schema(text: str, schema: dict[str, Any], expected: bool) -> None:
    assert fits(text, schema) is expected


def test_check_that_would_never_end_is_given_up() -> None:
    assert fits("{}", {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}})
    wide = {"anyOf": [{"$ref": "#"}] * 40}
    assert fits("1", wide)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('```json\n{"a": 1}\n```', '{"a": 1}'),
        ("```\n[]\n```\n", "[]"),
        ('{"a": 1}', '{"a": 1}'),
        ("``` x ```", "``` x ```"),
    ],
)
def test_fence_around_json_is_removed(text: str, found: str) -> None:
    assert plain_json(text) == found
