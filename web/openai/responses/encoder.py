"""ResponseEncoder: encodes an answer as the numbered events of POST /v1/responses."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.chat import Event
from engine.completion import Completion
from engine.tenancy import Charge
from web.errors import HttpProblem
from web.openai.chat_response import dumps
from web.openai.custom_tools import KIND, input_of
from web.openai.responses import response_object
from web.openai.responses.response_object import ItemForm
from web.pipeline.blocks import Begun, Block, BlockKind, BlockSplitter, Change, Piece
from web.pipeline.family import StreamEncoder, sse

_EVENTS = {
    BlockKind.TEXT: ("response.output_text", "text"),
    BlockKind.REFUSAL: ("response.refusal", "refusal"),
    BlockKind.THINKING: ("response.reasoning_text", "text"),
    BlockKind.CALL: ("response.function_call_arguments", "arguments"),
}
"""The events of each kind of block, before `.delta` and `.done`, and the field of its whole content."""
_CODES_OF_FAILED = frozenset({"server_error", "rate_limit_exceeded", "invalid_prompt"})
"""The codes of OpenAI's own that the `error` of a failed response may have here."""
_PLAIN = ItemForm()
_CUSTOM = "response.custom_tool_call_input"
_PART, _SUMMARY_PART = "response.content_part", "response.reasoning_summary_part"


class ResponseEncoder(StreamEncoder):
    """Encodes one stream. `begun`: the response at its start, without its model."""

    def __init__(
        self,
        request_id: str,
        begun: Mapping[str, Any],
        ignored: Sequence[str] = (),
        form: ItemForm = _PLAIN,
    ) -> None:
        self._request_id, self._begun, self._ignored, self._form = request_id, dict(begun), ignored, form
        self._blocks = BlockSplitter()
        self._number = 0
        self._has_begun = False
        self._with_part: set[int] = set()

    def begin(self, provider: str, model: str) -> bytes:  # noqa: ARG002 - in this shape the model is enough
        self._begun["model"] = model or self._begun["model"]
        self._has_begun = True
        events = ("response.created", "response.in_progress")
        return b"".join(self._event(kind, response=self._begun) for kind in events)

    def event(self, event: Event) -> bytes:
        return b"".join(map(self.change, self._blocks.feed(event)))

    def end(self, completion: Completion, charge: Charge) -> bytes:
        is_cut = response_object.is_cut(completion)
        changes = self._blocks.end()
        last = len(self._blocks.blocks) - 1
        sent = b"".join(self.change(each, is_cut=is_cut and each.block.index == last) for each in changes)
        output = response_object.items_json(self._request_id, self._blocks.blocks, self._form, is_cut=is_cut)
        return sent + self.ended(response_object.ended_json(self._begun, output, completion, charge, self._ignored))

    def ended(self, response: Mapping[str, Any]) -> bytes:
        """Return the last event, which contains the whole response."""
        return self._event(f"response.{response['status']}", response=response)

    def error(self, problem: HttpProblem) -> bytes:
        error = {"code": problem.code or "server_error", "message": problem.message}
        if not self._has_begun:
            return self._event("error", **error, param=problem.param)
        code = error["code"] if error["code"] in _CODES_OF_FAILED else "server_error"
        failed = {**self._begun, "status": "failed", "error": {**error, "code": code, "type": error["code"]}}
        return self._event("response.failed", response=failed)

    def change(self, change: Change, *, is_cut: bool = False) -> bytes:
        """Return the events for one change. `is_cut`: the block ends at the output limit."""
        block = change.block
        if isinstance(change, Begun):
            return self._item_begun(block)
        if isinstance(change, Piece):
            return self._piece(block, change.text) if change.text else b""
        return self._item_ended(block, "incomplete" if is_cut else "completed")

    def _item_begun(self, block: Block) -> bytes:
        empty = replace(block, pieces=[], signature="")  # the text of its first piece is sent already
        item = response_object.item_json(self._request_id, empty, "in_progress", self._form)
        sent = self._event("response.output_item.added", output_index=block.index, item=item)
        return sent + self._part_begun(block) if block.kind in {BlockKind.TEXT, BlockKind.REFUSAL} else sent

    def _part_begun(self, block: Block) -> bytes:
        self._with_part.add(block.index)
        return self._part_event("added", block, empty=True)

    def _piece(self, block: Block, text: str) -> bytes:
        """Return the event for a text. Reasoning may have no text, so its part is opened only by its first text.

        The input of a custom tool is sent as one text at the end: until then it is part of a JSON text. Calls of tools
        without a schema come as items only.
        """
        if self._form.is_sent_whole(block):
            return b""
        is_first = block.kind is BlockKind.THINKING and block.index not in self._with_part
        begun = self._part_begun(block) if is_first else b""
        return begun + self._event(f"{self._kind(block)}.delta", **self._at(block), delta=text, **_logprobs(block))

    def _item_ended(self, block: Block, status: str) -> bytes:
        sent = b""
        if self._form.is_sent_whole(block):
            sent = self._custom_input(block) if self._form.of_call(block).kind == KIND else b""
        elif block.kind is BlockKind.CALL or block.index in self._with_part:
            named = {"name": self._form.of_call(block).name} if block.kind is BlockKind.CALL else {}
            whole = {_EVENTS[block.kind][1]: block.content}
            sent = self._event(f"{self._kind(block)}.done", **self._at(block), **whole, **named, **_logprobs(block))
        if block.index in self._with_part:
            sent += self._part_event("done", block)
        item = response_object.item_json(self._request_id, block, status, self._form)
        return sent + self._event("response.output_item.done", output_index=block.index, item=item)

    def _custom_input(self, block: Block) -> bytes:
        text = input_of(block.content)
        delta = self._event(f"{_CUSTOM}.delta", **self._at(block), delta=text) if text else b""
        return delta + self._event(f"{_CUSTOM}.done", **self._at(block), input=text)

    def _part_event(self, name: str, block: Block, *, empty: bool = False) -> bytes:
        in_summary = self._in_summary(block)
        part = response_object.part_json(block, empty=empty, in_summary=in_summary)
        return self._event(f"{_SUMMARY_PART if in_summary else _PART}.{name}", **self._at(block), part=part)

    def _kind(self, block: Block) -> str:
        return "response.reasoning_summary_text" if self._in_summary(block) else _EVENTS[block.kind][0]

    def _in_summary(self, block: Block) -> bool:
        return block.kind is BlockKind.THINKING and self._form.in_summary

    def _at(self, block: Block) -> dict[str, Any]:
        place = {"item_id": response_object.item_id(self._request_id, block), "output_index": block.index}
        if block.kind is BlockKind.CALL:
            return place
        return {**place, "summary_index" if self._in_summary(block) else "content_index": 0}

    def _event(self, kind: str, **body: Any) -> bytes:
        self._number += 1
        return sse(dumps({"type": kind, "sequence_number": self._number - 1, **body}), kind)


def _logprobs(block: Block) -> dict[str, list[Any]]:
    """Return the empty list that OpenAI's clients require beside a text."""
    return {"logprobs": []} if block.kind is BlockKind.TEXT else {}
