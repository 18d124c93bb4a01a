"""The body of POST /v1/messages, read field by field into a ChatRequest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.catalog.model_names import MOST_NAME_CHARS
from engine.chat import ChatRequest, Image, Message, Options, Part, Role, Text, Tool, ToolCall
from engine.errors import BadRequest, UnknownModel
from engine.thoughts import Thought, reasoning_fields
from web.openai.image_addresses import is_public
from web.pipeline.fields import Fields
from web.pipeline.hosted_tools import clients_tools, hosted_tools
from web.pipeline.unserved import Unserved, unserved_fields

MOST_MESSAGES, MOST_STOPS, MOST_TOOLS = 100_000, 64, 512
_UNSERVED: Unserved = {
    "top_k": (),
    "container": (),
    "mcp_servers": (),
    "context_management": (),
    "service_tier": ("auto", "standard_only"),
    "inference_geo": (),
    "speed": ("standard",),
}
_TOOL_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_CLIENTS_KINDS = (None, "custom")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_LOW_BUDGET_TOKENS, _MEDIUM_BUDGET_TOKENS = 4096, 16_384  # thinking budgets up to these are this effort
_MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")


def message_request(body: Mapping[str, Any], *, id: str, key_id: int | None, needs_limit: bool = True) -> ChatRequest:  # noqa: A002
    """Read a request; unknown fields are ignored. Raises BadRequest that names the wrong field, and UnknownModel.

    `needs_limit`: max_tokens is required, as it is but for counting.
    """
    fields = Fields(body)
    messages = fields.list_of_objects("messages", least=1, most=MOST_MESSAGES)
    limit = fields.integer("max_tokens", 1, 10**7)
    if limit is None and needs_limit:
        raise BadRequest("max_tokens", "must be a whole number from 1 to 10000000")
    turns = [turn for n, raw in enumerate(messages) for turn in _turns(raw, f"messages.{n}")]
    return ChatRequest(
        id=id,
        model=_model(fields),
        messages=(*_system(body.get("system")), *turns),
        max_output_tokens=limit,
        options=_options(fields),
        key_id=key_id,
    )


def ignored_fields(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of the request that no offer takes."""
    tools = Fields(body).list_of_objects("tools", most=MOST_TOOLS)
    return unserved_fields(body, _UNSERVED) + hosted_tools(tools, _CLIENTS_KINDS)


def _model(fields: Fields) -> str:
    name = fields.text("model")
    if len(name) > MOST_NAME_CHARS or not name.isprintable():
        raise UnknownModel(name[:MOST_NAME_CHARS])
    return name


def _options(fields: Fields) -> Options:
    given = fields.list_of_objects("tools", most=MOST_TOOLS)
    hosted_tools(given, _CLIENTS_KINDS)  # raises BadRequest for a wrong kind
    tools = tuple(_tool(tool, where) for where, tool in clients_tools(given, _CLIENTS_KINDS))
    choice, parallel = _tool_choice(fields, tools)
    return Options(
        temperature=fields.number("temperature", 0, 1),
        top_p=fields.number("top_p", 0, 1),
        stop=fields.texts("stop_sequences", MOST_STOPS),
        tools=tools,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        response_format=_response_format(fields),
        reasoning_effort=_effort(fields),
    )


def _tool(raw: Mapping[str, Any], where: str) -> Tool:
    fields = Fields(raw, where)
    return Tool(
        fields.text("name"),
        fields.optional_text("description") or "",
        fields.object("input_schema") or {},
        fields.boolean("strict"),
        ends_cached_prefix=_ends_prefix(raw),
    )


def _tool_choice(fields: Fields, tools: Sequence[Tool]) -> tuple[str | Mapping[str, Any] | None, bool | None]:
    """Return OpenAI's form of the choice, and of whether calls may be parallel."""
    choice = fields.object("tool_choice")
    if choice is None:
        return None, None
    inner = Fields(choice, "tool_choice")
    parallel = False if inner.boolean("disable_parallel_tool_use") else None
    kind = inner.text("type")
    if kind != "tool":
        inner.choice("type", (*_TOOL_CHOICES, "tool"))
        return _TOOL_CHOICES[kind], parallel
    name = inner.text("name")
    if all(tool.name != name for tool in tools):
        raise BadRequest("tool_choice.name", "must be the name of one of the tools")
    return {"type": "function", "function": {"name": name}}, parallel


def _response_format(fields: Fields) -> Mapping[str, Any] | None:
    """Return OpenAI's form of a JSON schema for the answer: of `output_config.format`, once `output_format`."""
    config = fields.object("output_config") or {}
    for holder, name, where in ((config, "format", "output_config"), (None, "output_format", "")):
        chosen = Fields(config, where).object(name) if holder is not None else fields.object(name)
        if chosen is not None:
            inner = Fields(chosen, f"{where}.{name}".lstrip("."))
            inner.needed_choice("type", ("json_schema",))
            schema = inner.object("schema")
            if schema is None:
                raise BadRequest(f"{where}.{name}.schema".lstrip("."), "must be an object")
            return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
    return None


def _effort(fields: Fields) -> str | None:
    """Return the effort of thinking that is asked for; None where thinking is off or not mentioned."""
    given = fields.object("thinking")
    thinking = Fields(given or {}, "thinking")
    kind = None if given is None else thinking.needed_choice("type", ("enabled", "disabled", "adaptive"))
    effort = Fields(fields.object("output_config") or {}, "output_config").choice("effort", _EFFORTS)
    if kind == "enabled":
        budget = thinking.integer("budget_tokens", 1, 10**7)
        if budget is None:
            raise BadRequest("thinking.budget_tokens", "must be a whole number from 1 to 10000000")
        return "low" if budget <= _LOW_BUDGET_TOKENS else "medium" if budget <= _MEDIUM_BUDGET_TOKENS else "high"
    if kind == "adaptive":
        return effort or "medium"
    return None if kind == "disabled" else effort


def _system(system: Any) -> tuple[Message, ...]:
    if system is None:
        return ()
    if isinstance(system, str):
        return (Message(Role.SYSTEM, (Text(system),)),) if system else ()
    parts = tuple(_text_part(part, f"system.{n}") for n, part in enumerate(_list_of_blocks(system, "system")))
    return (Message(Role.SYSTEM, parts),) if parts else ()


def _turns(raw: Mapping[str, Any], where: str) -> list[Message]:
    """Return the messages of one turn: a user's turn with tool results is several."""
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
            text, signature = fields.optional_text("thinking") or "", fields.optional_text("signature") or ""
            thoughts.append(Thought(text, signature))
        elif kind == "redacted_thinking":
            thoughts.append(Thought(redacted=fields.text("data")))
        else:
            parts.append(_part(block, at))
    return replace(Message(Role.ASSISTANT, tuple(parts), tuple(calls)), **reasoning_fields(thoughts))


def _user(blocks: Sequence[Mapping[str, Any]], where: str, role: Role) -> list[Message]:
    """Return tool results, which answer the turn before, and then the rest of the turn."""
    results: list[Message] = []
    parts: list[Part] = []
    for n, block in enumerate(blocks):
        at = f"{where}.{n}"
        if block.get("type") == "tool_result":
            results.append(_result(block, at))
        else:
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
    raise BadRequest(f"{where}.type", "must be text, image, document, tool_use, tool_result or thinking")


def _text_part(block: Mapping[str, Any], where: str) -> Text:
    text = block.get("text")
    if block.get("type") != "text" or not isinstance(text, str):
        raise BadRequest(f"{where}.text", "must be a string in a block of type text")
    return Text(text, ends_cached_prefix=_ends_prefix(block))


def _image(block: Mapping[str, Any], where: str) -> Image:
    source = Fields(block, where).object("source") or {}
    fields = Fields(source, f"{where}.source")
    kind = fields.text("type")
    if kind == "base64":
        media = fields.choice("media_type", _MEDIA_TYPES) or _MEDIA_TYPES[0]
        return Image(f"data:{media};base64,{fields.text('data')}", ends_cached_prefix=_ends_prefix(block))
    if kind == "url":
        url = fields.text("url")
        if not url.startswith(("https://", "http://")) or not is_public(url):
            raise BadRequest(f"{where}.source.url", "must be an address that the public internet can reach")
        return Image(url, ends_cached_prefix=_ends_prefix(block))
    raise BadRequest(f"{where}.source.type", "must be base64 or url")


def _document(block: Mapping[str, Any], where: str) -> Text:
    """Return a document of plain text. Raises BadRequest for other ones."""
    source = Fields(block, where).object("source") or {}
    if source.get("type") != "text":
        raise BadRequest(f"{where}.source.type", "must be text: other documents are not taken, send them as pictures")
    return Text(Fields(source, f"{where}.source").text("data"), ends_cached_prefix=_ends_prefix(block))


def _ends_prefix(block: Mapping[str, Any]) -> bool:
    return isinstance(block.get("cache_control"), dict)
