"""Names of tools in the form that a provider accepts, and the way back to the client's names."""

import re
from collections.abc import Mapping
from hashlib import sha256

from engine.chat import ChatRequest, Options

MOST_NAME_CHARS = 64
UNNAMED_TOOL = "tool"
"""The name that is used for a call in the history that has no tool name."""
PLAIN_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
GEMINI_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.-]{0,63}")
_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_SUM_CHARS = 6
_MOST_CALLED_CHARS = 200
_NUMBER = re.compile(r":\d+$")
_NAMESPACE = re.compile(r"^(?:functions?|default_api|tools?)[.:/]", re.IGNORECASE)
_AFTER_NAME = re.compile(r"[<{(\"'\s]")


def safe_name(name: str, form: re.Pattern[str]) -> str:
    """Return the name if the provider accepts it, else a substitute. Different names get different substitutes."""
    if form.fullmatch(name):
        return name
    mark = sha256(name.encode(errors="replace")).hexdigest()[:_SUM_CHARS]
    safe = _UNSAFE.sub("_", name)[: MOST_NAME_CHARS - _SUM_CHARS - 2]
    return f"_{safe}_{mark}"


def known_names(options: Options, form: re.Pattern[str]) -> Mapping[str, str]:
    """Return the client's tool names by the names that the provider gets, and by themselves."""
    return {name: tool.name for tool in options.tools for name in (tool.name, safe_name(tool.name, form))}


def clients_name(called: str, names: Mapping[str, str]) -> str:
    """Return the client's name of the tool that a model calls, `called` itself if `names` does not have it.

    Models write `functions.look` (GPT), `default_api:look` (Gemini), `look<|channel|>json` (gpt-oss), `look:0` (Kimi),
    `look</arg_key>` (GLM), and names with other letter case, or with blanks or quotation marks around.
    """
    if (own := names.get(called)) is not None:
        return own
    plain = _AFTER_NAME.split(called[:_MOST_CALLED_CHARS].strip(" \t\r\n\"'").removeprefix("print("), maxsplit=1)[0]
    for form in dict.fromkeys((plain, _NUMBER.sub("", plain), _NAMESPACE.sub("", _NUMBER.sub("", plain)))):
        if (own := names.get(form)) is not None:
            return own
        alike = {own for name, own in names.items() if name.lower() == form.lower()}
        if len(alike) == 1:
            return alike.pop()
    return called


def used_names(request: ChatRequest) -> tuple[str, ...]:
    """Return the names of the tools that the history calls, in the order of their first calls."""
    calls = (call for message in request.messages for call in message.tool_calls)
    return tuple(dict.fromkeys(call.name or UNNAMED_TOOL for call in calls))
