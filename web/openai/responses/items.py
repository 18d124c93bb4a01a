"""The items of POST /v1/responses, read into messages."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from engine.chat import Image, Message, Part, Role, Text, ToolCall
from engine.errors import BadRequest
from engine.thoughts import Thought, reasoning_fields
from web.openai.custom_tools import arguments_of
from web.openai.image_addresses import is_public
from web.openai.responses.client_tools import function_name, is_of_client, native_call, native_output
from web.openai.responses.item_settings import KINDS
from web.openai.responses.response_object import REDACTED_MARK, SIGNATURE_MARK
from web.pipeline.call_limits import MOST_CALLS
from web.pipeline.fields import Fields
from web.pipeline.part_count import MOST_PARTS, check_part_count

MOST_ITEMS = MOST_CALLS
"""Of one input: each item may be a tool call."""
_ROLES = {"system": Role.SYSTEM, "developer": Role.SYSTEM, "user": Role.USER, "assistant": Role.ASSISTANT}
_OF_PROVIDER = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "computer_call",
        "computer_call_output",
        "mcp_list_tools",
        "mcp_call",
        "mcp_approval_request",
        "mcp_approval_response",
        "compaction",
        "compaction_summary",
        "context_compaction",
        "program",
        "program_output",
    }
)
_SEARCHES = frozenset({"tool_search_call", "tool_search_output"})
_COMPACTED = "must not be compaction_trigger: conversations are not summarized here, so send a shorter input"
_SEALED = "encrypted_content"
_DETAILS = ("auto", "low", "high", "original")
_TEXTS = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}


def items_of(value: Any) -> list[dict[str, Any]]:
    """Return the input as a list of items; a text is one message. Raises BadRequest."""
    if isinstance(value, str):
        return [{"type": "message", "role": "user", "content": value}]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value) or not value:
        raise BadRequest("input", "must be a string or a list of items")
    if len(value) > MOST_ITEMS:
        raise BadRequest("input", f"must have at most {MOST_ITEMS:,} items")
    check_part_count(value, "input")
    return value


def references_of(items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ids of the items that are references to items of stored responses. Raises BadRequest."""
    places = [n for n, item in enumerate(items) if _is_reference(item)]
    return [Fields(items[n], f"input.{n}").text("id") for n in places]


def with_referenced(items: Sequence[dict[str, Any]], found: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the items with each reference replaced by the item of its id in `found`."""
    return [found[item["id"]] if _is_reference(item) else item for item in items]


def _is_reference(item: Mapping[str, Any]) -> bool:
    """Return whether an item is a reference; OpenAI allows leaving out its type."""
    return item.get("type") == "item_reference" or (item.get("type") is None and "id" in item and "role" not in item)


def provider_items(items: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the kinds of items that are left out: calls and results of tools that a provider itself ran."""
    return tuple(dict.fromkeys(str(item["type"]) for item in items if _is_of_provider(item)))


def _is_of_provider(item: Mapping[str, Any]) -> bool:
    kind = item.get("type")
    if not isinstance(kind, str):
        return False
    return kind in _OF_PROVIDER or (kind in _SEARCHES and not is_of_client(item))


def messages_of(items: Sequence[Mapping[str, Any]], before: int = 0) -> list[Message]:
    """Return the messages for a conversation's items; the first `before` are not of the request's own input.

    Reasoning, text and calls of one answer are separate items; they become one message of the assistant.
    """
    found: list[Message] = []
    thoughts: list[Thought] = []
    for n, item in enumerate(items, -before):
        if item.get("type") == "reasoning":
            thoughts += _thoughts(Fields(item, f"input.{n}"))
            continue
        if _is_of_provider(item) or str(item.get("type")) in KINDS:
            continue
        message = _message(item, f"input.{n}")
        if thoughts and message.role is Role.ASSISTANT:
            message = replace(message, **reasoning_fields(thoughts))
        thoughts.clear()
        if found and message.role is Role.ASSISTANT and _belong_together(found[-1], message):
            found[-1] = _joined(found[-1], message)
        else:
            found.append(message)
    return found


def _belong_together(before: Message, after: Message) -> bool:
    """Return whether the two belong to one answer: reasoning comes first, calls come last."""
    has_thoughts = after.thinking or after.thinking_signature or after.thoughts
    return before.role is Role.ASSISTANT and not has_thoughts and not (before.tool_calls and after.parts)


def _joined(before: Message, after: Message) -> Message:
    return replace(before, parts=(*before.parts, *after.parts), tool_calls=(*before.tool_calls, *after.tool_calls))


def _thoughts(fields: Fields) -> list[Thought]:
    """Return the reasoning in an item, from its content or its summary, with the signature that we had sent."""
    texts = _texts(fields, "content") or _texts(fields, "summary")
    sealed = fields.optional_text("encrypted_content") or ""
    if sealed.startswith(REDACTED_MARK):
        return [Thought(redacted=sealed.removeprefix(REDACTED_MARK))]
    signature = sealed.removeprefix(SIGNATURE_MARK) if sealed.startswith(SIGNATURE_MARK) else ""
    return [Thought("".join(texts), signature)] if texts or signature else []


def _texts(fields: Fields, name: str) -> list[str]:
    parts = fields.list_of_objects(name, most=1000)
    return [part["text"] for part in parts if isinstance(part.get("text"), str) and part["text"]]


def _message(item: Mapping[str, Any], where: str) -> Message:
    kind = "message" if item.get("type") is None else item["type"]
    fields = Fields(item, where)
    if kind == "message":
        return _said(item, where)
    if (native := native_call(item)) is not None:
        return Message(Role.ASSISTANT, (), (ToolCall(fields.text("call_id"), *native),))
    if (output := native_output(item)) is not None:
        call_id = fields.optional_text("call_id") or fields.text("id")
        return Message(Role.TOOL, (Text(output),), (), call_id)
    if kind in ("function_call", "custom_tool_call"):
        return Message(Role.ASSISTANT, (), (_call(fields, is_custom=kind == "custom_tool_call"),))
    if kind in ("function_call_output", "custom_tool_call_output"):
        return Message(Role.TOOL, _output(item.get("output"), f"{where}.output"), (), fields.text("call_id"))
    if kind == "agent_message":
        return _of_agent(item, where)
    if kind == "compaction_trigger":
        raise BadRequest(f"{where}.type", _COMPACTED)
    raise BadRequest(
        f"{where}.type",
        "must be message, reasoning, item_reference, or a call of a tool that the client runs or its output",
    )


def _call(fields: Fields, *, is_custom: bool) -> ToolCall:
    given = fields.optional_text("input" if is_custom else "arguments") or ""
    name = function_name(fields.text("name"), fields.optional_text("namespace"))
    return ToolCall(fields.text("call_id"), name, arguments_of(given) if is_custom else given or "{}")


def _said(item: Mapping[str, Any], where: str) -> Message:
    role = Fields(item, where).choice("role", tuple(_ROLES))
    if role is None:
        raise BadRequest(f"{where}.role", f"must be one of {', '.join(_ROLES)}")
    return Message(_ROLES[role], _parts(item.get("content"), f"{where}.content"))


def _of_agent(item: Mapping[str, Any], where: str) -> Message:
    """Return what another agent of the client said.

    Codex calls a text encrypted that comes from the arguments of a call, but only OpenAI encrypts those.
    """
    fields = Fields(item, where)
    head = Text(f"author: {fields.text('author')}\nrecipient: {fields.text('recipient')}\n")
    parts = [
        {"type": "input_text", "text": part.get(_SEALED)} if part.get("type") == _SEALED else part
        for part in fields.list_of_objects("content", most=MOST_PARTS)
    ]
    return Message(Role.USER, (head, *_parts(parts, f"{where}.content")))


def _output(value: Any, where: str) -> tuple[Part, ...]:
    if isinstance(value, dict):
        return (Text(json.dumps(value, ensure_ascii=False)),)
    return _parts(value, where)


def _parts(content: Any, where: str) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (Text(content),)
    if not isinstance(content, list):
        raise BadRequest(where, "must be a string or a list of parts")
    return tuple(_part(part, f"{where}.{n}") for n, part in enumerate(content))


def _part(raw: Any, where: str) -> Part:
    kind = raw.get("type") if isinstance(raw, dict) else None
    if isinstance(kind, str) and kind in _TEXTS:
        text = raw.get(_TEXTS[kind])
        if not isinstance(text, str):
            raise BadRequest(f"{where}.{_TEXTS[kind]}", "must be a string")
        return Text(text)
    if kind == "input_image":
        fields = Fields(raw, where)
        url = fields.text("image_url")
        if not url.startswith(("data:image/", "https://", "http://")):
            raise BadRequest(f"{where}.image_url", "must be a data:image/... or an https address")
        if not url.startswith("data:") and not is_public(url):
            raise BadRequest(f"{where}.image_url", "must be an address that the public internet can reach")
        detail = fields.choice("detail", _DETAILS) or "auto"
        return Image(url, "high" if detail == "original" else detail)
    raise BadRequest(f"{where}.type", "must be input_text, input_image, input_file or output_text")
