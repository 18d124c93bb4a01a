"""Checks of OpenAI's messages and tools, as most compatible servers make them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sandbox.providers.refusals import Refusal, StandInRefused

MOST_ID_CHARS, MOST_STOPS = 40, 4
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PERSON_NAME = re.compile(r"[^\s<|\\/>]{1,64}")
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}|https?://\S+")
_TOP_LEVEL = ("oneOf", "anyOf", "allOf", "enum", "not")


def check_request(body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], most_stops: int = MOST_STOPS) -> None:
    """Raise StandInRefused for the first fault in the messages, the tools or the stop sequences."""
    for refusal in (*_of_messages(messages), *_of_order(messages), *_of_tools(body), *_of_options(body, most_stops)):
        raise StandInRefused(refusal)


def wrong(message: str, param: str, code: str | None = None) -> Refusal:
    return Refusal(400, message, code=code, param=param)


def _of_messages(messages: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    for number, message in enumerate(messages):
        where, content = f"messages[{number}]", message.get("content")
        if content is None and not message.get("tool_calls"):
            yield wrong(f"Invalid value for 'content': expected a string, got null. ({where})", where, "invalid_type")
        if content == []:
            yield wrong(f"Invalid '{where}.content': empty array.", f"{where}.content", "empty_array")
        if message.get("name") is not None and not _PERSON_NAME.fullmatch(str(message["name"])):
            yield wrong(f"Invalid '{where}.name': string does not match pattern.", f"{where}.name", "invalid_value")
        for part in content if isinstance(content, list) else ():
            if part.get("type") == "image_url" and message["role"] != "user":
                yield wrong(f"Invalid '{where}'. Image URLs are only allowed for messages with role 'user'.", where)
            if part.get("type") == "image_url" and not _PICTURE.fullmatch(str((part["image_url"] or {}).get("url"))):
                yield wrong("You uploaded an unsupported image.", where, "invalid_image_format")
        for place, call in enumerate(message.get("tool_calls") or ()):
            yield from _of_call(call, f"{where}.tool_calls[{place}]")


def _of_call(call: Mapping[str, Any], where: str) -> Iterator[Refusal]:
    function = call.get("function") or {}
    if not isinstance(call.get("id"), str) or not 0 < len(call["id"]) <= MOST_ID_CHARS:
        yield wrong(f"Invalid '{where}.id': string too long.", f"{where}.id", "string_above_max_length")
    if not isinstance(function.get("arguments"), str):
        yield wrong(f"Invalid type for '{where}.function.arguments': expected a string.", where, "invalid_type")
    if not _TOOL_NAME.fullmatch(str(function.get("name"))):
        yield wrong(f"Invalid '{where}.function.name': string does not match pattern.", where, "invalid_value")


def _of_order(messages: Sequence[Mapping[str, Any]]) -> Iterator[Refusal]:
    """Yield the faults of calls and results: results must follow their calls directly, one for each."""
    waiting: list[str] = []
    for message in [*messages, {"role": "end"}]:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in waiting:
                text = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                yield wrong(f"Invalid parameter: {text}", "messages")
            else:
                waiting.remove(str(message["tool_call_id"]))
            continue
        if waiting:
            text = "An assistant message with 'tool_calls' must be followed by tool messages responding to each"
            left = ", ".join(waiting)
            missing = f"'tool_call_id'. The following tool_call_ids did not have response messages: {left}"
            yield wrong(f"{text} {missing}", "messages")
        waiting = [str(call.get("id")) for call in message.get("tool_calls") or ()]
        if len(set(waiting)) < len(waiting):
            yield wrong("Duplicate value for 'tool_call_id'.", "messages")


def _of_tools(body: Mapping[str, Any]) -> Iterator[Refusal]:
    tools = body.get("tools")
    for name in ("tool_choice", "parallel_tool_calls"):
        if name in body and not tools:
            yield wrong(f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", name)
    for number, tool in enumerate(tools or ()):
        function = tool.get("function") or {}
        where = f"tools[{number}].function"
        if not _TOOL_NAME.fullmatch(str(function.get("name", "f"))):
            yield wrong(f"Invalid '{where}.name': string does not match pattern.", f"{where}.name", "invalid_value")
        schema = function.get("parameters", {"type": "object"})
        if schema.get("type") != "object" or any(name in schema for name in _TOP_LEVEL):
            text = "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
            yield wrong(f"Invalid schema for function: {text}", f"{where}.parameters", "invalid_function_parameters")


def _of_options(body: Mapping[str, Any], most_stops: int) -> Iterator[Refusal]:
    stops = body.get("stop")
    if isinstance(stops, list) and len(stops) > most_stops:
        yield wrong("Invalid 'stop': array too long.", "stop", "array_above_max_length")
    form = body.get("response_format") or {}
    if isinstance(form, dict) and form.get("type") == "json_schema" and not (form.get("json_schema") or {}).get("name"):
        yield wrong("Missing required parameter: 'response_format.json_schema.name'.", "response_format.json_schema")
