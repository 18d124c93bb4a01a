"""The choice among tools that a request allows, for providers that have no list of allowed tools."""

from collections.abc import Mapping
from typing import Any

from engine.chat import Options, Tool


def allowed_names(options: Options) -> tuple[str, ...] | None:
    """Return the names of a list of allowed tools; None where every tool is allowed."""
    choice = options.tool_choice
    if not isinstance(choice, Mapping) or choice.get("type") != "allowed_tools":
        return None
    listed: Any = choice.get("allowed_tools")
    return tuple(each["function"]["name"] for each in listed["tools"])


def allowed_mode(options: Options) -> str | Mapping[str, Any] | None:
    """Return the choice of tools, where a list of allowed ones has become the mode of that list."""
    choice = options.tool_choice
    if isinstance(choice, Mapping) and choice.get("type") == "allowed_tools":
        listed: Any = choice.get("allowed_tools")
        return str(listed.get("mode") or "auto")
    return choice


def allowed_tools(options: Options) -> tuple[tuple[Tool, ...], str | Mapping[str, Any] | None]:
    """Return the tools without those that are not allowed, and the choice among them."""
    names = allowed_names(options)
    tools = options.tools if names is None else tuple(tool for tool in options.tools if tool.name in names)
    return tools, allowed_mode(options)


def forces_tool(options: Options) -> bool:
    """Return whether the model must call a tool."""
    choice = allowed_mode(options)
    return choice == "required" or isinstance(choice, Mapping)
