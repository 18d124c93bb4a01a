"""JSON Schemas in prompts, and values that fit them."""

import json

import pytest

from sandbox.providers.schemas import sample, schema_in_words

PERSON = {
    "$defs": {"Job": {"type": "object", "properties": {"title": {"enum": ["cook", "tailor"]}}}},
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "age": {"type": "integer", "minimum": 18},
        "born": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "jobs": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/Job"}},
    },
}


@pytest.mark.parametrize(
    "prompt",
    [
        "Hi. It must be valid by this JSON schema:\n{}\nThanks.",
        "Always respond with a JSON object that's compatible with this schema:\n\n{}\n\nNo Markdown.",
        'The schema {{"properties": {{"foo": {{}}}}}} is an example. Here is the output schema:\n```\n{}\n```',
        "Match the following json_schema:\n{}\nReturn an instance of the JSON, not the schema itself: {{",
    ],
)
def test_schema_is_found_in_words(prompt: str) -> None:
    assert schema_in_words(prompt.format(json.dumps(PERSON, indent=2))) == PERSON


@pytest.mark.parametrize(
    "text",
    ["no schema", "JSON schema: none", "JSON schema: {broken", 'schema: {"a": ', 'schema: {"a": "An"}', "{}"],
)
def test_other_text_has_no_schema(text: str) -> None:
    assert schema_in_words(text) is None


def test_sample_follows_references_and_limits() -> None:
    assert sample(PERSON, "word") == {
        "name": "word",
        "age": 18,
        "born": "2026-01-31",
        "jobs": [{"title": "cook"}, {"title": "cook"}],
    }


def test_sample_of_a_schema_that_names_itself_ends() -> None:
    assert sample({"properties": {"next": {"$ref": "#"}}}, "word")["next"]["next"]


def test_sample_fits_its_schema() -> None:
    schema = {
        "type": "object",
        "properties": {
            "kind": {"enum": ["a", "b"]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "maybe": {"anyOf": [{"type": "number"}, {"type": "null"}]},
            "yes": {"type": ["boolean", "null"]},
        },
    }
    assert sample(schema, "word") == {"kind": "a", "tags": ["word"], "maybe": 1.5, "yes": True}
