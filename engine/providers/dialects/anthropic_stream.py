"""The stream of Anthropic's Messages."""

from collections.abc import Mapping
from typing import Any

from engine.chat import Chunk, Delta, Finish, Finished, Served, Usage
from engine.errors import Garbled, Overloaded
from engine.providers.dialects.adapter import compact_json, integer, json_object
from engine.providers.errors.details import in_exception, reports_failure
from engine.providers.refusals import refusal
from engine.providers.sse import Frame, is_heartbeat
from engine.providers.streams.answer_reading import StreamReader
from engine.providers.streams.calls.streamed_call import CallPiece
from engine.providers.streams.calls.tool_calls import ToolCalls
from engine.providers.streams.endings import UsageCounts, finish_of, in_snake_case, is_reason
from engine.providers.streams.glued_frames import frames_in
from engine.providers.streams.listed import listed
from engine.providers.streams.openai_parts import MOST_PARTS
from engine.providers.streams.think_tags import TaggedText, ThinkTags
from engine.providers.tool_ids import ANSWER_TOOL

_EVENTS = frozenset(
    {
        *("message_start", "message_delta", "message_stop", "message"),
        *("content_block_start", "content_block_delta", "content_block_stop", "ping"),
    }
)
_OWN_BLOCKS = frozenset({"text", "tool_use", "thinking", "redacted_thinking", None, ""})
"""The blocks of the model itself; all others are of tools that the provider runs, or of its bookkeeping."""


class AnthropicStreamReader(StreamReader):
    """Reads a stream of Messages events, or one complete message.

    Usage comes in parts; the latest value of each number counts. A call of ANSWER_TOOL is the answer's text.
    `tags`: splits reasoning from the text, for servers that may leave it there.
    """

    def __init__(self, tags: ThinkTags | None = None) -> None:
        self._tags = tags
        self._counts = UsageCounts()
        self._calls = ToolCalls()
        self._inputs: dict[int, str] = {}  # inputs of blocks that arrived complete with their start
        self._answers: set[int] = set()  # blocks whose input is the answer
        self._has_answered = False
        self._of_provider: set[int] = set()  # blocks of tools that the provider itself runs
        self._is_counted = False  # True once the usage was passed on
        self._has_begun = False

    def read(self, frame: Frame) -> list[Chunk]:
        if frame.data[:1] != "{" and (self._is_marker(frame.data.strip()) or is_heartbeat(frame)):
            return []
        try:
            data = json_object(frame)
        except Garbled:
            if len(frames := frames_in(frame.data)) > 1:
                return self.read_each(frame.event, frames)
            if self.has_finished:
                return []
            raise
        kind = data.get("type") or frame.event
        if kind == "error" or (data.get("error") and kind != "message"):
            raise refusal(None, data, {})
        if kind not in _EVENTS and reports_failure(data, frame.event):
            raise refusal(None, in_exception(data, frame.event), {})
        if kind == "message_stop":
            self.has_ended = True
            if is_reason(data.get("stop_reason")) and not self.has_finished:  # a proxy that has no message_delta
                return self._end({"usage": data.get("usage"), "delta": data})
            return [usage_of(self._counts)] if self._count(data.get("usage")) or not self._is_counted else []
        return self._take(kind, data)

    def _count(self, report: Any) -> bool:
        """Add a usage report; return False if `report` is not one. Some proxies write its names in camel case."""
        return self._counts.add(in_snake_case(report) if isinstance(report, dict) else report)

    def _is_marker(self, text: str) -> bool:
        """Return whether `text` is OpenAI's end marker, which some proxies send."""
        self.has_ended = text == "[DONE]"
        return self.has_ended

    def take_usage(self) -> list[Chunk]:
        """Return the usage of the start, once content has come: an answer that is cut is billed by it."""
        if self._is_counted or not self._has_begun or self._counts.is_empty:
            return []
        self._is_counted = True
        return [usage_of(self._counts)]

    def read_usage(self, frame: Frame) -> list[Chunk]:
        data = json_object(frame)
        delta = data.get("delta")
        report = data.get("usage") or (delta.get("usage") if isinstance(delta, dict) else None)
        return [usage_of(self._counts)] if self._count(report) else []

    def end(self) -> list[Chunk]:
        rest = self._split(self._tags.end()) if self._tags is not None else []
        return [*rest, *self._whole_inputs(), *self._call_deltas(self._calls.end())]

    def _take(self, kind: str, data: Mapping[str, Any]) -> list[Chunk]:
        if kind == "message_start":
            message = data.get("message") or {}
            self._count(message.get("usage"))
            return [Served(str(message.get("model") or ""))]
        if kind == "content_block_start":
            return self._block(integer(data.get("index")), data.get("content_block") or {})
        if kind == "content_block_delta":
            return self._delta(integer(data.get("index")), data.get("delta") or {})
        if kind == "message_delta":
            return self._end(data)
        return self._whole(data) if kind == "message" else []

    def _whole(self, message: Mapping[str, Any]) -> list[Chunk]:
        """Return the chunks of a complete message, from a server that ignores `stream`."""
        found: list[Chunk] = [Served(str(message.get("model") or ""))]
        content = message.get("content")
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else listed(content)
        if len(blocks) > MOST_PARTS:
            raise Garbled(f"over {MOST_PARTS} blocks")
        for index, block in enumerate(blocks):
            found += self._block(index, block)
        return found + self._end({"usage": message.get("usage"), "delta": message})

    def _block(self, index: int, block: Mapping[str, Any]) -> list[Chunk]:
        kind, self._has_begun = block.get("type"), True
        if kind == "tool_use":
            return self._call(index, block)
        if kind not in _OWN_BLOCKS:
            self._of_provider.add(index)
            return [Delta()] if kind in {"server_tool_use", "mcp_tool_use"} else []
        if kind == "thinking":
            return self._thinking(block.get("thinking"), block.get("signature"))
        if kind == "redacted_thinking":
            data = block.get("data")
            return [Delta(hides_thinking=True, redacted_thinking=data if isinstance(data, str) else "")]
        return self._text(block.get("text"))

    def _call(self, index: int, block: Mapping[str, Any]) -> list[Chunk]:
        # chunks of a call that this event ends
        before = self._input(index, self._inputs.pop(index)) if index in self._inputs else []
        given = block.get("input")
        if given:
            self._inputs[index] = given if isinstance(given, str) else compact_json(given)
        if block.get("name") == ANSWER_TOOL:
            self._answers.add(index)
            return [*before, Delta()]
        piece = CallPiece(index, str(block.get("id") or ""), str(block.get("name") or ""))
        return [*before, Delta("", 0, tuple(self._calls.take([piece])))]

    def _delta(self, index: int, delta: Mapping[str, Any]) -> list[Chunk]:
        kind = delta.get("type")
        if kind == "input_json_delta" and index in self._of_provider:
            return [Delta()]
        if kind == "input_json_delta":
            piece = delta.get("partial_json") or ""
            return self._input(index, piece if isinstance(piece, str) else compact_json(piece))
        if kind == "thinking_delta":
            return self._thinking(delta.get("thinking") or delta.get("text"), None)
        if kind == "signature_delta":
            return self._thinking(None, delta.get("signature"))
        return self._text(delta.get("text"))

    def _input(self, index: int, piece: str) -> list[Chunk]:
        """Return the chunks for a piece of a call's input. It replaces an input that came with the block's start."""
        if not piece:
            return [Delta()]
        self._inputs.pop(index, None)
        if index in self._answers:
            self._has_answered = True
            return [Delta(piece)]
        return [Delta("", 0, tuple(self._calls.take([CallPiece(index, arguments=piece)])))]

    def _whole_inputs(self) -> list[Chunk]:
        """Return the chunks of inputs that came complete with the start of their blocks."""
        return [chunk for index, text in tuple(self._inputs.items()) for chunk in self._input(index, text)]

    def _thinking(self, text: Any, signature: Any) -> list[Chunk]:
        """Return the chunks of reasoning. An empty piece shows that the model is working."""
        text = text if isinstance(text, str) else ""
        return [Delta("", 0, (), text, thinking_signature=signature if isinstance(signature, str) else "")]

    def _text(self, text: Any) -> list[Chunk]:
        if not isinstance(text, str) or not text:
            return []
        if self._tags is None or self._tags.is_over:
            return [Delta(text)]
        return self._split(self._tags.feed(text)) or [Delta()]

    def _split(self, pieces: list[TaggedText]) -> list[Chunk]:
        return [Delta("", 0, (), piece.text) if piece.is_thinking else Delta(piece.text) for piece in pieces]

    def _call_deltas(self, calls: list[Any]) -> list[Chunk]:
        return [Delta("", 0, tuple(calls))] if calls else []

    def _end(self, data: Mapping[str, Any]) -> list[Chunk]:
        delta = data.get("delta") or {}
        self._is_counted = self._count(data.get("usage") or delta.get("usage")) or self._is_counted
        found: list[Chunk] = [usage_of(self._counts)]
        reason = delta.get("stop_reason")
        if self.is_json and not is_reason(reason) and data.get("delta") is not None and delta.get("content"):
            reason = "end_turn"  # a complete message
        if is_reason(reason):
            found += self.end()
            found.append(self._finished(str(reason), str(delta.get("stop_sequence") or "")))
        return found

    def _finished(self, reason: str, sequence: str) -> Finished:
        """Return the end for `reason`. Raises Overloaded if it is a failure."""
        finish = finish_of(reason)
        if finish is None:
            raise Overloaded(f"stop reason {reason[:100]}")
        if self._calls.is_cut and finish is not Finish.REFUSED:
            finish = Finish.LENGTH
        if self._has_answered and finish is Finish.TOOL_CALLS:
            finish = Finish.STOP
        self.has_finished = True
        return Finished(finish, at_stop_sequence=reason == "stop_sequence", stop_sequence=sequence)


def usage_of(counts: UsageCounts) -> Usage:
    """Read usage, in which plain, cached and cache-written input are disjoint."""
    first = counts.first
    read = first("cache_read_input_tokens")
    by_lifetime = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
    written = first("cache_creation_input_tokens") or sum(first(f"cache_creation.{name}") for name in by_lifetime)
    return Usage(
        first("input_tokens", "prompt_tokens") + read + written,
        first("output_tokens", "completion_tokens"),
        read,
        written,
        first("output_tokens_details.thinking_tokens"),
    )
