"""Anthropic's Messages: named events, usage in two places, max_tokens required."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from engine.catalog.offers import MissingCapability
from engine.chat import (
    Chunk,
    Delta,
    Finish,
    Finished,
    Image,
    Message,
    Part,
    Role,
    Served,
    Text,
    ToolCallDelta,
    Usage,
)
from engine.errors import CapabilityMissing, StreamCut
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import (
    JSON_ASKED,
    NO_PREFILL,
    ProviderAdapter,
    integer,
    json_object,
    thinking_off,
    tool_arguments,
)
from engine.providers.http import Frame

_FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "pause_turn": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.REFUSED,
}
_FIFTH_GENERATION = ("haiku-5", "opus-5", "sonnet-5")


class AnthropicDialect(ProviderAdapter):
    def url(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        return f"{self.base_url}/messages"

    def auth(self, secret: str) -> dict[str, str]:
        return {"x-api-key": secret}

    def body(self, call: ProviderCall) -> dict[str, Any]:
        request, options = call.request, call.request.options
        if request.n > 1:
            raise CapabilityMissing(MissingCapability.CHOICES.value)
        if request.messages[-1].role is Role.ASSISTANT and _is_fifth_generation(call.model):
            raise CapabilityMissing(NO_PREFILL)
        system = [m.text for m in request.messages if m.role is Role.SYSTEM]
        system += [JSON_ASKED] if options.wants_json else []
        body: dict[str, Any] = {
            "model": call.model,
            "max_tokens": call.output_tokens,
            "messages": _turns([m for m in request.messages if m.role is not Role.SYSTEM]),
            "stream": True,
        }
        if system:
            body["system"] = "\n\n".join(system)
        if options.stop:
            body["stop_sequences"] = list(options.stop)
        if not _is_fifth_generation(call.model):
            body |= _sampling(options.temperature, options.top_p)
        if options.tools:
            body["tools"] = [_tool(tool) for tool in options.tools]
            body |= _tool_choice(options.tool_choice)
        return body | self._thinking(call)

    def own_fields(self, call: ProviderCall) -> frozenset[str]:
        return frozenset({"thinking"} if thinking_off(call, self.spec) else ())

    def _thinking(self, call: ProviderCall) -> dict[str, Any]:
        off = thinking_off(call, self.spec)
        effort = call.request.options.reasoning_effort
        if effort == "none" and _is_fifth_generation(call.model):
            off = {"type": "disabled"}
        if off:
            return {"thinking": dict(off)}
        return {"output_config": {"effort": "low" if effort in {"none", "minimal"} else effort}} if effort else {}

    async def read(self, incoming: AsyncIterator[Frame], call: ProviderCall) -> AsyncGenerator[Chunk, None]:  # noqa: ARG002
        state = _StreamState()
        async for frame in incoming:
            data = json_object(frame)
            kind = data.get("type") or frame.event
            if kind == "error":
                raise self.failure(data)
            if kind == "message_stop":
                state.ended = True
                break
            for chunk in state.take(kind, data):
                yield chunk
        if not state.ended and not state.finished:
            raise StreamCut("no message_stop, no stop_reason")


class _StreamState:
    """The progress of one stream. Usage comes in parts; the latest value of each number counts."""

    def __init__(self) -> None:
        self.ended = self.finished = False
        self.usage: dict[str, Any] = {}
        self.calls: dict[int, int] = {}

    def take(self, kind: str, data: Mapping[str, Any]) -> list[Chunk]:
        if kind == "message_start":
            message = data.get("message") or {}
            self.usage |= message.get("usage") or {}
            return [Served(str(message.get("model") or ""))]
        if kind == "content_block_start":
            return self._block(integer(data.get("index")), data.get("content_block") or {})
        if kind == "content_block_delta":
            return self._delta(integer(data.get("index")), data.get("delta") or {})
        if kind == "message_delta":
            return self._end(data)
        return self._whole(data) if kind == "message" else []

    def _whole(self, message: Mapping[str, Any]) -> list[Chunk]:
        """A whole message, from a server that ignores `stream`."""
        found: list[Chunk] = [Served(str(message.get("model") or ""))]
        for index, block in enumerate(message.get("content") or ()):
            found += self._block(index, block)
            if block.get("type") == "tool_use":
                found += self._delta(
                    index, {"type": "input_json_delta", "partial_json": json.dumps(block.get("input"))}
                )
        return found + self._end({"usage": message.get("usage"), "delta": message})

    def _block(self, index: int, block: Mapping[str, Any]) -> list[Chunk]:
        if block.get("type") == "tool_use":
            position = self.calls.setdefault(index, len(self.calls))
            return [Delta("", 0, (ToolCallDelta(position, str(block.get("id")), str(block.get("name"))),))]
        return self._text(block.get("text"))

    def _delta(self, index: int, delta: Mapping[str, Any]) -> list[Chunk]:
        kind = delta.get("type")
        if kind == "input_json_delta":
            piece = str(delta.get("partial_json") or "")
            return [Delta("", 0, (ToolCallDelta(self.calls.get(index, 0), "", "", piece),))]
        if kind == "thinking_delta":
            return [Delta("", 0, (), str(delta.get("thinking") or "…"))]
        return self._text(delta.get("text"))

    def _text(self, text: Any) -> list[Chunk]:
        if not isinstance(text, str) or not text:
            return []
        return [Delta(text)]

    def _end(self, data: Mapping[str, Any]) -> list[Chunk]:
        self.usage |= {key: value for key, value in (data.get("usage") or {}).items() if value is not None}
        found: list[Chunk] = [usage_of(self.usage)]
        reason = (data.get("delta") or {}).get("stop_reason")
        if reason:
            self.finished = True
            finish = _FINISHES.get(str(reason), Finish.STOP)
            found.append(Finished(finish, at_stop_sequence=reason == "stop_sequence"))
        return found


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Read usage, in which plain, cached and cache-written input are disjoint."""
    read, written = integer(usage.get("cache_read_input_tokens")), integer(usage.get("cache_creation_input_tokens"))
    details = usage.get("output_tokens_details") or {}
    return Usage(
        integer(usage.get("input_tokens")) + read + written,
        integer(usage.get("output_tokens")),
        read,
        written,
        integer(details.get("thinking_tokens")),
    )


def _is_fifth_generation(model: str) -> bool:
    """Return whether the model refuses sampling parameters and begun answers, and thinks unless that is disabled."""
    return any(part in model for part in _FIFTH_GENERATION)


def _turns(messages: list[Message]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = "assistant" if message.role is Role.ASSISTANT else "user"
        blocks = _blocks(message)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    return turns


def _blocks(message: Message) -> list[dict[str, Any]]:
    if message.role is Role.TOOL:
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id, "content": message.text}]
    blocks = [_block(part) for part in message.parts if not (isinstance(part, Text) and not part.text)]
    calls = [
        {"type": "tool_use", "id": call.id, "name": call.name, "input": tool_arguments(call.arguments)}
        for call in message.tool_calls
    ]
    return blocks + calls


def _block(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        return {"type": "image", "source": _source(part.url)}
    return {"type": "text", "text": part.text}


def _source(url: str) -> dict[str, str]:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, _, data = url.partition(",")
    return {"type": "base64", "media_type": head[5:].removesuffix(";base64"), "data": data}


def _sampling(temperature: float | None, top_p: float | None) -> dict[str, float]:
    """Return temperature or top_p, never both; a temperature above 1 becomes 1, the maximum."""
    if temperature is not None:
        return {"temperature": min(1.0, temperature)}
    return {} if top_p is None else {"top_p": top_p}


def _tool(tool: Any) -> dict[str, Any]:
    schema = dict(tool.parameters) or {"type": "object", "properties": {}}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _tool_choice(choice: Any) -> dict[str, Any]:
    if isinstance(choice, dict):
        return {"tool_choice": {"type": "tool", "name": (choice.get("function") or {}).get("name", "")}}
    return {"tool_choice": {"type": {"required": "any"}.get(choice, choice)}} if choice else {}


DIALECT = AnthropicDialect
