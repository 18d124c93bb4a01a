"""The request of Anthropic's Messages."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.chat import ChatRequest, Message, Options, Role, Tool
from engine.errors import CapabilityMissing
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import NO_PREFILL
from engine.providers.dialects.anthropic_turns import MARK, drop_marks, mark_prefix, mended, system_json, turns_json
from engine.providers.mending.pictures import check_number
from engine.providers.mending.property_names import has_plain_properties
from engine.providers.mending.refused_options import given_fields, has_names
from engine.providers.mending.schema_drafts import with_root
from engine.providers.mending.schemas import (
    JSON_ASKED,
    SchemaNotExpressible,
    claude_schema,
    parameters_schema,
    schema_in_words,
    schema_of,
)
from engine.providers.mending.tool_choices import allowed_tools, forces_tool
from engine.providers.mending.tool_names import PLAIN_NAME, safe_name, used_names
from engine.providers.mending.turns import begins_answer
from engine.providers.model_facts import claude
from engine.providers.spec import Spec, thinking_off
from engine.providers.tool_ids import ANSWER_TOOL

_IGNORED = frozenset({"seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias"})
_SAMPLING = frozenset({"temperature", "top_p"})
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16_384, "xhigh": 32_768, "max": 32_768}
_LEAST_BUDGET = 1024
_EFFORTS = ("low", "medium", "high", "xhigh", "max")
_OFF = {"thinking": {"type": "disabled"}}
_ANY_OBJECT = {"type": "object", "properties": {}}


def request_body(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    """Return the JSON body of a call. Raises CapabilityMissing."""
    request, options, facts = call.request, call.request.options, claude(call.model)
    if begins_answer(request.messages) and not facts.takes_prefill:
        raise CapabilityMissing(NO_PREFILL)
    if request.has_pictures:
        check_number(request, replace(spec.pictures, most_pictures=facts.most_pictures))
    system, turns = mended(request.messages)
    thinking = _thinking(call, spec, turns)
    thinks = _is_on(thinking)
    form, instructions = _form(call)
    body: dict[str, Any] = {
        "model": call.model,
        "max_tokens": call.output_tokens,
        "messages": turns_json(turns, spec.pictures, thinks=thinks),
        "stream": True,
    }
    if system or instructions:
        body["system"] = system_json(system, instructions)
    if stops := _stops(options):
        body["stop_sequences"] = stops[: spec.most_stops]
    if facts.takes_sampling and not thinks:
        body |= _sampling(options)
    body |= _tools(call) | thinking
    if form:
        body["output_config"] = {**body.get("output_config", {}), "format": form}
    if call.caches_prefix and not _has_marks(request):
        mark_prefix(body["messages"])
    drop_marks(body.get("tools"), body.get("system"), body["messages"])
    return body


def ignored_fields(call: ProviderCall, spec: Spec) -> tuple[str, ...]:
    """Return the request's fields that are not sent unchanged."""
    options, facts = call.request.options, claude(call.model)
    given = given_fields(options)
    if not given and not has_names(call.request) and call.request.n == 1:
        return ()
    thinking = _thinking(call, spec, mended(call.request.messages)[1])
    sampling = {} if not facts.takes_sampling or _is_on(thinking) else _sampling(options)
    found = [name for name in given if name in _IGNORED or (name in _SAMPLING and _differs(sampling, name, options))]
    if len(_stops(options)) < len(options.stop) or len(options.stop) > spec.most_stops:
        found.append("stop")
    if options.reasoning_effort not in {None, "none"} and not _is_on(thinking):
        found.append("reasoning_effort")
    if call.request.n > 1:
        found.append("n")
    if has_names(call.request):
        found.append("messages.name")
    return tuple(found)


def checks_schema(call: ProviderCall) -> bool:
    """Return whether the answer's JSON must be checked: Claude has no JSON mode, and enforces only a subset of schemas.

    An answer that the client began is not JSON by itself.
    """
    request = call.request
    return request.options.wants_json and not begins_answer(request.messages) and not _form(call)[0]


# --- thinking ---------------------------------------------------------------------------------------


def _thinking(call: ProviderCall, spec: Spec, turns: Sequence[Message]) -> dict[str, Any]:
    """Return the fields for the requested effort, or those that switch thinking off.

    Claude refuses thinking together with a forced tool or a begun answer. With a token budget it also refuses thinking
    after a tool call that came without it.
    """
    facts, effort = claude(call.model), call.request.options.reasoning_effort
    off = {"thinking": dict(found)} if (found := thinking_off(call, spec)) else {}
    is_refused = _forces_tool(call) or begins_answer(call.request.messages)
    if not effort:
        return off or (_OFF if is_refused and facts.thinks_unasked else {})
    if effort == "none" or is_refused:
        return _OFF if facts.thinks_unasked else {}
    if facts.is_adaptive:
        shown = {} if facts.takes_sampling else {"display": "summarized"}
        return {
            "thinking": {"type": "adaptive", **shown},
            "output_config": {"effort": _nearest_effort(effort, facts.efforts)},
        }
    budget = min(_BUDGETS.get(effort, _LEAST_BUDGET), call.output_tokens * 3 // 4)
    if not facts.has_thinking or budget < _LEAST_BUDGET or _is_unsigned_step(turns):
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _is_on(thinking: Mapping[str, Any]) -> bool:
    return bool(thinking) and bool(thinking["thinking"]["type"] != "disabled")


def _nearest_effort(effort: str, taken: Sequence[str]) -> str:
    wanted = _EFFORTS.index(effort) if effort in _EFFORTS else 0
    return min(taken, key=lambda each: abs(_EFFORTS.index(each) - wanted))


def _is_unsigned_step(turns: Sequence[Message]) -> bool:
    """Return whether the prompt ends with results of tool calls that came without signed thinking."""
    if turns[-1].role is not Role.TOOL:
        return False
    last = next(turn for turn in reversed(turns) if turn.role is Role.ASSISTANT)
    return not (last.thinking_signature or any(thought.redacted for thought in last.thoughts))


# --- sampling ---------------------------------------------------------------------------------------


def _sampling(options: Options) -> dict[str, float]:
    """Return temperature or top_p, never both; a temperature above 1 becomes 1, the maximum."""
    if options.temperature is not None:
        return {"temperature": min(1.0, options.temperature)}
    return {} if options.top_p is None else {"top_p": options.top_p}


def _differs(sampling: Mapping[str, float], name: str, options: Options) -> bool:
    return bool(sampling.get(name) != getattr(options, name))


def _stops(options: Options) -> list[str]:
    """Return the stop sequences that Claude accepts: those that are not only whitespace."""
    return [stop for stop in options.stop if stop.strip()]


# --- tools and the form of the answer ---------------------------------------------------------------


def _form(call: ProviderCall) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the structured output for a schema, if any, and the instructions in words for JSON."""
    options = call.request.options
    schema = schema_of(options)
    if schema is None:
        return None, [JSON_ASKED] if options.wants_json else []
    if claude(call.model).has_structured_output and not begins_answer(call.request.messages):
        try:
            return {"type": "json_schema", "schema": claude_schema(schema)}, []
        except SchemaNotExpressible:
            pass
    return None, [] if _uses_answer_tool(call) else [schema_in_words(schema)]


def _uses_answer_tool(call: ProviderCall) -> bool:
    """Return whether the model shall give its answer as the arguments of a tool.

    Arguments can only be objects, and a tool that the tenant forces takes precedence.
    """
    schema = schema_of(call.request.options)
    if (
        not schema
        or with_root(schema).get("type") != "object"
        or not has_plain_properties(schema)
        or begins_answer(call.request.messages)
        or forces_tool(call.request.options)
    ):
        return False
    if not claude(call.model).has_structured_output:
        return True
    try:
        claude_schema(schema)
    except SchemaNotExpressible:
        return True
    return False


def _forces_tool(call: ProviderCall) -> bool:
    return (bool(call.request.options.tools) and forces_tool(call.request.options)) or _uses_answer_tool(call)


def _tools(call: ProviderCall) -> dict[str, Any]:
    """Return the tools and the choice among them. If the history has tool calls, their tools are declared too."""
    options = call.request.options
    tools, choice = allowed_tools(options)
    declared = [_tool(tool) for tool in tools]
    if _uses_answer_tool(call):
        schema = parameters_schema(schema_of(options) or {})
        answer = {"name": ANSWER_TOOL, "description": "Give the final answer.", "input_schema": schema}
        own = {"type": "any"} if declared else {"type": "tool", "name": ANSWER_TOOL}
        return {"tools": [*declared, answer], "tool_choice": own}
    if not declared:
        names = [safe_name(name, PLAIN_NAME) for name in used_names(call.request)]
        used = [{"name": name, "description": "", "input_schema": _ANY_OBJECT} for name in names]
        return {"tools": used, "tool_choice": {"type": "none"}} if used else {}
    chosen = _tool_choice(choice)
    if options.parallel_tool_calls is False and chosen.get("type") != "none":
        chosen = {"type": "auto", **chosen, "disable_parallel_tool_use": True}
    return {"tools": declared, **({"tool_choice": chosen} if chosen else {})}


def _tool(tool: Tool) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": safe_name(tool.name, PLAIN_NAME),
        "description": tool.description,
        "input_schema": parameters_schema(tool.parameters),
    }
    return {**found, "cache_control": MARK} if tool.ends_cached_prefix else found


def _tool_choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, Mapping):
        function: Any = choice.get("function") or {}
        return {"type": "tool", "name": safe_name(str(function.get("name", "")), PLAIN_NAME)}
    return {"type": {"required": "any"}.get(choice, choice)} if choice else {}


def _has_marks(request: ChatRequest) -> bool:
    """Return whether the client itself marks the prefixes to be cached."""
    parts = (part for message in request.messages for part in message.parts)
    return any(part.ends_cached_prefix for part in parts) or any(t.ends_cached_prefix for t in request.options.tools)
