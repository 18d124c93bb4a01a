from typing import Any

import pytest

from engine.chat import ChatRequest, Role, says
from engine.errors import BadRequest, UnknownModel
from web.openai.responses.request import response_request

LOOK = {"type": "function", "name": "look", "description": "Look.", "parameters": {"type": "object"}, "strict": True}
SCHEMA = {"type": "json_schema", "name": "word", "schema": {"type": "object"}, "strict": True}


def read(**fields: Any) -> ChatRequest:
    return response_request({"model": "auto", **fields}, [says(Role.USER, "hi")], id="r", key_id=7)


def test_instructions_are_the_first_message() -> None:
    found = read(instructions="Be brief.", max_output_tokens=9)
    assert [(m.role, m.text) for m in found.messages] == [(Role.SYSTEM, "Be brief."), (Role.USER, "hi")]
    assert (found.id, found.key_id, found.max_output_tokens) == ("r", 7, 9)
    assert [m.role for m in read(instructions="").messages] == [Role.USER]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("required", "required"),
        ({"type": "function", "name": "look"}, {"type": "function", "function": {"name": "look"}}),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]},
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "look"}}]},
            },
        ),
    ],
)
def test_tool_choice_is_that_of_chat_completions(choice: Any, expected: Any) -> None:
    found = read(tools=[LOOK], tool_choice=choice).options
    assert found.tool_choice == expected
    assert (found.tools[0].name, found.tools[0].strict) == ("look", True)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (None, None),
        ({"type": "text"}, {"type": "text"}),
        ({"type": "json_object"}, {"type": "json_object"}),
        (
            SCHEMA,
            {"type": "json_schema", "json_schema": {"name": "word", "schema": {"type": "object"}, "strict": True}},
        ),
    ],
)
def test_format_is_that_of_chat_completions(form: Any, expected: Any) -> None:
    assert read(text={"format": form}).options.response_format == expected


def test_effort_and_sampling_are_read() -> None:
    options = read(reasoning={"effort": "low"}, temperature=0.5, top_p=1, parallel_tool_calls=False).options
    assert (options.reasoning_effort, options.temperature, options.top_p) == ("low", 0.5, 1)
    assert options.parallel_tool_calls is False


BAD: list[tuple[dict[str, Any], str]] = [
    ({"background": True}, "background"),
    ({"conversation": "c"}, "conversation"),
    ({"prompt": {"id": "p"}}, "prompt"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"tools": [{"type": "function"}]}, "tools.0.name"),
    ({"tool_choice": "some"}, "tool_choice"),
    ({"tool_choice": {"type": "function", "name": "other"}, "tools": [LOOK]}, "tool_choice.name"),
    ({"tool_choice": {"type": "mcp"}}, "tool_choice.type"),
    ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
    ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
    ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
    ({"model": None}, "model"),
]


@pytest.mark.parametrize(("fields", "field"), BAD)
def test_wrong_field_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BadRequest) as refused:
        read(**fields)
    assert refused.value.field == field


def test_model_must_be_short_and_printable() -> None:
    for name in ("x" * 1000, "a\nb"):
        with pytest.raises(UnknownModel):
            read(model=name)
