"""Custom tools: functions with one text as their argument."""

from typing import Any

import pytest

from engine.errors import BadRequest
from tests.web.openai.responses.test_request import read
from web.openai.responses.custom_tools import arguments_of, custom_names, input_of

PATCH: dict[str, Any] = {"type": "custom", "name": "patch", "description": "Applies a patch."}
LARK = {"type": "grammar", "syntax": "lark", "definition": "start: WORD"}


def test_tool_is_a_function_with_one_text() -> None:
    [tool] = read(tools=[PATCH]).options.tools
    assert (tool.name, tool.description) == ("patch", "Applies a patch.")
    assert tool.parameters["required"] == ["input"]


def test_grammar_is_given_in_words() -> None:
    [tool] = read(tools=[{**PATCH, "format": LARK}]).options.tools
    assert tool.description == "Applies a patch.\n\nThe input must follow this lark grammar:\nstart: WORD"


@pytest.mark.parametrize("text", ["", "a", 'a "b"\n{}', "é\ud83d"])
def test_input_is_the_same_after_both_ways(text: str) -> None:
    assert input_of(arguments_of(text)) == text


@pytest.mark.parametrize("arguments", ["", "no", "[1]", "{}", '{"input": 7}', '{"input": "a', "[" * 100_000])
def test_other_arguments_are_the_input_themselves(arguments: str) -> None:
    assert input_of(arguments) == arguments


@pytest.mark.parametrize(
    ("tools", "field"),
    [
        ([{"type": "custom"}], "tools.0.name"),
        ([{**PATCH, "format": {"type": "xml"}}], "tools.0.format.type"),
        ([{**PATCH, "format": {**LARK, "syntax": "bnf"}}], "tools.0.format.syntax"),
        ([{**PATCH, "format": {"type": "grammar", "syntax": "regex"}}], "tools.0.format.definition"),
    ],
)
def test_wrong_field_is_named(tools: list[dict[str, Any]], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(tools=tools)
    assert refused.value.field == field


@pytest.mark.parametrize("tools", [None, 7, [7], [{"type": "function", "name": "patch"}]])
def test_other_tools_are_not_custom(tools: Any) -> None:
    assert custom_names(tools) == frozenset()


def test_first_of_two_tools_with_one_name_counts() -> None:
    function = {"type": "function", "name": "patch"}
    assert custom_names([function, PATCH]) == frozenset()
    assert custom_names([PATCH, function, PATCH]) == {"patch"}
