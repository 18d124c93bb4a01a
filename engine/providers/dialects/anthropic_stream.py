"""The stream of Anthropic's Messages."""

import json
from collections.abc import Mapping
from typing import Any

from engine.chat import Chunk, Delta, Finish, Finished, Served, ToolCallDelta, Usage
from engine.providers.dialects.adapter import integer, json_object
from engine.providers.dialects.stream_reader import StreamReader
from engine.providers.refusals import refusal
from engine.providers.sse import Frame

_FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "pause_turn": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.REFUSED,
}


class AnthropicStreamReader(StreamReader):
    """Reads a stream of Messages events, or one whole message.

    Usage comes in parts; the latest value of each number counts.
    """

    def __init__(self) -> None:
        self._usage: dict[str, Any] = {}
        self._calls: dict[int, int] = {}

    def read(self, frame: Frame) -> list[Chunk]:
        data = json_object(frame)
        kind = data.get("type") or frame.event
        if kind == "error":
            raise refusal(None, data, {})
        if kind == "message_stop":
            self.has_ended = True
            return []
        return self._take(kind, data)

    def _take(self, kind: str, data: Mapping[str, Any]) -> list[Chunk]:
        if kind == "message_start":
            message = data.get("message") or {}
            self._usage |= message.get("usage") or {}
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
            position = self._calls.setdefault(index, len(self._calls))
            return [Delta("", 0, (ToolCallDelta(position, str(block.get("id")), str(block.get("name"))),))]
        return self._text(block.get("text"))

    def _delta(self, index: int, delta: Mapping[str, Any]) -> list[Chunk]:
        kind = delta.get("type")
        if kind == "input_json_delta":
            piece = str(delta.get("partial_json") or "")
            return [Delta("", 0, (ToolCallDelta(self._calls.get(index, 0), "", "", piece),))]
        if kind == "thinking_delta":
            return [Delta("", 0, (), str(delta.get("thinking") or "…"))]
        return self._text(delta.get("text"))

    def _text(self, text: Any) -> list[Chunk]:
        if not isinstance(text, str) or not text:
            return []
        return [Delta(text)]

    def _end(self, data: Mapping[str, Any]) -> list[Chunk]:
        self._usage |= {key: value for key, value in (data.get("usage") or {}).items() if value is not None}
        found: list[Chunk] = [usage_of(self._usage)]
        delta = data.get("delta") or {}
        reason = delta.get("stop_reason")
        if reason:
            self.has_finished = True
            finish = _FINISHES.get(str(reason), Finish.STOP)
            sequence = str(delta.get("stop_sequence") or "")
            found.append(Finished(finish, at_stop_sequence=reason == "stop_sequence", stop_sequence=sequence))
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
