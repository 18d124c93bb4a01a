"""MessageEncoder: encodes an answer as the named events of Anthropic's stream."""

import json
from typing import Any

from engine.chat import Event, Finish, Finished
from engine.completion import Completion
from engine.tenancy import Charge
from web.anthropic import message_response
from web.anthropic.message_response import UNSIGNED
from web.errors import ErrorShape, HttpProblem
from web.pipeline.blocks import Begun, Block, BlockKind, BlockSplitter, Change, Piece
from web.pipeline.family import StreamEncoder, sse

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class MessageEncoder(StreamEncoder):
    """Encodes one stream. Content blocks follow each other without overlap, as in Anthropic's own streams."""

    def __init__(self, id: str, input_tokens: int, ignored: tuple[str, ...] = ()) -> None:  # noqa: A002
        self._id, self._input_tokens, self._ignored = id, input_tokens, ignored
        self._blocks = BlockSplitter()
        self._finish: Finish | None = None

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
        return b"".join(map(_changed, self._blocks.feed(event)))

    def end(self, completion: Completion, charge: Charge) -> bytes:
        sent = b"".join(map(_changed, self._blocks.end()))
        delta = message_response.stop_json(self._finish, completion)
        usage = message_response.usage_json(completion.usage, charge)
        farthing = message_response.farthing_json(completion, self._ignored)
        return sent + _event("message_delta", delta=delta, usage=usage, farthing=farthing) + _event("message_stop")

    def error(self, problem: HttpProblem) -> bytes:
        return sse(_dumps(problem.body(ErrorShape.ANTHROPIC, self._id)), "error")


def _changed(change: Change) -> bytes:
    index = change.block.index
    if isinstance(change, Begun):
        return _event("content_block_start", index=index, content_block=_begun(change.block))
    if isinstance(change, Piece):
        return b"".join(_event("content_block_delta", index=index, delta=delta) for delta in _deltas(change))
    is_unsigned = change.block.kind is BlockKind.THINKING and not change.block.signature
    signed = _event("content_block_delta", index=index, delta=_signature(UNSIGNED)) if is_unsigned else b""
    return signed + _event("content_block_stop", index=index)


def _begun(block: Block) -> dict[str, Any]:
    if block.kind is BlockKind.CALL:
        return {"type": "tool_use", "id": block.call_id, "name": block.name, "input": {}}
    if block.kind is BlockKind.THINKING:
        return {"type": "thinking", "thinking": "", "signature": ""}
    if block.kind is BlockKind.REDACTED:
        return {"type": "redacted_thinking", "data": block.signature}
    return {"type": "text", "text": ""}


def _deltas(piece: Piece) -> list[dict[str, str]]:
    if piece.block.kind is BlockKind.CALL:
        return [{"type": "input_json_delta", "partial_json": piece.text}]
    if piece.block.kind is BlockKind.THINKING:
        found = [{"type": "thinking_delta", "thinking": piece.text}] if piece.text else []
        return found + ([_signature(piece.signature)] if piece.signature else [])
    return [{"type": "text_delta", "text": piece.text}]


def _signature(signature: str) -> dict[str, str]:
    return {"type": "signature_delta", "signature": signature}


def _event(kind: str, **body: Any) -> bytes:
    return sse(_dumps({"type": kind, **body}), kind)
