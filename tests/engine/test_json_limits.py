"""Limits for JSON from outside."""

import json
from collections.abc import Callable

import pytest

from engine.json_limits import (
    MOST_DEPTH,
    MOST_DIGITS,
    MOST_VALUES,
    exceeds,
    has_too_many_values,
    limit_digits,
    open_brackets,
    parsed,
    too_deep,
    too_deep_unparsed,
)
from tests.processor_time import units_of


@pytest.mark.parametrize(
    ("text", "too_many"),
    [
        ("[1,2,3]", False),
        ("[1,2,3,4]", True),
        ('["a,b,c,d", "[[[[", "\\",,,,"]', False),
        ('[",,,,', False),
        ("{" * 5, True),
    ],
)
def test_values_are_counted_outside_of_strings(text: str, *, too_many: bool) -> None:
    assert has_too_many_values(text, 3) is too_many


@pytest.mark.parametrize(
    ("line", "open_"), [('{"a": [', 2), ("]}", -2), ('"{[" : {}', 0), ('{"a\\"{": 1', 1), ("", 0), ('"[[[', 0)]
)
def test_brackets_are_counted_outside_of_strings(line: str, open_: int) -> None:
    assert open_brackets(line) == open_


def nested(levels: int) -> object:
    return json.loads("[" * levels + "]" * levels)


def test_value_at_the_greatest_depth_is_allowed_and_one_below_it_is_named() -> None:
    assert too_deep(nested(MOST_DEPTH)) == ""
    assert too_deep(nested(MOST_DEPTH + 1)) == "0.0.0.0"
    assert too_deep("text") == ""


def test_path_is_cut_after_four_parts() -> None:
    body = {"model": "m", "tools": [{}, {"function": {"parameters": {"a": {"b": {"c": 1}}}}}]}
    assert too_deep(body, 7) == ""
    assert too_deep(body, 6) == "tools.1.function.parameters"
    assert too_deep(body, 3) == "tools.1.function"


def test_path_in_a_text_that_is_not_parsed_is_the_same() -> None:
    body = {"a, [{": [1, [2], {"x": 1}], 'to"ols': [{}, {"function": {"parameters": {"a": {"b": {"c": 1}}}}}]}
    for most in range(1, 9):
        found = too_deep(body, most).replace('"', '\\"')
        assert too_deep_unparsed(json.dumps(body).encode(), most) == found
    assert too_deep_unparsed(b"]]]}}:,") == ""
    assert too_deep_unparsed(b"[" * 200_000) == "0.0.0.0"


def test_path_far_behind_the_beginning_is_not_looked_for() -> None:
    assert too_deep_unparsed(b'["' + b"a" * 5_000_000 + b'",' + b"[" * 200_000) == ""
    assert too_deep_unparsed(b"[" + b'"a",' * 60_000 + b"[" * 200_000) == ""


@pytest.mark.parametrize("read", [too_deep_unparsed, lambda text: open_brackets(text.decode())])
def test_unclosed_string_of_escaped_quotes_is_read_in_linear_time(read: Callable[[bytes], object]) -> None:
    assert units_of(lambda: read(b'["' + b'\\"' * 100_000), 20) < 20


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, 0), ("text", 0), ([1, 2], 2), ({"a": {"b": [1, 2, 3]}, "c": []}, 6), ([[], [], [[]]], 4)],
)
def test_values_on_all_levels_are_counted(value: object, number: int) -> None:
    assert not exceeds(value, number)
    assert number == 0 or exceeds(value, number - 1)


def test_json_within_a_text_is_parsed_within_the_limits() -> None:
    assert parsed('{"a": [1, "x"]}') == {"a": [1, "x"]}
    assert parsed("[" * MOST_DEPTH + "]" * MOST_DEPTH) is not None
    assert parsed('"' + "[{," * MOST_VALUES + '"') == "[{," * MOST_VALUES


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[" * 900_000,
        "[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1),
        "[" + "{}," * MOST_VALUES + "1]",
        "[" + '"",' * 5 * MOST_VALUES + "1]",
    ],
)
def test_json_within_a_text_that_would_take_long_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parsed(text)


def test_integers_of_many_digits_are_refused() -> None:
    limit_digits()
    assert parsed("9" * MOST_DIGITS) == int("9" * MOST_DIGITS)
    with pytest.raises(ValueError, match="digits"):
        parsed("9" * (MOST_DIGITS + 1))


def test_depth_of_a_text_with_few_brackets_is_not_looked_at() -> None:
    """Thousands of calls with short arguments are read in a moment; brackets within strings only cost the look."""
    assert parsed("[" * 50 + "]" * 50) is not None
    assert parsed(json.dumps({"a": "[" * 1000})) == {"a": "[" * 1000}
