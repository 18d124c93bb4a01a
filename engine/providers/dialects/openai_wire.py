"""OpenAI's dialect, as providers are sent it and tenants are answered; what tenants ask is read in engine/asking.py."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from engine.chat import (
    ChatRequest,
    Choice,
    Completion,
    Delta,
    Event,
    Finished,
    Message,
    Options,
    Part,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from engine.money import NANO_PER_USD
from engine.ports import ProviderCall
from engine.providers.spec import Spec
from engine.tenancy import Charge

dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def sendable(body: Mapping[str, Any]) -> bytes:
    """As UTF-8: half a character, as a provider may send it, becomes a question mark."""
    return dumps(body).encode(errors="replace")


# --- What a provider is sent ----------------------------------------------------------------------


def request_body(call: ProviderCall, spec: Spec) -> dict[str, Any]:
    """Allow-listed: what could change the bill (service tiers, plug-ins, web search) is not among it."""
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
    unwanted = spec.without | (_NOT_OF_REASONING if _REASONING.search(call.model) else frozenset())
    return body | {name: value for name, value in optional.items() if value is not None and name not in unwanted}


_REASONING = re.compile(r"(^|/)(o\d|gpt-[5-9])")
_NOT_OF_REASONING = frozenset(
    {"temperature", "top_p", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "logit_bias", "stop"}
)
JSON_ASKED = "Answer with one JSON object and nothing else."


def _effort(options: Options, spec: Spec) -> Mapping[str, Any]:
    wanted = options.reasoning_effort
    return spec.efforts.get(wanted, {"reasoning_effort": wanted}) if wanted else {}


def _messages(request: ChatRequest, spec: Spec) -> list[dict[str, Any]]:
    """JSON mode is refused by some, and forgotten by others, unless it is asked for in words too."""
    messages = [message_json(message) for message in request.messages]
    if "messages.name" in spec.without:
        for message in messages:
            if message["role"] != Role.TOOL:
                message.pop("name", None)
    if (request.options.response_format or {}).get("type") == "json_object" and not _speaks_of_json(request):
        return [{"role": Role.SYSTEM.value, "content": JSON_ASKED}, *messages]
    return messages


def _speaks_of_json(request: ChatRequest) -> bool:
    return any("json" in message.text.lower() for message in request.messages)


def message_json(message: Message) -> dict[str, Any]:
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


# --- What a tenant is answered --------------------------------------------------------------------


def completion_json(id: str, created: int, completion: Completion, charge: Charge) -> dict[str, Any]:  # noqa: A002
    return {
        "id": f"chatcmpl-{id}",
        "object": "chat.completion",
        "created": created,
        "model": completion.model,
        "choices": [_choice_json(n, choice) for n, choice in enumerate(completion.choices)],
        "usage": usage_json(completion.usage, charge),
    }


def chunk_json(id: str, created: int, model: str, event: Event, *, start: bool = False) -> dict[str, Any]:  # noqa: A002
    """One piece of a stream. `start` adds the role, as a stream's first piece has it."""
    index, delta, finish = 0, dict[str, Any](), None
    logprobs = None
    if isinstance(event, Delta):
        index, logprobs = event.index, event.logprobs
        delta = _delta_json(event)
    elif isinstance(event, Finished):
        index, finish = event.index, event.finish.value
    if start:
        delta = {"role": "assistant", "content": "", **delta}
    choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return _chunk(id, created, model, [choice])


class Chunks:
    """The pieces of one stream as JSON. Plain words are most of them: only they change between two such pieces."""

    def __init__(self, id: str, created: int, model: str) -> None:  # noqa: A002
        self._id, self._created, self._model = id, created, model
        mark = "<here>"
        before, _, after = dumps(chunk_json(id, created, model, Delta(mark))).partition(dumps(mark))
        self._before, self._after = before, after

    def json(self, event: Event, *, start: bool = False) -> str:
        if start or not _is_plain(event):
            return dumps(chunk_json(self._id, self._created, self._model, event, start=start))
        assert isinstance(event, Delta)
        return self._before + dumps(event.text) + self._after


def _is_plain(event: Event) -> bool:
    if not isinstance(event, Delta) or not event.text:
        return False
    return not (event.tool_calls or event.index or event.logprobs)


def usage_chunk_json(id: str, created: int, model: str, usage: Usage, charge: Charge) -> dict[str, Any]:  # noqa: A002
    """The last piece, for callers that ask for it with stream_options.include_usage."""
    return {**_chunk(id, created, model, []), "usage": usage_json(usage, charge)}


def usage_json(usage: Usage, charge: Charge) -> dict[str, Any]:
    """OpenAI's counts; `cost` is wallet money in USD, `allowance_tokens` what the plan paid."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "cost": charge.wallet.nanousd / NANO_PER_USD,
        "allowance_tokens": charge.allowance_tokens,
    }


def _chunk(id: str, created: int, model: str, choices: Sequence[Any]) -> dict[str, Any]:  # noqa: A002
    return {
        "id": f"chatcmpl-{id}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": list(choices),
    }


def _delta_json(event: Delta) -> dict[str, Any]:
    delta: dict[str, Any] = {"content": event.text} if event.text else {}
    if event.tool_calls:
        delta["tool_calls"] = [
            {
                "index": call.position,
                **({"id": call.id, "type": "function"} if call.id else {}),
                "function": {**({"name": call.name} if call.name else {}), "arguments": call.arguments},
            }
            for call in event.tool_calls
        ]
    return delta


def whole_call(position: int, call: ToolCall) -> ToolCallDelta:
    """A tool call in one piece."""
    return ToolCallDelta(position, call.id, call.name, call.arguments)


def _choice_json(index: int, choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text or None}
    if choice.tool_calls:
        message["tool_calls"] = [_call_json(call) for call in choice.tool_calls]
    else:
        message["content"] = choice.text
    finish = choice.finish.value if choice.finish else None
    return {"index": index, "message": message, "logprobs": None, "finish_reason": finish}
