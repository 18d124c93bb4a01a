"""The stream of Gemini's streamGenerateContent."""

import json
from collections.abc import Mapping
from typing import Any

from engine.chat import Chunk, Delta, Finish, Finished, Served, ToolCallDelta, Usage
from engine.errors import KeyRefused, Overloaded
from engine.providers.dialects.adapter import integer, json_object
from engine.providers.dialects.stream_reader import StreamReader
from engine.providers.refusals import refusal
from engine.providers.sse import Frame

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


class GeminiStreamReader(StreamReader):
    """Reads a stream of GenerateContentResponses."""

    def __init__(self, *, has_stop_sequences: bool) -> None:
        self._has_stop_sequences = has_stop_sequences
        self._model = ""
        self._calls = 0

    def read(self, frame: Frame) -> list[Chunk]:
        data = json_object(frame)
        if "error" in data:
            raise refusal(None, data, {})
        return self._chunks(data)

    def _chunks(self, data: Mapping[str, Any]) -> list[Chunk]:
        found: list[Chunk] = []
        model = data.get("modelVersion")
        if isinstance(model, str) and model != self._model:
            self._model = model
            found.append(Served(model))
        if (data.get("promptFeedback") or {}).get("blockReason"):
            self.has_finished = True
            found.append(Finished(Finish.REFUSED))
        for candidate in data.get("candidates") or ():
            found += self._candidate(candidate)
        usage = data.get("usageMetadata")
        if isinstance(usage, dict):
            found.append(usage_of(usage))
        return found

    def _candidate(self, candidate: Mapping[str, Any]) -> list[Chunk]:
        index = integer(candidate.get("index"))
        parts = (candidate.get("content") or {}).get("parts") or ()
        found: list[Chunk] = [delta for delta in (self._delta(part, index) for part in parts) if delta is not None]
        reason = candidate.get("finishReason")
        if reason:
            found.append(self._finished(str(reason), index))
        return found

    def _delta(self, part: Mapping[str, Any], index: int) -> Delta | None:
        if call := part.get("functionCall"):
            self._calls += 1
            name, position = str(call.get("name") or ""), self._calls - 1
            arguments = json.dumps(call.get("args") or {}, ensure_ascii=False)
            return Delta("", index, (ToolCallDelta(position, call.get("id") or f"call_{position}", name, arguments),))
        text = part.get("text")
        if not isinstance(text, str) or not text:
            return None
        if part.get("thought"):
            return Delta("", index, (), text)
        return Delta(text, index)

    def _finished(self, reason: str, index: int) -> Finished:
        self.has_finished = True
        if reason == _ACCOUNT_DISABLED:
            raise KeyRefused(f"finish reason {reason}")
        if reason in _FAILED:
            raise Overloaded(f"finish reason {reason}")
        if reason in _REFUSED or reason.startswith("IMAGE_"):
            return Finished(Finish.REFUSED, index)
        finish = _DONE.get(reason, Finish.STOP)
        if self._calls and finish is Finish.STOP:
            return Finished(Finish.TOOL_CALLS, index)
        return Finished(finish, index, at_stop_sequence=reason == "STOP" and self._has_stop_sequences)


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
