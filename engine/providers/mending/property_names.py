"""Names of properties in tools' schemas in the form that Claude accepts, and the way back to the client's names.

Claude refuses a tool with any other name: "Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'".
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from msgspec import structs

from engine.chat import ChatRequest, Message, Options
from engine.json_limits import MOST_DEPTH, parsed
from engine.providers.mending.tool_names import safe_name
from engine.providers.mending.tool_turns import arguments_object

PROPERTY_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")


def replaced_properties(options: Options) -> Mapping[str, str]:
    """Return the client's names of properties by those that stand for them; empty if Claude accepts all."""
    refused = {name for tool in options.tools for name in _names_in(tool.parameters, 0) if not _is_plain(name)}
    return {safe_name(name, PROPERTY_NAME): name for name in sorted(refused)}


def with_plain_properties(request: ChatRequest, replaced: Mapping[str, str]) -> ChatRequest:
    """Return the request with the names in `replaced` instead of the client's, in its tools and its history."""
    if not replaced:
        return request
    plain = {own: name for name, own in replaced.items()}
    tools = tuple(replace(tool, parameters=_renamed(tool.parameters, plain, 0)) for tool in request.options.tools)
    return structs.replace(
        request,
        messages=tuple(_with_plain_arguments(message, plain) for message in request.messages),
        options=structs.replace(request.options, tools=tools),
    )


def arguments_with(text: str, names: Mapping[str, str]) -> str:
    """Return a call's arguments with the properties renamed; unchanged if they are no JSON object."""
    try:
        found = parsed(text)
    except ValueError:
        return text
    return json.dumps(_values(found, names, 0), ensure_ascii=False, separators=(",", ":"))


def has_plain_properties(schema: Mapping[str, Any]) -> bool:
    """Return whether Claude accepts all names of properties in a schema."""
    return all(_is_plain(name) for name in _names_in(schema, 0))


def _is_plain(name: str) -> bool:
    return PROPERTY_NAME.fullmatch(name) is not None


def _names_in(schema: Any, depth: int) -> Iterator[str]:
    if depth > MOST_DEPTH:
        return
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from (name for name in properties if isinstance(name, str))
        for each in schema.values():
            yield from _names_in(each, depth + 1)
    elif isinstance(schema, list):
        for each in schema:
            yield from _names_in(each, depth + 1)


def _renamed(schema: Any, names: Mapping[str, str], depth: int) -> Any:
    """Return a schema with its properties renamed, also in its lists of required ones."""
    if depth > MOST_DEPTH:
        return schema
    if isinstance(schema, list):
        return [_renamed(each, names, depth + 1) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    found = {name: _renamed(each, names, depth + 1) for name, each in schema.items()}
    if isinstance(found.get("properties"), dict):
        found["properties"] = {names.get(name, name): each for name, each in found["properties"].items()}
    if isinstance(found.get("required"), list):
        found["required"] = [names.get(name, name) if isinstance(name, str) else name for name in found["required"]]
    return found


def _with_plain_arguments(message: Message, plain: Mapping[str, str]) -> Message:
    if not message.tool_calls:
        return message
    calls = (
        replace(call, arguments=json.dumps(_values(arguments_object(call.arguments), plain, 0)))
        for call in message.tool_calls
    )
    return structs.replace(message, tool_calls=tuple(calls))


def _values(found: Any, names: Mapping[str, str], depth: int) -> Any:
    if depth > MOST_DEPTH:
        return found
    if isinstance(found, list):
        return [_values(each, names, depth + 1) for each in found]
    if isinstance(found, dict):
        return {names.get(name, name): _values(each, names, depth + 1) for name, each in found.items()}
    return found
