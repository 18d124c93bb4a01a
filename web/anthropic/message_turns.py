"""The system and the turns of POST /v1/messages, read block by block into messages."""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from engine.chat import Image, Message, Part, Role, Text, ToolCall
from engine.errors import BadRequest
from engine.thoughts import Thought, reasoning_fields
from web.anthropic.message_response import UNSIGNED
from web.openai.image_addresses import is_public
from web.pipeline.fields import Fields

_PICTURE = "image/jpeg"  # used until the type is read from the bytes
_OF_PROVIDER = frozenset(
    {
        *("server_tool_use", "mcp_tool_use", "mcp_tool_listing", "container_upload", "fallback"),
        *("tool_addition", "tool_removal"),
    }
)


def provider_blocks(messages: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the kinds of blocks that are left out: calls and results of tools that a provider itself ran."""
    return tuple(dict.fromkeys(_kinds_left_out(messages)))


def _kinds_left_out(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for message in messages:
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict) and _is_of_provider(block.get("type")):
                yield str(block["type"])


def _is_of_provider(kind: Any) -> bool:
    return isinstance(kind, str) and (kind in _OF_PROVIDER or kind.endswith("_tool_result"))


def system_messages(system: Any) -> tuple[Message, ...]:
    if system is None:
        return ()
    if isinstance(system, str):
        return (Message(Role.SYSTEM, (Text(system),)),) if system else ()
    parts = tuple(_text_part(part, f"system.{n}") for n, part in enumerate(_list_of_blocks(system, "system")))
    return (Message(Role.SYSTEM, parts),) if parts else ()


def turns_of(raw: Mapping[str, Any], where: str) -> list[Message]:
    """Return the messages of one turn; a user's turn with tool results becomes several."""
    role = Fields(raw, where).choice("role", ("user", "assistant", "system"))
    if role is None:
        raise BadRequest(f"{where}.role", "must be one of user, assistant")
    content = raw.get("content")
    if isinstance(content, str):
        return [Message(Role(role), (Text(content),))]
    blocks = _list_of_blocks(content, f"{where}.content")
    if role == "assistant":
        return [_assistant(blocks, f"{where}.content")]
    return _user(blocks, f"{where}.content", Role(role))


def _list_of_blocks(value: Any, where: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(block, dict) for block in value):
        raise BadRequest(where, "must be a string or a list of content blocks")
    return value


def _assistant(blocks: Sequence[Mapping[str, Any]], where: str) -> Message:
    parts: list[Part] = []
    calls: list[ToolCall] = []
    thoughts: list[Thought] = []
    for n, block in enumerate(blocks):
        kind, at = block.get("type"), f"{where}.{n}"
        fields = Fields(block, at)
        if kind == "tool_use":
            arguments = json.dumps(fields.object("input") or {}, ensure_ascii=False)
            calls.append(ToolCall(fields.text("id"), fields.text("name"), arguments))
        elif kind == "thinking":
            signature = fields.optional_text("signature") or ""
            thoughts.append(Thought(fields.optional_text("thinking") or "", "" if signature == UNSIGNED else signature))
        elif kind == "redacted_thinking":
            thoughts.append(Thought(redacted=fields.text("data")))
        elif not _is_of_provider(kind):
            parts.append(_part(block, at))
    return replace(Message(Role.ASSISTANT, tuple(parts), tuple(calls)), **reasoning_fields(thoughts))


def _user(blocks: Sequence[Mapping[str, Any]], where: str, role: Role) -> list[Message]:
    """Return tool results first, because they answer the turn before, and then the rest of the turn."""
    results: list[Message] = []
    parts: list[Part] = []
    for n, block in enumerate(blocks):
        at = f"{where}.{n}"
        if block.get("type") == "tool_result":
            results.append(_result(block, at))
        elif not _is_of_provider(block.get("type")):
            parts.append(_part(block, at))
    return [*results, Message(role, tuple(parts))] if parts or not results else results


def _result(block: Mapping[str, Any], where: str) -> Message:
    fields = Fields(block, where)
    parts = _result_parts(block.get("content"), f"{where}.content")
    failed = fields.boolean("is_error") or False
    return Message(Role.TOOL, parts, (), fields.text("tool_use_id"), is_error=failed)


def _result_parts(content: Any, where: str) -> tuple[Part, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    return tuple(_part(part, f"{where}.{n}") for n, part in enumerate(_list_of_blocks(content, where)))


def _part(block: Mapping[str, Any], where: str) -> Part:
    kind = block.get("type")
    if kind == "image":
        return _image(block, where)
    if kind == "document":
        return _document(block, where)
    if kind == "text":
        return _text_part(block, where)
    if kind == "search_result":
        return _search_result(block, where)
    if kind == "compaction":
        return Text(Fields(block, where).optional_text("content") or "", ends_prefix(block))
    if kind == "tool_reference":
        return Text(Fields(block, where).text("tool_name"), ends_prefix(block))
    raise BadRequest(f"{where}.type", "must be text, image, document, search_result, tool_use, tool_result or thinking")


def _text_part(block: Mapping[str, Any], where: str) -> Text:
    text = block.get("text")
    if block.get("type") != "text" or not isinstance(text, str):
        raise BadRequest(f"{where}.text", "must be a string in a block of type text")
    return Text(text, ends_cached_prefix=ends_prefix(block))


def _image(block: Mapping[str, Any], where: str) -> Image:
    source = Fields(block, where).object("source") or {}
    fields = Fields(source, f"{where}.source")
    kind = fields.text("type")
    if kind == "base64":
        media = fields.optional_text("media_type") or _PICTURE
        if not media.lower().startswith("image/"):
            raise BadRequest(f"{where}.source.media_type", "must be image/jpeg, image/png, image/gif or image/webp")
        return Image(f"data:{media};base64,{fields.text('data')}", ends_cached_prefix=ends_prefix(block))
    if kind == "url":
        url = fields.text("url")
        if not url.startswith(("https://", "http://")) or not is_public(url):
            raise BadRequest(f"{where}.source.url", "must be an address that the public internet can reach")
        return Image(url, ends_cached_prefix=ends_prefix(block))
    raise BadRequest(f"{where}.source.type", "must be base64 or url")


def _document(block: Mapping[str, Any], where: str) -> Text:
    """Return a document of plain text, with its title and context before it. Raises BadRequest for other documents."""
    fields = Fields(block, where)
    source = fields.object("source") or {}
    kind, inner = source.get("type"), Fields(source, f"{where}.source")
    if kind == "text":
        text = inner.text("data")
    elif kind == "content":
        content = source.get("content")
        text = content if isinstance(content, str) else _joined_texts(content, f"{where}.source.content")
    else:
        raise BadRequest(
            f"{where}.source.type", "must be base64, text or content: documents are not fetched or stored here"
        )
    heads = (fields.optional_text("title"), fields.optional_text("context"))
    return Text("\n".join([*filter(None, heads), text]), ends_cached_prefix=ends_prefix(block))


def _search_result(block: Mapping[str, Any], where: str) -> Text:
    """Return a search result as text, with its title and source before it."""
    fields = Fields(block, where)
    heads = (fields.optional_text("title"), fields.optional_text("source"))
    text = _joined_texts(block.get("content"), f"{where}.content")
    return Text("\n".join([*filter(None, heads), text]), ends_cached_prefix=ends_prefix(block))


def _joined_texts(content: Any, where: str) -> str:
    blocks = _list_of_blocks(content, where)
    return "\n".join(_text_part(block, f"{where}.{n}").text for n, block in enumerate(blocks))


def with_prefix_end(message: Message) -> Message:
    """Return the message with the end of the cached prefix on its last part: a request's own `cache_control`."""
    if not message.parts:
        return message
    last = dataclasses.replace(message.parts[-1], ends_cached_prefix=True)
    return replace(message, parts=(*message.parts[:-1], last))


def ends_prefix(block: Mapping[str, Any]) -> bool:
    return isinstance(block.get("cache_control"), dict)
