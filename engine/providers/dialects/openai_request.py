"""The request of OpenAI's chat completions."""

from collections.abc import Mapping
from typing import Any

from engine.chat import ChatRequest, Options, Tool
from engine.ports import ProviderCall
from engine.providers.dialects.openai_messages import messages_json
from engine.providers.mending.pictures import check_number
from engine.providers.mending.refused_options import given_fields, has_names
from engine.providers.mending.schemas import JSON_ASKED, parameters_schema, schema_in_words, schema_name, schema_of
from engine.providers.mending.strict_schemas import is_strict
from engine.providers.mending.tool_choices import allowed_tools, distinct_tools, forces_tool
from engine.providers.mending.tool_names import PLAIN_NAME, safe_name
from engine.providers.model_facts import is_openai_reasoning, takes_penalties
from engine.providers.spec import Spec

_REFUSED_BY_REASONING = frozenset(
    {"temperature", "top_p", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias", "stop"}
)
_PENALTIES = frozenset({"frequency_penalty", "presence_penalty"})
_STRICT = frozenset({"openai", "groq", "openrouter"})
"""The providers that refuse `strict` with a schema that has optional or further properties. Others enforce it all."""
_DESCRIBED = ("description", "schema", "strict")  # keys of a JSON schema for the answer
ANY_OBJECT: Mapping[str, Any] = {
    "type": "json_schema",
    "json_schema": {"name": "answer", "schema": {"type": "object"}},
}
"""JSON mode as a schema that fits every object."""
_SEEDS = 2**63  # Mistral accepts no negative seed
_NO_OPTIONS = Options()
_NO_EFFORT: Mapping[str, Any] = {}


def request_body(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    """Return the allow-listed fields, none of which changes the price (no service tier, plug-in or web search).

    Raises CapabilityMissing for a picture that the provider refuses, and for too many.
    """
    request, options = call.request, call.request.options
    if request.has_pictures:
        check_number(request, spec.pictures)
    effort = _effort(call, spec)
    body: dict[str, Any] = {
        "model": call.model,
        "messages": messages_json(
            request,
            spec,
            call.model,
            thinks=bool(effort) and options.reasoning_effort != "none",
            instruction=_instruction(request, spec),
        ),
        "stream": True,
        spec.output_field: call.output_tokens,
    }
    if spec.asks_usage:
        body["stream_options"] = {"include_usage": True}
        if spec.asks_no_padding:
            body["stream_options"]["include_obfuscation"] = False
    return body if is_plain(request) else body | _optional_fields(call, spec, effort)


def is_plain(request: ChatRequest) -> bool:
    """Return True for a request without options, as many are: then none needs to be read."""
    return request.n == 1 and request.options == _NO_OPTIONS


def _optional_fields(call: ProviderCall, spec: Spec, effort: Mapping[str, Any]) -> dict[str, Any]:
    request, options = call.request, call.request.options
    refused = _refused_fields(call.model, spec)
    optional = {
        "temperature": None if options.temperature is None else min(options.temperature, spec.most_temperature),
        "top_p": None if options.top_p is None else max(options.top_p, spec.least_top_p),
        "stop": _stops(options)[: spec.most_stops] or None,
        "seed": options.seed if options.seed is None or spec.takes_negative_seeds else options.seed % _SEEDS,
        "frequency_penalty": options.frequency_penalty,
        "presence_penalty": options.presence_penalty,
        "response_format": _response_format(options, spec),
        "logprobs": options.logprobs,
        "top_logprobs": options.top_logprobs,
        "logit_bias": options.logit_bias,
        "n": request.n if request.n > 1 and not spec.one_choice else None,
        **_tools(options, spec),
        **effort,
    }
    if spec.strict_turns and options.temperature == 0:
        optional["top_p"] = None  # Mistral: greedy sampling requires a top_p of 1, the default
    found = {name: value for name, value in optional.items() if value is not None and name not in refused}
    if "seed" in found:
        found[spec.seed_field] = found.pop("seed")
    return found


def ignored_fields(call: ProviderCall, spec: Spec) -> tuple[str, ...]:
    """Return the request's fields that are not sent unchanged."""
    if is_plain(call.request) and "messages.name" not in spec.without:
        return ()
    options, refused = call.request.options, _refused_fields(call.model, spec)
    given = given_fields(options)
    found = [name for name in given if name in refused and name != "parallel_tool_calls"]
    if options.temperature is not None and options.temperature > spec.most_temperature and "temperature" not in found:
        found.append("temperature")
    if not len(options.stop) == len(_stops(options)) <= spec.most_stops and "stop" not in found:
        found.append("stop")
    effort = options.reasoning_effort
    if effort and (not _effort(call, spec) or (effort != "none" and _is_effort_dropped(call, spec))):
        found.append("reasoning_effort")
    if call.request.n > 1 and spec.one_choice:
        found.append("n")
    if "messages.name" in spec.without and has_names(call.request):
        found.append("messages.name")
    return tuple(found)


def name_by_list(body: dict[str, Any]) -> None:
    """Force a tool by sending that one alone, for servers that do not accept its name as the choice."""
    choice = body.get("tool_choice")
    if isinstance(choice, Mapping) and isinstance(function := choice.get("function"), Mapping):
        body["tools"] = [tool for tool in body["tools"] if tool["function"]["name"] == function["name"]]
        body["tool_choice"] = "required"


def checks_schema(call: ProviderCall, spec: Spec) -> bool:
    """Return whether the answer must be checked against the schema, because the provider does not enforce it."""
    schema = schema_of(call.request.options)
    return schema is not None and (not spec.has_schemas or _is_loosened(call.request.options, schema, spec))


def sends_stop(call: ProviderCall, spec: Spec) -> bool:
    """Return whether the request's stop sequences are sent."""
    return bool(call.request.options.stop) and "stop" not in _refused_fields(call.model, spec)


def _refused_fields(model: str, spec: Spec) -> frozenset[str]:
    refused = spec.without if takes_penalties(model) else spec.without | _PENALTIES
    return refused | _REFUSED_BY_REASONING if is_openai_reasoning(model) else refused


def _stops(options: Options) -> list[str]:
    """Return the stop sequences without duplicates and without empty ones, which providers refuse."""
    return [stop for stop in dict.fromkeys(options.stop) if stop]


def _effort(call: ProviderCall, spec: Spec) -> Mapping[str, Any]:
    """Return the fields for the requested effort; none if none is requested or it must be dropped."""
    effort = call.request.options.reasoning_effort
    if not effort:
        return _NO_EFFORT
    if spec.efforts is None:
        return {"reasoning_effort": effort}
    fields = next((fields for part, fields in spec.efforts if part in call.model), _NO_EFFORT)
    return fields.get("none" if _is_effort_dropped(call, spec) else effort, _NO_EFFORT)


def _is_effort_dropped(call: ProviderCall, spec: Spec) -> bool:
    """Return whether thinking must be off: some OpenAI models refuse it with tools, DeepSeek with a forced tool."""
    options = call.request.options
    if not options.tools:
        return False
    if spec.needs_thinking_back and forces_tool(options):
        return True
    return any(part in call.model for part in spec.no_effort_with_tools)


def _tools(options: Options, spec: Spec) -> dict[str, Any]:
    """Return the tools and how to choose among them; nothing without tools, because `tool_choice` alone is refused."""
    if not options.tools:
        return {}
    if spec.name == "openai":
        tools, choice = distinct_tools(options, spec.most_tools), options.tool_choice
    else:
        tools, choice = allowed_tools(options, spec.most_tools)
    if isinstance(choice, Mapping):
        choice = _with_safe_names(choice)
    parallel = None if "parallel_tool_calls" in spec.without else options.parallel_tool_calls
    return {"tools": [_tool_json(tool, spec) for tool in tools], "tool_choice": choice, "parallel_tool_calls": parallel}


def _with_safe_names(choice: Mapping[str, Any]) -> dict[str, Any]:
    if choice.get("type") != "allowed_tools":
        return {"type": "function", "function": {"name": safe_name(choice["function"]["name"], PLAIN_NAME)}}
    allowed = choice["allowed_tools"]
    named = [
        {"type": "function", "function": {"name": safe_name(t["function"]["name"], PLAIN_NAME)}}
        for t in allowed["tools"]
    ]
    return {"type": "allowed_tools", "allowed_tools": {"mode": allowed["mode"], "tools": named}}


def _tool_json(tool: Tool, spec: Spec) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": safe_name(tool.name, PLAIN_NAME),
        "parameters": parameters_schema(tool.parameters),
    }
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        if tool.strict and not function["parameters"]["properties"]:
            function["parameters"] |= {"required": [], "additionalProperties": False}
        function["strict"] = tool.strict and (spec.name not in _STRICT or is_strict(function["parameters"]))
    return {"type": "function", "function": function}


def _response_format(options: Options, spec: Spec) -> Mapping[str, Any] | None:
    """Return the form of the answer.

    A schema gets a name that is accepted; without schemas, JSON mode is used.
    """
    schema, wanted = schema_of(options), options.response_format
    if schema is None:
        return wanted and {"type": wanted["type"]}
    if not spec.has_schemas:
        return {"type": "json_object"}
    described = (wanted or {}).get("json_schema")
    described = described if isinstance(described, Mapping) else {}
    kept = {name: described[name] for name in _DESCRIBED if described.get(name) is not None}
    if _is_loosened(options, schema, spec):
        kept["strict"] = False
    return {"type": "json_schema", "json_schema": {**kept, "name": safe_name(schema_name(options), PLAIN_NAME)}}


def _is_loosened(options: Options, schema: Mapping[str, Any], spec: Spec) -> bool:
    """Return whether the client asks for a strict schema that the provider does not accept as one."""
    described = (options.response_format or {}).get("json_schema")
    is_asked = isinstance(described, Mapping) and described.get("strict") is True
    return is_asked and spec.name in _STRICT and not is_strict(schema)


def _instruction(request: ChatRequest, spec: Spec) -> str:
    """Return the form of the answer in words: JSON mode is refused without them, and some providers have no schemas."""
    schema = schema_of(request.options)
    if schema is not None and not spec.has_schemas:
        return schema_in_words(schema)
    if (request.options.response_format or {}).get("type") == "json_object" and not _mentions_json(request):
        return JSON_ASKED
    return ""


def _mentions_json(request: ChatRequest) -> bool:
    return any("json" in message.text.lower() for message in request.messages)
