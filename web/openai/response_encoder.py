"""ResponseEncoder: an answer as the numbered events of POST /v1/responses."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.chat import Completion, Event
from engine.tenancy import Charge
from web.errors import HttpProblem
from web.openai import response_object
from web.openai.chat_response import dumps
from web.pipeline.blocks import Begun, Block, BlockKind, BlockSplitter, Change, Piece
from web.pipeline.family import StreamEncoder, sse

_EVENTS = {
    BlockKind.TEXT: ("response.output_text", "text"),
    BlockKind.REFUSAL: ("response.refusal", "refusal"),
    BlockKind.THINKING: ("response.reasoning_text", "text"),
    BlockKind.CALL: ("response.function_call_arguments", "arguments"),
}
"""The events of each kind of block, before `.delta` and `.done`, and the field of its whole content."""


class ResponseEncoder(StreamEncoder):
    """Encodes one stream. `begun` is the response as it begins, without its model."""

    def __init__(self, request_id: str, begun: Mapping[str, Any], ignored: Sequence[str] = ()) -> None:
        self._request_id, self._begun, self._ignored = request_id, dict(begun), ignored
        self._blocks = BlockSplitter()
        self._number = 0
        self._has_begun = False

    def begin(self, provider: str, model: str) -> bytes:  # noqa: ARG002 - in this shape the model is enough
        self._begun["model"] = model or self._begun["model"]
        self._has_begun = True
        events = ("response.created", "response.in_progress")
        return b"".join(self._event(kind, response=self._begun) for kind in events)

    def event(self, event: Event) -> bytes:
        return b"".join(self._changed(change, "completed") for change in self._blocks.feed(event))

    def end(self, completion: Completion, charge: Charge) -> bytes:
        status = response_object.item_status(completion.events)
        sent = b"".join(self._changed(change, status) for change in self._blocks.end())
        output = [response_object.item_json(self._request_id, block, status) for block in self._blocks.blocks]
        ended = response_object.ended_json(self._begun, output, completion, charge, self._ignored)
        return sent + self._event(f"response.{ended['status']}", response=ended)

    def error(self, problem: HttpProblem) -> bytes:
        error = {"code": problem.code or "server_error", "message": problem.message}
        if not self._has_begun:
            return self._event("error", **error, param=problem.param)
        failed = {**self._begun, "status": "failed", "error": error}
        return self._event("response.failed", response=failed)

    def _changed(self, change: Change, status: str) -> bytes:
        block = change.block
        if isinstance(change, Begun):
            return self._item_begun(block)
        if isinstance(change, Piece):
            if not change.text:
                return b""
            return self._event(
                f"{_EVENTS[block.kind][0]}.delta", **self._at(block), delta=change.text, **_logprobs(block)
            )
        return self._item_ended(block, status)

    def _item_begun(self, block: Block) -> bytes:
        item = response_object.item_json(self._request_id, block, "in_progress")
        sent = self._event("response.output_item.added", output_index=block.index, item=item)
        if block.kind is BlockKind.CALL:
            return sent
        part = response_object.part_json(block, empty=True)
        return sent + self._event("response.content_part.added", **self._at(block), part=part)

    def _item_ended(self, block: Block, status: str) -> bytes:
        kind, name = _EVENTS[block.kind]
        named = {"name": block.name} if block.kind is BlockKind.CALL else {}
        sent = self._event(f"{kind}.done", **self._at(block), **{name: block.content}, **named, **_logprobs(block))
        if block.kind is not BlockKind.CALL:
            part = response_object.part_json(block)
            sent += self._event("response.content_part.done", **self._at(block), part=part)
        item = response_object.item_json(self._request_id, block, status)
        return sent + self._event("response.output_item.done", output_index=block.index, item=item)

    def _at(self, block: Block) -> dict[str, Any]:
        place = {"item_id": response_object.item_id(self._request_id, block), "output_index": block.index}
        return place if block.kind is BlockKind.CALL else {**place, "content_index": 0}

    def _event(self, kind: str, **body: Any) -> bytes:
        self._number += 1
        return sse(dumps({"type": kind, "sequence_number": self._number - 1, **body}), kind)


def _logprobs(block: Block) -> dict[str, list[Any]]:
    """Return the empty list that OpenAI's clients require beside a text."""
    return {"logprobs": []} if block.kind is BlockKind.TEXT else {}
