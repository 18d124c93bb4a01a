"""The body of POST /v1/responses, read field by field into a ChatRequest."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.catalog.model_names import MOST_NAME_CHARS
from engine.chat import ChatRequest, Message, Options, Role, Text, Tool
from engine.errors import BadRequest, UnknownModel
from web.openai import custom_tools
from web.openai.responses import client_tools
from web.openai.responses.client_tools import MOST_TOOLS
from web.pipeline.fields import Fields
from web.pipeline.hosted_tools import hosted_tools
from web.pipeline.unserved import Unserved, unserved_fields

MOST_INCLUDED = 20
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_UNSERVED: Unserved = {
    "max_tool_calls": (),
    "moderation": (),
    "service_tier": ("auto", "default"),
    "top_logprobs": (0,),
    "truncation": ("disabled",),
    "context_management": ([],),
}
_SUMMARIES = ("auto", "concise", "detailed")
_LOGPROBS = "message.output_text.logprobs"
_FUNCTION = {"type": "function"}
_NATIVE_CHOICES = ("shell", "local_shell", "apply_patch")
_TOOL_CHOICES = ("none", "auto", "required")
_FORMATS = ("text", "json_object", "json_schema")
_UNSUPPORTED = {
    "background": "must be false: answers in the background are not kept here",
    "conversation": "must be absent: use previous_response_id",
    "prompt": "must be absent: prompts are not stored here",
}


def response_request(
    body: Mapping[str, Any],
    messages: Sequence[Message],
    *,
    id: str,  # noqa: A002
    key_id: int | None,
) -> ChatRequest:
    """Read a request whose input is `messages`; unknown fields are ignored.

    Raises BadRequest that names the wrong field, and UnknownModel.
    """
    fields = Fields(body)
    for name, reason in _UNSUPPORTED.items():
        if body.get(name):
            raise BadRequest(name, reason)
    fields.labels("metadata")
    model = fields.text("model")
    if len(model) > MOST_NAME_CHARS or not model.isprintable():
        raise UnknownModel(model[:MOST_NAME_CHARS])
    instructions = fields.optional_text("instructions")
    system = (Message(Role.SYSTEM, (Text(instructions),)),) if instructions else ()
    if not system and not messages:
        raise BadRequest("input", "must have a message, or a call with its output")
    return ChatRequest(
        id=id,
        model=model,
        messages=(*system, *messages),
        max_output_tokens=fields.integer("max_output_tokens", 1, 10**7),
        options=_options(fields),
        key_id=key_id,
    )


def ignored_fields(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of the request that no offer takes. Raises BadRequest."""
    hosted = _hosted(Fields(body).list_of_objects("tools", most=MOST_TOOLS))
    verbosity = (body.get("text") or {}).get("verbosity")
    in_text = ("text.verbosity",) if verbosity is not None and verbosity != "medium" else ()
    given = Fields(body).list_of_objects("tools", most=MOST_TOOLS)
    chosen = ("tool_choice",) if _without_hosted(body.get("tool_choice"), given) != body.get("tool_choice") else ()
    included = (f"include.{_LOGPROBS}",) if _LOGPROBS in (body.get("include") or ()) else ()
    return (*unserved_fields(body, _UNSERVED), *in_text, *included, *chosen, *hosted)


def _hosted(tools: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return the names of the tools that OpenAI runs. Raises BadRequest for a wrong kind."""
    return hosted_tools([_FUNCTION if client_tools.is_clients(tool) else tool for tool in tools], ("function",))


def _options(fields: Fields) -> Options:
    given = fields.list_of_objects("tools", most=MOST_TOOLS)
    _hosted(given)  # raises BadRequest for a wrong kind
    tools = client_tools.tools_of(given)
    return Options(
        temperature=fields.number("temperature", 0, 2),
        top_p=fields.number("top_p", 0, 1),
        tools=tools,
        tool_choice=_tool_choice(fields, given, tools),
        parallel_tool_calls=fields.boolean("parallel_tool_calls"),
        response_format=_response_format(fields),
        reasoning_effort=_effort(fields),
    )


def _effort(fields: Fields) -> str | None:
    """Return the effort of reasoning. Raises BadRequest for a wrong effort, or a wrong form of the summary."""
    reasoning = Fields(fields.object("reasoning") or {}, "reasoning")
    reasoning.choice("summary", _SUMMARIES)
    reasoning.choice("generate_summary", _SUMMARIES)
    fields.texts("include", MOST_INCLUDED)
    return reasoning.choice("effort", _EFFORTS)


def _without_hosted(choice: Any, given: Sequence[Mapping[str, Any]]) -> Any:
    """Return a choice without the tools that OpenAI runs, which are left out; None if it has no others."""
    hosted = [tool.get("type") for tool in given if not client_tools.is_clients(tool)]
    if not isinstance(choice, dict) or not hosted:
        return choice
    if choice.get("type") in hosted:
        return None
    listed = choice.get("tools") if choice.get("type") == "allowed_tools" else None
    if not isinstance(listed, list):
        return choice
    kept = [each for each in listed if not (isinstance(each, dict) and each.get("type") in hosted)]
    return {**choice, "tools": kept} if kept or not listed else None


def _tool_choice(
    fields: Fields, given: Sequence[Mapping[str, Any]], tools: Sequence[Tool]
) -> str | Mapping[str, Any] | None:
    """Return the choice in the form of chat completions."""
    choice = _without_hosted(fields.text_or_object("tool_choice"), given)
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _TOOL_CHOICES:
            raise BadRequest("tool_choice", f"must be one of {', '.join(_TOOL_CHOICES)}, or a function")
        return choice
    inner = Fields(choice, "tool_choice")
    kind = inner.choice("type", ("function", custom_tools.KIND, "allowed_tools", *_NATIVE_CHOICES))
    if kind in _NATIVE_CHOICES:
        return {"type": "function", "function": {"name": _known(str(kind), tools)}}
    if kind == "allowed_tools":
        mode = inner.choice("mode", ("auto", "required")) or "auto"
        named = [_chosen(Fields(each, "tool_choice.tools")) for each in inner.list_of_objects("tools", most=MOST_TOOLS)]
        allowed = [{"type": "function", "function": {"name": _known(name, tools)}} for name in named]
        return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": allowed}}
    return {"type": "function", "function": {"name": _known(_chosen(inner), tools)}}


def _chosen(fields: Fields) -> str:
    """Return the name of the function that stands for a chosen tool."""
    kind = fields.optional_text("type")
    if kind in _NATIVE_CHOICES:
        return kind
    return client_tools.function_name(fields.text("name"), fields.optional_text("namespace"))


def _known(name: str, tools: Sequence[Tool]) -> str:
    if all(tool.name != name for tool in tools):
        raise BadRequest("tool_choice.name", "must be the name of one of the tools")
    return name


def _response_format(fields: Fields) -> Mapping[str, Any] | None:
    """Return `text.format` in the form of chat completions."""
    chosen = Fields(fields.object("text") or {}, "text").object("format")
    if chosen is None:
        return None
    inner = Fields(chosen, "text.format")
    kind = inner.needed_choice("type", _FORMATS)
    if kind != "json_schema":
        return {"type": kind}
    schema = inner.object("schema")
    if schema is None:
        raise BadRequest("text.format.schema", "must be an object")
    named = {"name": inner.text("name"), "schema": schema, "strict": inner.boolean("strict")}
    return {"type": "json_schema", "json_schema": {key: value for key, value in named.items() if value is not None}}
