"""The stream of OpenAI's chat completions."""

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from engine.chat import Chunk, Delta, Finish, Finished, Served, ToolCallDelta, Usage
from engine.errors import Overloaded
from engine.providers.dialects.adapter import compact_json, integer, json_object
from engine.providers.dialects.stream_reader import StreamReader
from engine.providers.refusals import refusal
from engine.providers.reported_costs import reported_cost
from engine.providers.spec import Spec
from engine.providers.sse import Frame

_FINISHES = {
    "stop": Finish.STOP,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "length": Finish.LENGTH,
    "model_length": Finish.LENGTH,
    "content_filter": Finish.REFUSED,
}
_FAILED = {"error", "insufficient_system_resource"}


class OpenAIStreamReader(StreamReader):
    """Reads a stream of chat completion chunks, or one whole completion."""

    def __init__(self, spec: Spec, *, has_stop_sequences: bool) -> None:
        self._spec, self._has_stop_sequences = spec, has_stop_sequences
        self._refused_choices: set[int] = set()
        self._model = ""

    def read(self, frame: Frame) -> list[Chunk]:
        if frame.data == "[DONE]":
            self.has_ended = True
            return []
        data = json_object(frame)
        error = data.get("error") or (data.get("x_groq") or {}).get("error")
        if error or frame.event == "error" or data.get("object") == "error":
            raise refusal(None, data, {})
        return [
            replace(chunk, cost_usd=_cost(frame, self._spec)) if isinstance(chunk, Usage) else chunk
            for chunk in self._chunks(data)
        ]

    def _chunks(self, data: Mapping[str, Any]) -> list[Chunk]:
        found: list[Chunk] = []
        model = data.get("model")
        if isinstance(model, str) and model and model != self._model:
            self._model = model
            found.append(Served(model))
        for choice in data.get("choices") or ():
            found += self._choice(choice)
        usage = data.get("usage") or (data.get("x_groq") or {}).get("usage")
        if isinstance(usage, dict):
            found.append(usage_of(usage))
        return found

    def _choice(self, choice: Mapping[str, Any]) -> list[Chunk]:
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
                self._refused_choices.add(index)
            logprobs = choice.get("logprobs")
            thought = thinking if isinstance(thinking, str) else "…"
            found.append(Delta(text, index, calls, thought, logprobs if isinstance(logprobs, dict) else None))
        reason = choice.get("finish_reason")
        if reason:
            found.append(self._finished(str(reason), index))
        return found

    def _finished(self, reason: str, index: int) -> Finished:
        """Return the end of a choice; an unknown reason counts as `stop`. Raises Overloaded for a failure."""
        if reason in _FAILED:
            raise Overloaded(f"finish reason {reason}")
        finish = Finish.REFUSED if index in self._refused_choices else _FINISHES.get(reason, Finish.STOP)
        self.has_finished = True
        return Finished(finish, index, at_stop_sequence=reason == "stop" and self._has_stop_sequences)


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
    """Return the bill that a frame reports; None where there is none."""
    return reported_cost(json.loads(frame.data, parse_float=Decimal).get("usage")) if spec.reports_cost else None


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
