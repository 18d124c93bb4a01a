"""Arguments of tool calls that are not sent as a JSON object, and the object that is read from them."""

import pytest

from engine.providers.streams.calls.odd_arguments import is_nothing, object_text


@pytest.mark.parametrize("text", ["", " ", "null", "None", "undefined", "[]", '""', "{}", '"null"'])
def test_nothing_is_an_empty_object(text: str) -> None:
    assert is_nothing(text)
    assert object_text(text) == "{}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"{\\"a\\":1}"', '{"a":1}'),
        ('```json\n{"a":1}', '{"a":1}'),
        ('"a"', '"a"'),
        ('"[1]"', '"[1]"'),
        ('"{\\"a', '"{\\"a'),
        ("[1]", "[1]"),
        ("```json\nno", "```json\nno"),
        ('see {"a":1}', 'see {"a":1}'),
        ('"' + "[" * 100_000, '"' + "[" * 100_000),
    ],
)
def test_object_is_found_in_a_text_and_in_a_fence_only(text: str, found: str) -> None:
    assert not is_nothing(text)
    assert object_text(text) == found
