"""OpenAI's chat completions, as every seller of that dialect speaks it."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

from engine.catalog.capabilities import MissingCapability
from engine.chat import Chunk, Delta, Finish, Finished, Served, ToolCallDelta, Usage
from engine.errors import CapabilityMissing, EmptyAnswer, Overloaded, StreamCut
from engine.ports import ProviderCall
from engine.providers import http
from engine.providers.dialects import openai_wire, transcriptions
from engine.providers.dialects.base import Adapter, parsed, thinking_off, whole
from engine.providers.sse import Frame
from engine.speech import Recording, SpeechText

_FINISHES = {
    "stop": Finish.STOP,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "length": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "content_filter": Finish.REFUSED,
}
_FAILED = {"error", "insufficient_system_resource"}


class OpenAIDialect(Adapter):
    def url(self, model: str) -> str:  # noqa: ARG002 - the model is in the body
        return f"{self.base_url}/chat/completions"

    def auth(self, secret: str) -> dict[str, str]:
        return {"authorization": f"Bearer {secret}"}

    def body(self, call: ProviderCall) -> dict[str, Any]:
        if call.request.n > 1 and self.spec.one_choice:
            raise CapabilityMissing(MissingCapability.CHOICES.value)
        return {**openai_wire.request_body(call, self.spec), **thinking_off(call, self.spec)}

    async def hear(self, model: str, recording: Recording, key: int = 0) -> SpeechText:
        """The recording in writing. Raises a ProviderError."""
        url = self.base_url + transcriptions.PATH
        body, kind = transcriptions.form(url, model, recording)
        headers = {"content-type": kind, "accept": "application/json", **self._headers(key)}
        async with http.post(self._http, url, headers, body) as response:
            await self._look(response, key)
            return await transcriptions.answered(response)

    async def read(self, incoming: AsyncIterator[Frame], call: ProviderCall) -> AsyncGenerator[Chunk, None]:  # noqa: ARG002
        seen = _Seen()
        async for frame in incoming:
            if frame.data == "[DONE]":
                seen.ended = True
                break
            data = parsed(frame)
            error = data.get("error") or (data.get("x_groq") or {}).get("error")
            if error or frame.event == "error" or data.get("object") == "error":
                raise self.failure(data)
            for chunk in _chunks(data, seen):
                yield chunk
        if not seen.ended and not seen.finished:
            raise StreamCut("no end marker, no finish reason")
        if not seen.words and not seen.refused:
            raise EmptyAnswer


class _Seen:
    """How far a stream has come."""

    def __init__(self) -> None:
        self.ended = self.finished = self.words = self.refused = False
        self.refusing: set[int] = set()
        self.model = ""


def _chunks(data: Mapping[str, Any], seen: _Seen) -> list[Chunk]:
    found: list[Chunk] = []
    model = data.get("model")
    if isinstance(model, str) and model and model != seen.model:
        seen.model = model
        found.append(Served(model))
    for choice in data.get("choices") or ():
        found += _choice(choice, seen)
    usage = data.get("usage") or (data.get("x_groq") or {}).get("usage")
    if isinstance(usage, dict):
        found.append(usage_of(usage))
    return found


def _choice(choice: Mapping[str, Any], seen: _Seen) -> list[Chunk]:
    # Some servers answer a stream request with one whole message.
    delta = choice.get("delta") or choice.get("message") or {}
    index = whole(choice.get("index"))
    found: list[Chunk] = []
    text = delta.get("content") or delta.get("refusal") or ""
    text = text if isinstance(text, str) else "".join(p.get("text", "") for p in text if isinstance(p, dict))
    thinking = delta.get("reasoning_content") or delta.get("reasoning") or ""
    calls = tuple(_tool_call(call, n) for n, call in enumerate(delta.get("tool_calls") or ()))
    if text or calls or thinking:
        seen.words = seen.words or bool(text or calls)
        if delta.get("refusal"):
            seen.refusing.add(index)
        logprobs = choice.get("logprobs")
        thought = thinking if isinstance(thinking, str) else "…"
        found.append(Delta(text, index, calls, thought, logprobs if isinstance(logprobs, dict) else None))
    reason = choice.get("finish_reason")
    if reason:
        found.append(_finished(str(reason), index, seen))
    return found


def _finished(reason: str, index: int, seen: _Seen) -> Finished:
    """Raises Overloaded for an ending that is a failure; an unknown one is an end where there are words."""
    if reason in _FAILED:
        raise Overloaded(f"finish reason {reason}")
    finish = Finish.REFUSED if index in seen.refusing else _FINISHES.get(reason, Finish.STOP)
    seen.finished = True
    seen.refused = seen.refused or finish is Finish.REFUSED
    return Finished(finish, index)


def _tool_call(call: Mapping[str, Any], position: int) -> ToolCallDelta:
    function = call.get("function") or {}
    where = call.get("index")
    arguments = function.get("arguments") or ""
    return ToolCallDelta(
        where if isinstance(where, int) else position,
        str(call.get("id") or ""),
        str(function.get("name") or ""),
        arguments if isinstance(arguments, str) else openai_wire.dumps(arguments),
    )


def usage_of(usage: Mapping[str, Any]) -> Usage:
    """Every seller's way to tell of cached tokens; what is absurd is left for the gateway to judge."""
    details = usage.get("prompt_tokens_details") or {}
    cached = details.get("cached_tokens")
    return Usage(
        whole(usage.get("prompt_tokens")),
        whole(usage.get("completion_tokens")),
        whole(usage.get("prompt_cache_hit_tokens") if cached is None else cached),
        whole(details.get("cache_write_tokens")),
        whole((usage.get("completion_tokens_details") or {}).get("reasoning_tokens")),
    )
