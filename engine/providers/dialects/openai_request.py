"""The request of OpenAI's chat completions."""

import re
from collections.abc import Mapping
from typing import Any

from engine.chat import ChatRequest, Message, Options, Part, Role, Text, Tool, ToolCall
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import JSON_ASKED
from engine.providers.spec import Spec

_REASONING = re.compile(r"(^|/)(o\d|gpt-[5-9])")
_REFUSED_BY_REASONING = frozenset(
    {"temperature", "top_p", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias", "stop"}
)


def request_body(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    """Return the allow-listed fields: none can change the bill (service tiers, plug-ins, web search)."""
    request, options = call.request, call.request.options
    body: dict[str, Any] = {
        "model": call.model,
        "messages": _messages(request, spec),
        "stream": True,
        spec.output_field: call.output_tokens,
    }
    if spec.asks_usage:
        body["stream_options"] = {"include_usage": True}
        if spec.asks_no_padding:
            body["stream_options"]["include_obfuscation"] = False
    optional = {
        "temperature": options.temperature,
        "top_p": options.top_p,
        "stop": list(options.stop) or None,
        spec.seed_field: options.seed,
        "frequency_penalty": options.frequency_penalty,
        "presence_penalty": options.presence_penalty,
        "tools": [_tool_json(tool) for tool in options.tools] or None,
        "tool_choice": options.tool_choice,
        "parallel_tool_calls": options.parallel_tool_calls,
        "response_format": options.response_format,
        "logprobs": options.logprobs,
        "top_logprobs": options.top_logprobs,
        "logit_bias": options.logit_bias,
        "n": request.n if request.n > 1 else None,
        **_effort(options, spec),
    }
    refused = _refused_fields(call.model, spec)
    return body | {name: value for name, value in optional.items() if value is not None and name not in refused}


def _refused_fields(model: str, spec: Spec) -> frozenset[str]:
    return spec.without | (_REFUSED_BY_REASONING if _REASONING.search(model) else frozenset())


def sends_stop(call: ProviderCall, spec: Spec) -> bool:
    """Return whether the stop sequences of the request go out."""
    return bool(call.request.options.stop) and "stop" not in _refused_fields(call.model, spec)


def _effort(options: Options, spec: Spec) -> Mapping[str, Any]:
    effort = options.reasoning_effort
    return spec.efforts.get(effort, {"reasoning_effort": effort}) if effort else {}


def _messages(request: ChatRequest, spec: Spec) -> list[dict[str, Any]]:
    """Return the messages. JSON mode is asked for in words too, as some providers refuse or ignore it otherwise."""
    messages = [_message_json(message) for message in request.messages]
    if "messages.name" in spec.without:
        for message in messages:
            if message["role"] != Role.TOOL:
                message.pop("name", None)
    if (request.options.response_format or {}).get("type") == "json_object" and not _mentions_json(request):
        return [{"role": Role.SYSTEM.value, "content": JSON_ASKED}, *messages]
    return messages


def _mentions_json(request: ChatRequest) -> bool:
    return any("json" in message.text.lower() for message in request.messages)


def _message_json(message: Message) -> dict[str, Any]:
    plain = all(isinstance(part, Text) for part in message.parts)
    content: Any = message.text if plain else [_part_json(part) for part in message.parts]
    body: dict[str, Any] = {"role": message.role.value, "content": content}
    if message.tool_calls:
        body["tool_calls"] = [_call_json(call) for call in message.tool_calls]
        body["content"] = content or None
    if message.tool_call_id:
        body["tool_call_id"] = message.tool_call_id
    if message.name:
        body["name"] = message.name
    return body


def _part_json(part: Part) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": part.url, "detail": part.detail}}


def _tool_json(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {"name": tool.name, "parameters": dict(tool.parameters)}
    if tool.description:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _call_json(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
