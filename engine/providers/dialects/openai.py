"""OpenAI's chat completions: the request that a provider is sent, and its stream."""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from engine.catalog.offers import MissingCapability
from engine.chat import (
    ChatRequest,
    Chunk,
    Delta,
    Finish,
    Finished,
    Message,
    Options,
    Part,
    Role,
    Served,
    Text,
    Tool,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from engine.errors import CapabilityMissing, Overloaded, StreamCut
from engine.ports import ProviderCall
from engine.providers import http
from engine.providers.dialects import transcriptions
from engine.providers.dialects.adapter import (
    JSON_ASKED,
    USAGE_FIELD,
    ProviderAdapter,
    compact_json,
    integer,
    json_object,
    thinking_off,
)
from engine.providers.http import Frame
from engine.providers.spec import Spec
from engine.speech import Recording, SpeechText

_FINISHES = {
    "stop": Finish.STOP,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "length": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "content_filter": Finish.REFUSED,
}
_LEAST_COST_USD, _MOST_COST_USD, _MOST_COST_DIGITS = Decimal("1e-18"), 1000, 40  # any other report is an error
_FAILED = {"error", "insufficient_system_resource"}
_REASONING = re.compile(r"(^|/)(o\d|gpt-[5-9])")
_REFUSED_BY_REASONING = frozenset(
    {"temperature", "top_p", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias", "stop"}
)


class OpenAIDialect(ProviderAdapter):
    def url(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        return f"{self.base_url}/chat/completions"

    def auth(self, secret: str) -> dict[str, str]:
        return {"authorization": f"Bearer {secret}"}

    def body(self, call: ProviderCall) -> dict[str, Any]:
        if call.request.n > 1 and self.spec.one_choice:
            raise CapabilityMissing(MissingCapability.CHOICES.value)
        return {**_request_body(call, self.spec), **thinking_off(call, self.spec)}

    def own_fields(self, call: ProviderCall) -> frozenset[str]:
        usage = {USAGE_FIELD} if self.spec.asks_usage else set()
        return frozenset({self.spec.output_field, *usage, *thinking_off(call, self.spec)})

    async def transcribe(self, model: str, recording: Recording, key: int = 0) -> SpeechText:
        """Return the recording as text. Raises a ProviderError."""
        url = self.base_url + transcriptions.PATH
        body, kind = transcriptions.form(url, model, recording)
        headers = {"content-type": kind, "accept": "application/json", **self._headers(key)}
        async with http.post(self._http, url, headers, body) as response:
            await self._check(response, key)
            return await transcriptions.transcript(response)

    async def read(self, incoming: AsyncIterator[Frame], call: ProviderCall) -> AsyncGenerator[Chunk, None]:
        state = _StreamState(has_stop_sequences=_sends_stop(call, self.spec))
        async for frame in incoming:
            if frame.data == "[DONE]":
                state.ended = True
                break
            data = json_object(frame)
            error = data.get("error") or (data.get("x_groq") or {}).get("error")
            if error or frame.event == "error" or data.get("object") == "error":
                raise self.failure(data)
            for chunk in _chunks(data, state):
                yield replace(chunk, cost_usd=_cost(frame, self.spec)) if isinstance(chunk, Usage) else chunk
        if not state.ended and not state.finished:
            raise StreamCut("no end marker, no finish reason")


def _request_body(call: ProviderCall, spec: Spec) -> dict[str, Any]:
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


def _sends_stop(call: ProviderCall, spec: Spec) -> bool:
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


class _StreamState:
    """The progress of one stream."""

    def __init__(self, *, has_stop_sequences: bool) -> None:
        self.ended = self.finished = False
        self.has_stop_sequences = has_stop_sequences
        self.refused_choices: set[int] = set()
        self.model = ""


def _chunks(data: Mapping[str, Any], state: _StreamState) -> list[Chunk]:
    found: list[Chunk] = []
    model = data.get("model")
    if isinstance(model, str) and model and model != state.model:
        state.model = model
        found.append(Served(model))
    for choice in data.get("choices") or ():
        found += _choice(choice, state)
    usage = data.get("usage") or (data.get("x_groq") or {}).get("usage")
    if isinstance(usage, dict):
        found.append(usage_of(usage))
    return found


def _choice(choice: Mapping[str, Any], state: _StreamState) -> list[Chunk]:
    # Some servers answer a stream request with one whole message.
    delta = choice.get("delta") or choice.get("message") or {}
    index = integer(choice.get("index"))
    found: list[Chunk] = []
    text = delta.get("content") or delta.get("refusal") or ""
    text = text if isinstance(text, str) else "".join(p.get("text", "") for p in text if isinstance(p, dict))
    thinking = delta.get("reasoning_content") or delta.get("reasoning") or ""
    calls = tuple(_tool_call(call, n) for n, call in enumerate(delta.get("tool_calls") or ()))
    if text or calls or thinking:
        if delta.get("refusal"):
            state.refused_choices.add(index)
        logprobs = choice.get("logprobs")
        thought = thinking if isinstance(thinking, str) else "…"
        found.append(Delta(text, index, calls, thought, logprobs if isinstance(logprobs, dict) else None))
    reason = choice.get("finish_reason")
    if reason:
        found.append(_finished(str(reason), index, state))
    return found


def _finished(reason: str, index: int, state: _StreamState) -> Finished:
    """Return the end of a choice; an unknown reason counts as `stop`. Raises Overloaded for a failure."""
    if reason in _FAILED:
        raise Overloaded(f"finish reason {reason}")
    finish = Finish.REFUSED if index in state.refused_choices else _FINISHES.get(reason, Finish.STOP)
    state.finished = True
    return Finished(finish, index, at_stop_sequence=reason == "stop" and state.has_stop_sequences)


def _tool_call(call: Mapping[str, Any], position: int) -> ToolCallDelta:
    function = call.get("function") or {}
    index = call.get("index")
    arguments = function.get("arguments") or ""
    return ToolCallDelta(
        index if isinstance(index, int) else position,
        str(call.get("id") or ""),
        str(function.get("name") or ""),
        arguments if isinstance(arguments, str) else compact_json(arguments),
    )


def _cost(frame: Frame, spec: Spec) -> Decimal | None:
    """Return the reported bill as its exact digits; None where there is none above zero.

    With the operator's own key at the upstream the bill is only a part of the cost, so it does not count.
    """
    if not spec.reports_cost:
        return None
    usage = json.loads(frame.data, parse_float=Decimal).get("usage")
    cost = usage.get("cost") if isinstance(usage, dict) and usage.get("is_byok") is not True else None
    if not isinstance(cost, Decimal | int) or isinstance(cost, bool):
        return None
    cost = Decimal(cost)
    is_credible = _LEAST_COST_USD <= cost <= _MOST_COST_USD and len(cost.as_tuple().digits) <= _MOST_COST_DIGITS
    return cost if is_credible else None


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Read usage, with cached tokens in each provider's field. Absurd numbers are judged by the gateway.

    Where the parts and the total disagree, the larger counts: some report reasoning beside `completion_tokens`.
    """
    prompt, completion = integer(usage.get("prompt_tokens")), integer(usage.get("completion_tokens"))
    details = usage.get("prompt_tokens_details") or {}
    cached = integer(details.get("cached_tokens")) or integer(usage.get("prompt_cache_hit_tokens"))
    return Usage(
        prompt,
        completion if min(prompt, completion) < 0 else max(completion, integer(usage.get("total_tokens")) - prompt),
        cached,
        integer(details.get("cache_write_tokens")),
        integer((usage.get("completion_tokens_details") or {}).get("reasoning_tokens")),
    )


DIALECT = OpenAIDialect
