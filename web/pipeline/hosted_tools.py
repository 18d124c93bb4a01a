"""Tools that a provider itself runs, such as a web search.

They are never sent, because tokens don't cover their bill.
"""

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

from engine.errors import BadRequest

_KIND = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def clients_tools(tools: Sequence[Mapping[str, Any]], kinds: Container[Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the tools that the client runs, which are of these `kinds`, with their paths."""
    return [(f"tools.{n}", tool) for n, tool in enumerate(tools) if tool.get("type") in kinds]


def hosted_tools(tools: Sequence[Mapping[str, Any]], kinds: Container[Any]) -> tuple[str, ...]:
    """Return the names of the other tools for `ignored`, such as `tools.web_search`.

    Raises BadRequest for a wrong kind.
    """
    found: list[str] = []
    for n, tool in enumerate(tools):
        kind = tool.get("type")
        if kind in kinds:
            continue
        if not isinstance(kind, str) or not _KIND.fullmatch(kind):
            raise BadRequest(f"tools.{n}.type", "must be the kind of a tool")
        found.append(f"tools.{kind}")
    return tuple(dict.fromkeys(found))
