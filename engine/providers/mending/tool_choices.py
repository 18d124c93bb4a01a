"""Which of a request's tools may be called, for providers that accept no list of allowed tools."""

from collections.abc import Mapping
from typing import Any

from engine.chat import Options, Tool
from engine.errors import CapabilityMissing


def allowed_names(options: Options) -> tuple[str, ...] | None:
    """Return the names in a list of allowed tools; None if every tool is allowed."""
    choice = options.tool_choice
    if not isinstance(choice, Mapping) or choice.get("type") != "allowed_tools":
        return None
    listed: Any = choice.get("allowed_tools")
    return tuple(each["function"]["name"] for each in listed["tools"])


def allowed_mode(options: Options) -> str | Mapping[str, Any] | None:
    """Return the choice of tools. If it is a list of allowed ones, return the mode of that list."""
    choice = options.tool_choice
    if isinstance(choice, Mapping) and choice.get("type") == "allowed_tools":
        listed: Any = choice.get("allowed_tools")
        return str(listed.get("mode") or "auto")
    return choice


def distinct_tools(options: Options, most: int = 0) -> tuple[Tool, ...]:
    """Return the tools without duplicate names, which providers refuse.

    Some clients declare a tool again for each server that offers it. Raises CapabilityMissing for more than `most`
    tools; 0: no limit.
    """
    found: dict[str, Tool] = {}
    for tool in options.tools:
        found.setdefault(tool.name, tool)
    if 0 < most < len(found):
        raise CapabilityMissing(f"takes at most {most} tools")
    return tuple(found.values())


def allowed_tools(options: Options, most: int = 0) -> tuple[tuple[Tool, ...], str | Mapping[str, Any] | None]:
    """Return the tools that are allowed, and the choice among them."""
    names, tools = allowed_names(options), distinct_tools(options)
    tools = tools if names is None else tuple(tool for tool in tools if tool.name in names)
    if 0 < most < len(tools):
        raise CapabilityMissing(f"takes at most {most} tools")
    return tools, allowed_mode(options)


def forces_tool(options: Options) -> bool:
    """Return whether the model must call a tool."""
    choice = allowed_mode(options)
    return choice == "required" or isinstance(choice, Mapping)
