"""Names of tools in the form that a provider accepts, and the way back to the client's names."""

import re
from collections.abc import Mapping
from hashlib import sha256

from engine.chat import ChatRequest, Options

MOST_NAME_CHARS = 64
UNNAMED_TOOL = "tool"
"""The name of a tool that a call in the history does not name."""
PLAIN_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
GEMINI_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}")
_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_SUM_CHARS = 6


def safe_name(name: str, form: re.Pattern[str]) -> str:
    """Return the name if the provider accepts it, else a substitute. Different names get different substitutes."""
    if form.fullmatch(name):
        return name
    mark = sha256(name.encode(errors="replace")).hexdigest()[:_SUM_CHARS]
    safe = _UNSAFE.sub("_", name)[: MOST_NAME_CHARS - _SUM_CHARS - 2]
    return f"_{safe}_{mark}"


def replaced_names(options: Options, form: re.Pattern[str]) -> Mapping[str, str]:
    """Return the client's tool names by their substitutes; empty if no name had to be replaced."""
    return {safe_name(tool.name, form): tool.name for tool in options.tools if not form.fullmatch(tool.name)}


def used_names(request: ChatRequest) -> tuple[str, ...]:
    """Return the names of the tools that the history calls, in the order of their first calls."""
    calls = (call for message in request.messages for call in message.tool_calls)
    return tuple(dict.fromkeys(call.name or UNNAMED_TOOL for call in calls))
