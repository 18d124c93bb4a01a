"""The messages of a chat completion, read field by field."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from engine.chat import Image, Message, Part, Role, Text, ToolCall
from engine.errors import BadRequest
from engine.thoughts import Thought, reasoning_fields
from web.openai.custom_tools import KIND, arguments_of
from web.openai.image_addresses import is_public
from web.pipeline.fields import Fields

MOST_CALLS = 128
_IMAGE_DETAILS = ("auto", "low", "high", "original")
_DATA_URLS = ("data:image/", "data:application/octet-stream", "data:;")  # the type of a picture is read from its bytes
_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}


def chat_message(raw: Mapping[str, Any], where: str) -> Message:
    """Read one message. Raises BadRequest that names the wrong field."""
    fields = Fields(raw, where)
    role = _ROLES.get(str(raw.get("role")))
    if role is None:
        raise BadRequest(f"{where}.role", f"must be one of {', '.join(_ROLES)}")
    calls = _tool_calls(fields, where)
    content = raw.get("content")
    if content is None and not calls and role is not Role.ASSISTANT:
        raise BadRequest(f"{where}.content", "must be a string or a list of parts")
    parts = _parts(content, f"{where}.content")
    if ends_cached_prefix(raw) and parts:
        parts = (*parts[:-1], replace(parts[-1], ends_cached_prefix=True))
    call_id, name = fields.optional_text("tool_call_id") or "", fields.optional_text("name") or ""
    message = Message(role, parts, calls, call_id, name)
    thoughts = _thoughts(raw) if role is Role.ASSISTANT else ()
    return structs.replace(message, **reasoning_fields(thoughts)) if thoughts else message


def ends_cached_prefix(raw: Mapping[str, Any]) -> bool:
    """Return whether the client wants the prompt cached up to here, by Anthropic's `cache_control`.

    The cache's lifetime is always the shortest one, because longer ones cost more.
    """
    mark = raw.get("cache_control")
    return isinstance(mark, dict) and mark.get("type") == "ephemeral"


def _thoughts(raw: Mapping[str, Any]) -> list[Thought]:
    """Return the reasoning that the client sends back, with its signatures, in any of the known fields."""
    blocks = raw.get("thinking_blocks")
    found = [_thought(block) for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    if found:
        return found
    thinking = _text(raw.get("reasoning_content")) or _text(raw.get("reasoning"))
    signature = _text(raw.get("reasoning_signature"))
    return [Thought(thinking, signature)] if thinking or signature else []


def _thought(block: Mapping[str, Any]) -> Thought:
    return Thought(_text(block.get("thinking")), _text(block.get("signature")), _text(block.get("data")))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _parts(content: Any, where: str) -> tuple[Part, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise BadRequest(where, "must be a string or a list of parts")
    return tuple(_part(part, f"{where}.{n}") for n, part in enumerate(content))


def _part(raw: Any, where: str) -> Part:
    kind = raw.get("type") if isinstance(raw, dict) else None
    if kind in ("text", "refusal"):
        text = raw.get(kind)
        if not isinstance(text, str):
            raise BadRequest(f"{where}.{kind}", "must be a string")
        return Text(text, ends_cached_prefix(raw))
    if kind == "image_url":
        return replace(_image(raw.get("image_url"), f"{where}.image_url"), ends_cached_prefix=ends_cached_prefix(raw))
    raise BadRequest(f"{where}.type", "must be text, image_url or file")


def _image(raw: Any, where: str) -> Image:
    image = raw if isinstance(raw, dict) else {"url": raw}
    url = _text(image.get("url"))
    start = url[:40].lower()
    if not start.startswith((*_DATA_URLS, "https://", "http://")):
        raise BadRequest(where, "must be a data:image/... or an https address")
    if not start.startswith("data:") and not is_public(url):
        raise BadRequest(where, "must be an address that the public internet can reach")
    detail = Fields(image, where).choice("detail", _IMAGE_DETAILS) or "auto"
    return Image(url, "high" if detail == "original" else detail)


def _tool_calls(fields: Fields, where: str) -> tuple[ToolCall, ...]:
    """Return the calls of a message, including one in the older form `function_call`."""
    listed = fields.list_of_objects("tool_calls", most=MOST_CALLS)
    calls = [_tool_call(call, f"{where}.tool_calls.{n}") for n, call in enumerate(listed)]
    old = fields.object("function_call")
    if old and not calls:
        calls = [ToolCall("", _text(old.get("name")), _arguments(old.get("arguments")))]
    return tuple(calls)


def _tool_call(raw: Mapping[str, Any], where: str) -> ToolCall:
    if raw.get("type") == KIND:
        return _custom_call(Fields(raw, where), where)
    function = raw.get("function")
    if not isinstance(function, dict):
        raise BadRequest(f"{where}.function", "must be an object")
    signature = _first_text(
        (raw, ("extra_content", "google", "thought_signature")),
        (function, ("extra_content", "google", "thought_signature")),
        (raw, ("provider_specific_fields", "thought_signature")),
        (function, ("provider_specific_fields", "thought_signature")),
    )
    call_id, name = Fields(raw, where).optional_text("id"), Fields(function, f"{where}.function").optional_text("name")
    return ToolCall(call_id or "", name or "", _arguments(function.get("arguments")), signature)


def _custom_call(fields: Fields, where: str) -> ToolCall:
    custom = Fields(fields.object(KIND) or {}, f"{where}.custom")
    given = arguments_of(custom.optional_text("input") or "")
    return ToolCall(fields.optional_text("id") or "", custom.text("name"), given)


def _arguments(value: Any) -> str:
    """Return a call's arguments as JSON text; some clients send the object itself."""
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _first_text(*places: tuple[Mapping[str, Any], Sequence[str]]) -> str:
    """Return the first text found; each place is an object with a path in it."""
    for found, path in places:
        value: Any = found
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            return value
    return ""
