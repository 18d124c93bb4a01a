"""Anthropic's tools that the client runs: functions for every model."""

from typing import Any

import pytest

from engine.errors import BadRequest
from tests.web.anthropic.test_message_request import read
from web.anthropic.client_tools import is_client_tool

TOOLS: list[dict[str, Any]] = [
    {"type": "bash_20250124", "name": "bash"},
    {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool", "max_characters": 100},
    {"type": "text_editor_20250124", "name": "str_replace_editor"},
    {"type": "memory_20250818", "name": "memory"},
    {"type": "computer_20250124", "name": "computer", "display_width_px": 1024, "display_height_px": 768},
]


@pytest.mark.parametrize("raw", TOOLS, ids=lambda raw: raw["type"])
def test_tool_becomes_a_function_of_its_name(raw: dict[str, Any]) -> None:
    [tool] = read(tools=[{**raw, "cache_control": {"type": "ephemeral"}}]).options.tools
    assert tool.name == raw["name"]
    assert tool.description
    assert tool.ends_cached_prefix
    properties: Any = tool.parameters["properties"]
    assert {"command", "action"} & set(properties)
    assert set(tool.parameters["required"]) <= set(properties)  # type: ignore[call-overload]


def test_size_of_the_screen_is_in_the_description() -> None:
    [tool] = read(tools=[TOOLS[4]]).options.tools
    assert "1024 x 768" in tool.description


def test_tool_may_be_forced_by_its_name() -> None:
    chosen = read(tools=TOOLS, tool_choice={"type": "tool", "name": "bash"}).options.tool_choice
    assert chosen == {"type": "function", "function": {"name": "bash"}}


def test_tool_without_a_name_is_a_bad_request() -> None:
    with pytest.raises(BadRequest) as refused:
        read(tools=[{"type": "bash_20250124"}])
    assert refused.value.field == "tools.0.name"


@pytest.mark.parametrize("kind", [None, "custom", "web_search_20250305", "code_execution_20250825", "bash", 7])
def test_other_tools_are_none_of_them(kind: Any) -> None:
    assert not is_client_tool({"type": kind})
