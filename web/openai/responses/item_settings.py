"""Settings in the items of an input: tools that they add, and changes of the effort or the form of the answer.

Codex sends its tools in an item of type additional_tools, and the tools that a search found in a tool_search_output.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.errors import BadRequest
from web.openai.responses import client_tools
from web.openai.responses.client_tools import MOST_TOOLS, NAMESPACE
from web.pipeline.fields import Fields

_ADDING = frozenset({"additional_tools", f"{client_tools.TOOL_SEARCH}_output"})
_UPDATE = "configuration_update"
KINDS = frozenset({"additional_tools", _UPDATE})
"""The kinds of items that are settings alone: they are no part of the conversation."""


def with_item_settings(
    body: Mapping[str, Any], items: Sequence[Mapping[str, Any]], before: int = 0
) -> Mapping[str, Any]:
    """Return the request with the settings of its conversation's items, of which the last ones count.

    The first `before` items are not of the request's own input. Raises BadRequest for a wrong setting.
    """
    found = dict(body)
    added = [tool for tools in _added(items, before) for tool in tools]
    if added:
        found["tools"] = _merged(Fields(body).list_of_objects("tools", most=MOST_TOOLS), added)
        if len(found["tools"]) > MOST_TOOLS:
            raise BadRequest("input", f"must add no more tools than {MOST_TOOLS} in all")
    for n, item in enumerate(items):
        if item.get("type") == _UPDATE:
            fields = Fields(item, f"input.{n - before}")
            for name in ("reasoning", "text"):
                changed = fields.object(name) or {}
                found[name] = {**(Fields(found).object(name) or {}), **changed} if changed else found.get(name)
    return found


def _added(items: Sequence[Mapping[str, Any]], before: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the tools that each item adds. Raises BadRequest for a wrong tool."""
    for n, item in enumerate(items):
        if str(item.get("type")) in _ADDING:
            where = f"input.{n - before}"
            tools = Fields(item, where).list_of_objects("tools", most=MOST_TOOLS)
            client_tools.tools_of(tools, f"{where}.tools")  # raises BadRequest
            yield tools


def _merged(tools: Sequence[dict[str, Any]], added: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tools with further ones; a later tool replaces an earlier one of its name."""
    found = list(tools)
    places = {_key(tool): place for place, tool in reversed(list(enumerate(found)))}
    for tool in added:
        place = places.setdefault(_key(tool), len(found))
        if place == len(found):
            found.append(tool)
        elif tool["type"] == NAMESPACE:
            found[place] = {**tool, "tools": _merged(found[place]["tools"], tool["tools"])}
        else:
            found[place] = tool
    return found


def _key(tool: Mapping[str, Any]) -> tuple[bool, str]:
    return tool.get("type") == NAMESPACE, str(tool.get("name") or tool.get("type"))
