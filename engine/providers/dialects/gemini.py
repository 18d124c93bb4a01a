"""Gemini's native REST: streamGenerateContent?alt=sse; no end marker but a finish reason."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote

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
from engine.errors import CapabilityMissing, KeyRefused, Overloaded, StreamCut
from engine.ports import ProviderCall
from engine.providers.dialects.adapter import (
    NO_PREFILL,
    ProviderAdapter,
    data_url,
    integer,
    json_object,
    thinking_off,
    tool_arguments,
)
from engine.providers.http import Frame

_DONE = {"STOP": Finish.STOP, "MAX_TOKENS": Finish.LENGTH, "CONTINUATION": Finish.LENGTH}
_REFUSED = {"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"}
_FAILED = {
    "OTHER",
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "UNEXPECTED_TOOL_CALL",
    "MISSING_THOUGHT_SIGNATURE",
}
_ACCOUNT_DISABLED = "PUP_LIMITED_DISABLED"  # the account may no longer use the model; its owner has to act
_EFFORT_BUDGET = {"none": 0, "minimal": 0, "low": 1024, "medium": 8192, "high": 24576}
_EFFORT_LEVEL = {"none": "minimal", "xhigh": "high", "max": "high"}
_NO_MINIMAL = ("3.7-flash", "3.8-flash", "-pro")
_NO_PREFILL = ("gemini-3.5", "gemini-3.8")
_TOOL_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


class GeminiDialect(ProviderAdapter):
    def url(self, model: str) -> str:
        return f"{self.base_url}/models/{quote(model, safe='')}:streamGenerateContent?alt=sse"

    def auth(self, secret: str) -> dict[str, str]:
        return {"x-goog-api-key": secret}

    def body(self, call: ProviderCall) -> dict[str, Any]:
        request = call.request
        if request.messages[-1].role is Role.ASSISTANT and call.model.startswith(_NO_PREFILL):
            raise CapabilityMissing(NO_PREFILL)
        system = "\n\n".join(m.text for m in request.messages if m.role is Role.SYSTEM)
        body: dict[str, Any] = {
            "contents": _contents([m for m in request.messages if m.role is not Role.SYSTEM]),
            "generationConfig": self._config(call),
        }
        if system:
            body["systemInstruction"] = {"parts": [{"text": system}]}
        if request.options.tools:
            body["tools"] = [{"functionDeclarations": [_declared(tool) for tool in request.options.tools]}]
            body |= _tool_config(request.options.tool_choice)
        return body

    def own_fields(self, call: ProviderCall) -> frozenset[str]:
        return frozenset({"generationConfig.thinkingConfig"} if thinking_off(call, self.spec) else ())

    def _config(self, call: ProviderCall) -> dict[str, Any]:
        options = call.request.options
        config: dict[str, Any] = {
            "maxOutputTokens": call.output_tokens,
            "temperature": options.temperature,
            "topP": options.top_p,
            "stopSequences": list(options.stop) or None,
            "seed": options.seed,
            "candidateCount": call.request.n if call.request.n > 1 else None,
            "thinkingConfig": _thinking(call, thinking_off(call, self.spec)),
        }
        if not call.model.startswith("gemini-3"):
            config["frequencyPenalty"] = options.frequency_penalty
            config["presencePenalty"] = options.presence_penalty
        if options.wants_json:
            config["responseMimeType"] = "application/json"
            config["responseJsonSchema"] = _schema(options.response_format or {})
        return {name: value for name, value in config.items() if value is not None}

    async def read(self, incoming: AsyncIterator[Frame], call: ProviderCall) -> AsyncGenerator[Chunk, None]:
        state = _StreamState(has_stop_sequences=bool(call.request.options.stop))
        async for frame in incoming:
            data = json_object(frame)
            if "error" in data:
                raise self.failure(data)
            for chunk in _chunks(data, state):
                yield chunk
        if not state.finished:
            raise StreamCut("no finish reason")


class _StreamState:
    def __init__(self, *, has_stop_sequences: bool) -> None:
        self.finished = False
        self.has_stop_sequences = has_stop_sequences
        self.model = ""
        self.calls = 0


def _chunks(data: Mapping[str, Any], state: _StreamState) -> list[Chunk]:
    found: list[Chunk] = []
    model = data.get("modelVersion")
    if isinstance(model, str) and model != state.model:
        state.model = model
        found.append(Served(model))
    if (data.get("promptFeedback") or {}).get("blockReason"):
        state.finished = True
        found.append(Finished(Finish.REFUSED))
    for candidate in data.get("candidates") or ():
        found += _candidate(candidate, state)
    usage = data.get("usageMetadata")
    if isinstance(usage, dict):
        found.append(usage_of(usage))
    return found


def _candidate(candidate: Mapping[str, Any], state: _StreamState) -> list[Chunk]:
    index = integer(candidate.get("index"))
    parts = (candidate.get("content") or {}).get("parts") or ()
    found: list[Chunk] = [delta for delta in (_delta(part, index, state) for part in parts) if delta is not None]
    reason = candidate.get("finishReason")
    if reason:
        found.append(_finished(str(reason), index, state))
    return found


def _delta(part: Mapping[str, Any], index: int, state: _StreamState) -> Delta | None:
    if call := part.get("functionCall"):
        state.calls += 1
        name, position = str(call.get("name") or ""), state.calls - 1
        arguments = json.dumps(call.get("args") or {}, ensure_ascii=False)
        return Delta("", index, (ToolCallDelta(position, call.get("id") or f"call_{position}", name, arguments),))
    text = part.get("text")
    if not isinstance(text, str) or not text:
        return None
    if part.get("thought"):
        return Delta("", index, (), text)
    return Delta(text, index)


def _finished(reason: str, index: int, state: _StreamState) -> Finished:
    state.finished = True
    if reason == _ACCOUNT_DISABLED:
        raise KeyRefused(f"finish reason {reason}")
    if reason in _FAILED:
        raise Overloaded(f"finish reason {reason}")
    if reason in _REFUSED or reason.startswith("IMAGE_"):
        return Finished(Finish.REFUSED, index)
    finish = _DONE.get(reason, Finish.STOP)
    if state.calls and finish is Finish.STOP:
        return Finished(Finish.TOOL_CALLS, index)
    return Finished(finish, index, at_stop_sequence=reason == "STOP" and state.has_stop_sequences)


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Read usage, in which thinking is counted beside the candidates."""
    thoughts = integer(usage.get("thoughtsTokenCount"))
    return Usage(
        integer(usage.get("promptTokenCount")) + integer(usage.get("toolUsePromptTokenCount")),
        integer(usage.get("candidatesTokenCount")) + thoughts,
        integer(usage.get("cachedContentTokenCount")),
        0,
        thoughts,
    )


def _contents(messages: list[Message]) -> list[dict[str, Any]]:
    """Return the turns. Messages of one role in a row are one turn; tool results belong to the user."""
    turns: list[dict[str, Any]] = []
    names = {call.id: call.name for message in messages for call in message.tool_calls}
    for message in messages:
        role = "model" if message.role is Role.ASSISTANT else "user"
        parts = _parts(message, names)
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += parts
        elif parts:
            turns.append({"role": role, "parts": parts})
    return turns


def _parts(message: Message, names: Mapping[str, str]) -> list[dict[str, Any]]:
    if message.role is Role.TOOL:
        name = message.name or names.get(message.tool_call_id, "tool")
        return [{"functionResponse": {"name": name, "response": {"result": message.text}}}]
    parts = [_part(part) for part in message.parts if not (isinstance(part, Text) and not part.text)]
    calls = [{"functionCall": {"name": c.name, "args": tool_arguments(c.arguments)}} for c in message.tool_calls]
    return parts + calls


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, Image):
        kind, data = data_url(part.url)
        return {"inlineData": {"mimeType": kind, "data": data}}
    return {"text": part.text}


def _declared(tool: Any) -> dict[str, Any]:
    declared: dict[str, Any] = {"name": tool.name, "description": tool.description}
    if tool.parameters:
        declared["parametersJsonSchema"] = dict(tool.parameters)
    return declared


def _tool_config(choice: Any) -> dict[str, Any]:
    if choice is None:
        return {}
    if isinstance(choice, dict):
        name = (choice.get("function") or {}).get("name", "")
        return {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": [name]}}}
    return {"toolConfig": {"functionCallingConfig": {"mode": _TOOL_MODES.get(choice, "AUTO")}}}


def _thinking(call: ProviderCall, off: Mapping[str, Any]) -> dict[str, Any] | None:
    effort = call.request.options.reasoning_effort
    if not effort:
        return dict(off) or None
    if call.model.startswith("gemini-3"):
        level = _EFFORT_LEVEL.get(effort, effort)
        has_minimal = not any(part in call.model for part in _NO_MINIMAL)
        return {"thinkingLevel": level if level != "minimal" or has_minimal else "low"}
    return {"thinkingBudget": _EFFORT_BUDGET.get(effort, 8192)}


def _schema(response_format: Mapping[str, Any]) -> Any:
    return (response_format.get("json_schema") or {}).get("schema")


DIALECT = GeminiDialect
