"""The body of POST /v1/chat/completions, read field by field into a ChatRequest."""

from collections.abc import Mapping
from typing import Any

from engine.catalog.model_names import MOST_NAME_CHARS
from engine.chat import ChatRequest, Image, Message, Options, Part, Role, Text, Tool, ToolCall
from engine.errors import BadRequest, UnknownModel
from web.openai.image_addresses import is_public
from web.pipeline.fields import Fields

MOST_MESSAGES, MOST_CHOICES, MOST_STOPS, MOST_TOOLS = 4000, 8, 4, 128
_TOOL_CHOICES = ("none", "auto", "required")
_REASONING_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_IMAGE_DETAILS = ("auto", "low", "high")
_RESPONSE_FORMATS = ("text", "json_object", "json_schema")
_ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}


def chat_request(body: Mapping[str, Any], *, id: str, key_id: int | None = None) -> ChatRequest:  # noqa: A002
    """Read a request; unknown fields are ignored. Raises BadRequest that names the wrong field."""
    fields = Fields(body)
    messages = fields.list_of_objects("messages", least=1, most=MOST_MESSAGES)
    limit = fields.integer("max_completion_tokens", 1, 10**7) or fields.integer("max_tokens", 1, 10**7)
    return ChatRequest(
        id=id,
        model=_model(fields),
        messages=tuple(_message(message, f"messages.{n}") for n, message in enumerate(messages)),
        max_output_tokens=limit,
        n=fields.integer("n", 1, MOST_CHOICES) or 1,
        options=_options(fields),
        key_id=key_id,
    )


def _model(fields: Fields) -> str:
    """Return the model's name. It is journaled, so it must be short and printable. Raises UnknownModel."""
    name = fields.text("model")
    if len(name) > MOST_NAME_CHARS or not name.isprintable():
        raise UnknownModel(name[:MOST_NAME_CHARS])
    return name


def wants_stream(body: Mapping[str, Any]) -> bool:
    return Fields(body).boolean("stream") or False


def wants_usage(body: Mapping[str, Any]) -> bool:
    options = Fields(body).object("stream_options")
    return bool(options and options.get("include_usage"))


def _options(fields: Fields) -> Options:
    tools = tuple(_tool(tool, f"tools.{n}") for n, tool in enumerate(fields.list_of_objects("tools", most=MOST_TOOLS)))
    return Options(
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        stop=fields.text_or_list("stop", MOST_STOPS),
        seed=fields.integer("seed", -(2**63), 2**63),
        frequency_penalty=fields.number("frequency_penalty", -2, 2),
        presence_penalty=fields.number("presence_penalty", -2, 2),
        tools=tools,
        tool_choice=_tool_choice(fields, tools),
        parallel_tool_calls=fields.boolean("parallel_tool_calls"),
        response_format=_response_format(fields),
        reasoning_effort=fields.choice("reasoning_effort", _REASONING_EFFORTS),
        logprobs=fields.boolean("logprobs"),
        top_logprobs=fields.integer("top_logprobs", 0, 20),
        logit_bias=fields.object("logit_bias"),
    )


def _tool_choice(fields: Fields, tools: tuple[Tool, ...]) -> str | Mapping[str, Any] | None:
    choice = fields.text_or_object("tool_choice")
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _TOOL_CHOICES:
            raise BadRequest("tool_choice", f"must be one of {', '.join(_TOOL_CHOICES)}, or a function")
        return choice
    inner = Fields(choice, "tool_choice")
    inner.choice("type", ("function",))
    name = Fields(inner.object("function") or {}, "tool_choice.function").text("name")
    if all(tool.name != name for tool in tools):
        raise BadRequest("tool_choice.function.name", "must be the name of one of the tools")
    return {"type": "function", "function": {"name": name}}


def _response_format(fields: Fields) -> Mapping[str, Any] | None:
    chosen = fields.object("response_format")
    if chosen is None:
        return None
    inner = Fields(chosen, "response_format")
    if inner.text("type") not in _RESPONSE_FORMATS:
        raise BadRequest("response_format.type", f"must be one of {', '.join(_RESPONSE_FORMATS)}")
    schema = inner.object("json_schema") if chosen["type"] == "json_schema" else {}
    if schema is None:
        raise BadRequest("response_format.json_schema", "must be an object")
    described = Fields(schema, "response_format.json_schema")
    described.object("schema")
    described.boolean("strict")
    return chosen


def _message(raw: Mapping[str, Any], where: str) -> Message:
    fields = Fields(raw, where)
    role = _ROLES.get(str(raw.get("role")))
    if role is None:
        raise BadRequest(f"{where}.role", f"must be one of {', '.join(_ROLES)}")
    calls = tuple(
        _tool_call(call, f"{where}.tool_calls.{n}")
        for n, call in enumerate(fields.list_of_objects("tool_calls", most=MOST_TOOLS))
    )
    content = raw.get("content")
    if content is None and not calls and role is not Role.ASSISTANT:
        raise BadRequest(f"{where}.content", "must be a string or a list of parts")
    return Message(
        role,
        _parts(content, f"{where}.content"),
        calls,
        str(raw.get("tool_call_id") or ""),
        str(raw.get("name") or ""),
    )


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
        return Text(text)
    if kind == "image_url":
        image = raw.get("image_url")
        image = image if isinstance(image, dict) else {"url": image}
        url = image.get("url")
        if not isinstance(url, str) or not url.startswith(("data:image/", "https://", "http://")):
            raise BadRequest(f"{where}.image_url", "must be a data:image/... or an https address")
        if not url.startswith("data:") and not is_public(url):
            raise BadRequest(f"{where}.image_url", "must be an address that the public internet can reach")
        return Image(url, Fields(image, f"{where}.image_url").choice("detail", _IMAGE_DETAILS) or "auto")
    raise BadRequest(f"{where}.type", "must be text or image_url")


def _tool(raw: Mapping[str, Any], where: str) -> Tool:
    function = raw.get("function")
    if raw.get("type", "function") != "function" or not isinstance(function, dict):
        raise BadRequest(where, "must be a tool of type function")
    fields = Fields(function, f"{where}.function")
    return Tool(
        fields.text("name"),
        fields.optional_text("description") or "",
        fields.object("parameters") or {},
        fields.boolean("strict"),
    )


def _tool_call(raw: Mapping[str, Any], where: str) -> ToolCall:
    function = raw.get("function")
    if not isinstance(function, dict):
        raise BadRequest(f"{where}.function", "must be an object")
    return ToolCall(str(raw.get("id") or ""), str(function.get("name") or ""), str(function.get("arguments") or ""))
