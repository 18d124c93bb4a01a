"""MessageEncoder: an answer as the named events of Anthropic's stream."""

import json
from typing import Any

from engine.chat import Completion, Delta, Event, Finish, Finished, ToolCallDelta
from engine.tenancy import Charge
from web.anthropic import message_response
from web.anthropic.problems import problem_json
from web.errors import HttpProblem
from web.pipeline.family import StreamEncoder, sse

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TEXT, _THINKING = "text", "thinking"


class MessageEncoder(StreamEncoder):
    """Encodes one stream. One content block is open at a time, as in Anthropic's own streams.

    A tool call stays open to the end; calls and text that come beside it follow as blocks of their own.
    """

    def __init__(self, id: str, input_tokens: int, ignored: tuple[str, ...] = ()) -> None:  # noqa: A002
        self._id, self._input_tokens, self._ignored = id, input_tokens, ignored
        self._blocks = 0  # content blocks that were begun
        self._open: str | int | None = None  # the kind of the open block, or the position of its call
        self._finish: Finish | None = None
        self._later_calls: dict[int, list[ToolCallDelta]] = {}
        self._later_text: list[str] = []

    def begin(self, provider: str, model: str) -> bytes:  # noqa: ARG002 - in this shape the model is enough
        message = {
            **message_response.begun_json(self._id, model),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": message_response.begun_usage_json(self._input_tokens),
        }
        return _event("message_start", message=message)

    def event(self, event: Event) -> bytes:
        if isinstance(event, Finished):
            self._finish = event.finish
            return b""
        if not isinstance(event, Delta):
            return b""
        sent = b""
        if isinstance(self._open, int):
            self._later_text.append(event.text)
        else:
            sent += self._thinking(event) + self._text(event.text)
        for piece in event.tool_calls:
            sent += self._call(piece)
        return sent

    def end(self, completion: Completion, charge: Charge) -> bytes:
        sent = self._close()
        for pieces in self._later_calls.values():
            sent += b"".join(map(self._call, pieces)) + self._close()
        sent += self._text("".join(self._later_text)) + self._close()
        delta = message_response.stop_json(self._finish, completion)
        usage = message_response.usage_json(completion.usage, charge)
        farthing = message_response.farthing_json(completion, self._ignored)
        return sent + _event("message_delta", delta=delta, usage=usage, farthing=farthing) + _event("message_stop")

    def error(self, problem: HttpProblem) -> bytes:
        return sse(_dumps(problem_json(problem, self._id)), "error")

    def _thinking(self, delta: Delta) -> bytes:
        if not delta.thinking and not delta.thinking_signature:
            return b""
        sent = b""
        if self._open != _THINKING:
            sent += self._close() + self._begin(_THINKING, {"type": "thinking", "thinking": "", "signature": ""})
        if delta.thinking:
            sent += self._piece({"type": "thinking_delta", "thinking": delta.thinking})
        if delta.thinking_signature:
            sent += self._piece({"type": "signature_delta", "signature": delta.thinking_signature})
        return sent

    def _text(self, text: str) -> bytes:
        if not text:
            return b""
        sent = b""
        if self._open != _TEXT:
            sent += self._close() + self._begin(_TEXT, {"type": "text", "text": ""})
        return sent + self._piece({"type": "text_delta", "text": text})

    def _call(self, piece: ToolCallDelta) -> bytes:
        if isinstance(self._open, int) and self._open != piece.position:
            self._later_calls.setdefault(piece.position, []).append(piece)
            return b""
        sent = b""
        if self._open != piece.position:
            block = {"type": "tool_use", "id": piece.id, "name": piece.name, "input": {}}
            sent += self._close() + self._begin(piece.position, block)
        if piece.arguments:
            sent += self._piece({"type": "input_json_delta", "partial_json": piece.arguments})
        return sent

    def _begin(self, kind: str | int, block: dict[str, Any]) -> bytes:
        self._open, self._blocks = kind, self._blocks + 1
        return _event("content_block_start", index=self._blocks - 1, content_block=block)

    def _piece(self, delta: dict[str, Any]) -> bytes:
        return _event("content_block_delta", index=self._blocks - 1, delta=delta)

    def _close(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _event("content_block_stop", index=self._blocks - 1)


def _event(kind: str, **body: Any) -> bytes:
    return sse(_dumps({"type": kind, **body}), kind)
