"""OpenAI's older form of tools, `functions` and `function_call`: read as tools, and answered in the older form."""

import json
from collections.abc import Mapping
from typing import Any

from engine.errors import BadRequest
from web.openai.chat_messages import MOST_CALLS
from web.openai.chat_request import tool_choice
from web.openai.chat_response import dumps
from web.pipeline.family import sse
from web.pipeline.fields import Fields

CALLED = "function_call"
_CHOICES = ("none", "auto")


def as_tools(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the request with its functions as tools; None if it has tools, or no functions.

    Raises BadRequest that names the wrong field.
    """
    fields = Fields(body)
    if body.get("functions") is None:
        _tool_choice(fields, set())
        return None
    functions = fields.list_of_objects("functions", least=1, most=MOST_CALLS)
    for number, function in enumerate(functions):
        described = Fields(function, f"functions.{number}")
        described.text("name")
        described.optional_text("description")
        described.object("parameters")
        described.boolean("strict")
    choice = _tool_choice(fields, {function["name"] for function in functions})
    fields.boolean("parallel_tool_calls")
    if fields.list_of_objects("tools", most=MOST_CALLS):
        return None
    tool_choice(fields, ())
    return {
        **body,
        "tools": [{"type": "function", "function": function} for function in functions],
        "tool_choice": choice,
        "parallel_tool_calls": False,  # an answer has at most one function_call
        "messages": _with_ids(body.get("messages")),
    }


def finish_of_call(body: Mapping[str, Any]) -> str:
    """Return the finish reason of an answer with a function call; as at OpenAI, `stop` if the request named it."""
    return "stop" if isinstance(body.get("function_call"), dict) else CALLED


def as_functions(answer: dict[str, Any], finish: str) -> dict[str, Any]:
    """Change an answer, or one chunk of it, in place: its tool call becomes `function_call`. Return it.

    `finish`: the finish reason of an answer with a call.
    """
    for choice in answer["choices"]:
        part = choice.get("message") or choice.get("delta") or {}
        calls = [call for call in part.pop("tool_calls", ()) if not call.get("index")]
        if calls:
            part["function_call"] = calls[0]["function"]
        if choice["finish_reason"] == "tool_calls":
            choice["finish_reason"] = finish
    return answer


def stream_as_functions(sent: bytes, finish: str) -> bytes:
    """Return the server-sent events of a stream with tool calls changed to `function_call`."""
    return b"".join([_event_as_functions(event, finish) for event in sent.decode().split("\n\n")[:-1]])


def _event_as_functions(event: str, finish: str) -> bytes:
    data = event.removeprefix("data: ")
    return sse(dumps(as_functions(json.loads(data), finish)) if data.startswith("{") else data)


def _tool_choice(fields: Fields, names: set[str]) -> Any:
    chosen = fields.text_or_object("function_call")
    if isinstance(chosen, dict):
        name = Fields(chosen, "function_call").text("name")
        if name not in names:
            raise BadRequest("function_call.name", "must be the name of one of the functions")
        return {"type": "function", "function": {"name": name}}
    if chosen is not None and chosen not in _CHOICES:
        raise BadRequest("function_call", f"must be one of {', '.join(_CHOICES)}, or a function")
    return chosen


def _with_ids(messages: Any) -> Any:
    """Return the messages with an id for each call and its result: functions have names but no ids."""
    if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
        return messages
    changed: list[dict[str, Any]] = []
    last: dict[str, str] = {}
    for number, message in enumerate(messages):
        call = message.get("function_call")
        name = str(message.get("name"))
        if isinstance(call, dict) and not message.get("tool_calls"):
            last[str(call.get("name"))] = f"call_{number}"
            calls = [{"id": f"call_{number}", "type": "function", "function": call}]
            changed.append({**message, "function_call": None, "tool_calls": calls})
        elif message.get("role") == "function" and name in last:
            changed.append({**message, "role": "tool", "tool_call_id": last[name]})
        else:
            changed.append(message)
    return changed
