"""The body of POST /v1/messages, read field by field into a ChatRequest."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.catalog.model_names import MOST_NAME_CHARS
from engine.chat import ChatRequest, Options, Tool
from engine.errors import BadRequest, UnknownModel
from web.anthropic.client_tools import client_tool, is_client_tool
from web.anthropic.message_turns import ends_prefix, provider_blocks, system_messages, turns_of, with_prefix_end
from web.pipeline.fields import Fields
from web.pipeline.hosted_tools import clients_tools, hosted_tools
from web.pipeline.part_count import check_part_count
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
    "fallbacks": ([],),
    "diagnostics": (),
    "user_profile_id": (),
    "workspace_id": (),
    "billing_policy": (),
    "fallback_credit_token": (),
}
_UNSERVED_WITHIN = (("output_config", "task_budget"), ("thinking", "block_binding"))
_TOOL_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_CLIENTS_KINDS = (None, "custom")
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
# thinking budgets up to these sizes mean low and medium effort
_LOW_BUDGET_TOKENS, _MEDIUM_BUDGET_TOKENS = 4096, 16_384


def message_request(body: Mapping[str, Any], *, id: str, key_id: int | None, needs_limit: bool = True) -> ChatRequest:  # noqa: A002
    """Read a request; unknown fields are ignored. Raises UnknownModel, and BadRequest that names the wrong field.

    `needs_limit`: max_tokens is required; it is not for counting tokens.
    """
    fields = Fields(body)
    messages = fields.list_of_objects("messages", least=1, most=MOST_MESSAGES)
    check_part_count(messages, "messages")
    limit = fields.integer("max_tokens", 1, 10**7)
    if limit is None and needs_limit:
        raise BadRequest("max_tokens", "must be a whole number from 1 to 10000000")
    turns = [turn for n, raw in enumerate(messages) for turn in turns_of(raw, f"messages.{n}")]
    if ends_prefix(body):
        turns[-1] = with_prefix_end(turns[-1])
    return ChatRequest(
        id=id,
        model=_model(fields),
        messages=(*system_messages(body.get("system")), *turns),
        max_output_tokens=limit,
        options=_options(fields),
        key_id=key_id,
    )


def ignored_fields(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields of the request that no offer takes."""
    tools = Fields(body).list_of_objects("tools", most=MOST_TOOLS)
    of_messages = [
        f"messages.{kind}" for kind in provider_blocks(Fields(body).list_of_objects("messages", most=MOST_MESSAGES))
    ]
    within = tuple(f"{holder}.{name}" for holder, name in _UNSERVED_WITHIN if (body.get(holder) or {}).get(name))
    chosen = ("tool_choice",) if _chooses_hosted(body.get("tool_choice"), tools) else ()
    hosted = hosted_tools(tools, _clients_kinds(tools))
    return (*unserved_fields(body, _UNSERVED), *within, *chosen, *hosted, *of_messages)


def _chooses_hosted(choice: Any, tools: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a choice names a tool that Anthropic runs, which is left out."""
    kinds = _clients_kinds(tools)
    hosted = [tool.get("name") for tool in tools if tool.get("type") not in kinds]
    return isinstance(choice, dict) and choice.get("type") == "tool" and choice.get("name") in hosted


def _model(fields: Fields) -> str:
    name = fields.text("model")
    if len(name) > MOST_NAME_CHARS or not name.isprintable():
        raise UnknownModel(name[:MOST_NAME_CHARS])
    return name


def _options(fields: Fields) -> Options:
    given = fields.list_of_objects("tools", most=MOST_TOOLS)
    kinds = _clients_kinds(given)
    hosted_tools(given, kinds)  # raises BadRequest for a wrong kind
    tools = tuple(_tool(tool, where) for where, tool in clients_tools(given, kinds))
    choice, parallel = _tool_choice(fields, given, tools)
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


def _clients_kinds(tools: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    """Return the kinds of those tools that the client runs: its own, and Anthropic's shell, editor and the like."""
    return (*_CLIENTS_KINDS, *(tool["type"] for tool in tools if is_client_tool(tool)))


def _tool(raw: Mapping[str, Any], where: str) -> Tool:
    fields = Fields(raw, where)
    if is_client_tool(raw):
        return client_tool(raw, fields.text("name"), ends_cached_prefix=ends_prefix(raw))
    return Tool(
        fields.text("name"),
        fields.optional_text("description") or "",
        fields.object("input_schema") or {},
        fields.boolean("strict"),
        ends_cached_prefix=ends_prefix(raw),
    )


def _tool_choice(
    fields: Fields, given: Sequence[Mapping[str, Any]], tools: Sequence[Tool]
) -> tuple[str | Mapping[str, Any] | None, bool | None]:
    """Return the tool choice in OpenAI's form, and whether calls may be parallel."""
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
    if _chooses_hosted(choice, given):
        return None, parallel
    if all(tool.name != name for tool in tools):
        raise BadRequest("tool_choice.name", "must be the name of one of the tools")
    return {"type": "function", "function": {"name": name}}, parallel


def _response_format(fields: Fields) -> Mapping[str, Any] | None:
    """Return the JSON schema for the answer in OpenAI's form, from `output_config.format` or `output_format`."""
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
    """Return the requested effort of thinking; None if thinking is off or not mentioned."""
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
