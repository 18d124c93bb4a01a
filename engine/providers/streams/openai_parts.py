"""The parts of a delta or message in OpenAI's shape: text, refusal, reasoning and tool calls, in all known variants."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from engine.errors import Garbled
from engine.providers.streams.calls.signed_calls import signature_within
from engine.providers.streams.calls.streamed_call import CallPiece
from engine.providers.streams.calls.tool_calls import MOST_CALLS
from engine.providers.streams.listed import listed

MOST_PARTS = 10_000  # in one message: each takes a few microseconds
_REASONING = (
    *("reasoning_content", "reasoning", "reasoning_text", "thinking", "thinking_content", "thought", "thoughts"),
    "reasoning_summary",
)
_TEXTS = ("text", "content", "thinking", "summary", "reasoning", "value", "parts")
_IDS = ("id", "tool_use_id", "call_id", "tool_call_id")
_ARGUMENTS = ("arguments", "parameters", "input", "args")
_CALL_PARTS = frozenset({"tool_use", "tool_call", "function_call"})
_compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Parts(NamedTuple):
    """The texts of one delta. `hides_thinking`: the delta has reasoning in unreadable form."""

    text: str
    refusal: str
    thinking: str
    hides_thinking: bool


def parts_of(delta: Mapping[str, Any]) -> Parts:
    """Read a delta, whose content is a text or a list of parts. Raises Garbled for too many parts."""
    content, refusal = delta.get("content"), delta.get("refusal")
    content = delta.get("text") if content is None else content  # Snowflake
    thinking, hides_thinking = _reasoning(delta)
    if content is None or isinstance(content, str):
        return Parts(content or "", _text(refusal), thinking, hides_thinking)
    # some servers send a token of digits as a JSON number
    if isinstance(content, int | float) and not isinstance(content, bool):
        return Parts(json.dumps(content), _text(refusal), thinking, hides_thinking)
    texts: list[str] = []
    refusals, thoughts = [_text(refusal)], [thinking]
    for part in _list(content):
        kind = part.get("type") if isinstance(part, dict) else "text"
        if kind in {"thinking", "reasoning"}:
            thoughts.append(_text(part))
        elif kind == "refusal":
            refusals.append(_text(part.get("refusal")))
        elif kind in {"text", "output_text", None}:
            texts.append(_text(part))
    return Parts("".join(texts), "".join(refusals), "".join(thoughts), hides_thinking)


def _reasoning(delta: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the reasoning. Some servers send it in two fields; the first one is used."""
    for name in _REASONING:
        if (found := delta.get(name)) and (text := _text(found)):
            return text, False
    details = delta.get("reasoning_details") or delta.get("thinking_blocks")
    if not details:
        return "", False
    found_details = _list(details)
    is_hidden = any(isinstance(detail, dict) and detail.get("data") for detail in found_details)
    return "".join(_text(detail) for detail in found_details), is_hidden


def _text(found: Any, depth: int = 3) -> str:
    """Return the text of a part, which may be a text, a list of parts, or an object that contains one of them."""
    if isinstance(found, str):
        return found
    if depth and isinstance(found, list):
        return "".join(_text(each, depth - 1) for each in _list(found))
    if depth and isinstance(found, dict):
        return next((text for name in _TEXTS if (text := _text(found.get(name), depth - 1))), "")
    return ""


def _list(found: Any) -> Sequence[Any]:
    parts = found if isinstance(found, list) else [found]
    if len(parts) > MOST_PARTS:
        raise Garbled(f"over {MOST_PARTS} parts")
    return parts


def call_pieces(delta: Mapping[str, Any]) -> list[CallPiece]:
    """Return the pieces of tool calls, including a `function_call`, the older form. Raises Garbled."""
    calls = delta.get("tool_calls") or delta.get("tool_call")
    if not calls and delta.get("type") in _CALL_PARTS:  # Snowflake
        calls = [delta]
    if not calls:
        function = delta.get("function_call")
        if isinstance(function, dict) and function:
            return [_piece({"index": 0, "function": function})]
        calls = _calls_in(delta.get("content"))
    calls = listed(_parsed(calls) if isinstance(calls, str) else calls)
    if len(calls) > MOST_CALLS:
        raise Garbled(f"over {MOST_CALLS} tool calls")
    return [piece for piece in _pieces(calls) if piece.id or piece.name or piece.arguments]


def _parsed(calls: str) -> Any:
    """Return calls that a server sends as JSON within a text. Raises Garbled."""
    if not calls.strip():
        return []
    try:
        return json.loads(calls)
    except (ValueError, RecursionError) as error:
        raise Garbled("tool calls that are no JSON") from error


def _calls_in(content: Any) -> list[Any]:
    """Return the calls among the parts of a content: gateways to Claude leave them there."""
    if not isinstance(content, list):
        return []
    return [part for part in content if isinstance(part, dict) and part.get("type") in _CALL_PARTS]


def signatures_of(delta: Mapping[str, Any]) -> dict[str, str]:
    """Return the signatures of calls by call id: OpenRouter sends Gemini's as encrypted reasoning."""
    return {
        detail["id"]: detail["data"]
        for detail in _list(delta.get("reasoning_details") or [])
        if isinstance(detail, dict)
        and detail.get("type") == "reasoning.encrypted"
        and isinstance(detail.get("id"), str)
        and isinstance(detail.get("data"), str)
    }


def _pieces(calls: Sequence[Any]) -> Iterator[CallPiece]:
    return (_piece(call) for call in calls if isinstance(call, dict))


def _piece(call: Mapping[str, Any]) -> CallPiece:
    function = next((found for name in ("function", "custom") if isinstance(found := call.get(name), dict)), call)
    is_custom = function is call.get("custom")
    name, arguments = _name(function.get("name")), _arguments(function)
    if "{" in name and not arguments:  # arguments that a server took for a part of the name
        name, brace, rest = name.partition("{")
        arguments = brace + rest
    return CallPiece(
        _index(call.get("index")),
        next((id_ for field in _IDS if (id_ := _name(call.get(field)))), ""),
        name,
        arguments,
        signature_within(call),
        is_text=is_custom,
    )


def _index(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value[:6])
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _name(value: Any) -> str:
    """Return an id or a name as text; some servers send a number."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _arguments(function: Mapping[str, Any]) -> str:
    """Return the arguments of a call as JSON text.

    Some servers send the object itself, or name the field `parameters` as Llama does.
    """
    found = next((function[name] for name in _ARGUMENTS if function.get(name) is not None), None)
    if found is None:
        return ""
    return found if isinstance(found, str) else _compact_json(found)
