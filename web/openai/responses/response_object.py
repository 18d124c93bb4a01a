"""OpenAI's response object as sent to a tenant: items of its output, status, usage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.chat import Finish, Finished
from engine.completion import Completion
from engine.money import NANO_PER_USD
from engine.tenancy import Charge
from web.openai.chat_response import farthing_json
from web.openai.responses.client_tools import CallForm, call_forms
from web.pipeline.blocks import Block, BlockKind, split

PIECES = "farthing_pieces"
"""The lengths of the pieces that an item's text was sent in, beside a stored item, so that a stream can be repeated."""
SIGNATURE_MARK, REDACTED_MARK = "signature:", "redacted:"  # prefixes of `encrypted_content`, which clients can't read
_INCOMPLETE = {Finish.LENGTH: "max_output_tokens", Finish.REFUSED: "content_filter"}
_ECHOED: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "metadata": {},
    "user": None,
}
"""Fields of the request that the response repeats, with the values of absent ones."""


@dataclass(frozen=True, slots=True)
class ItemForm:
    """The form of items: reasoning `in_summary`, or as content; `sealed`: with the encrypted part for its provider.

    `calls`: the forms of calls by the names of their functions.
    """

    in_summary: bool = False
    sealed: bool = False
    calls: Mapping[str, CallForm] = field(default_factory=dict)

    @staticmethod
    def asked_in(body: Mapping[str, Any]) -> "ItemForm":
        """Return the form that a checked request requires."""
        reasoning = body.get("reasoning") or {}
        summary = reasoning.get("summary") or reasoning.get("generate_summary")
        sealed = "reasoning.encrypted_content" in (body.get("include") or ())
        return ItemForm(bool(summary), sealed, call_forms(body.get("tools")))

    def of_call(self, block: Block) -> CallForm:
        """Return the form of a call; a function's for one that the request does not have."""
        return self.calls.get(block.name) or CallForm("function", block.name)

    def is_sent_whole(self, block: Block) -> bool:
        return block.kind is BlockKind.CALL and self.of_call(block).is_whole


def response_id(request_id: str) -> str:
    return "resp_" + request_id.removeprefix("req-")


def response_of_item(item_id: str) -> str:
    """Return the id of the response whose output contains the item with this id."""
    return "resp_" + item_id.partition("_")[2].rpartition("_")[0]


def input_item_json(item: Mapping[str, Any], id: str) -> dict[str, Any]:  # noqa: A002
    """Return an item of the input in OpenAI's full form: with an id and a status, a message's content as parts."""
    item = {name: value for name, value in item.items() if value is not None}
    if (item.get("type") or "message") != "message":
        return {"id": id, "status": "completed", **item}
    content = item.get("content")
    if isinstance(content, str):
        is_output = item.get("role") == "assistant"
        part: dict[str, Any] = {"type": "output_text" if is_output else "input_text", "text": content}
        content = [{**part, "annotations": [], "logprobs": []} if is_output else part]
    return {"id": id, "status": "completed", **item, "type": "message", "content": content}


def begun_json(request_id: str, created: int, model: str, body: Mapping[str, Any], *, stored: bool) -> dict[str, Any]:
    """Return the response object while the answer is running."""
    text = body.get("text") or {}
    reasoning = body.get("reasoning") or {}
    return {
        "id": response_id(request_id),
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "store": stored,
        "text": {"format": text.get("format") or {"type": "text"}},
        "usage": None,
        **{name: default if body.get(name) is None else body[name] for name, default in _ECHOED.items()},
    }


def ended_json(
    begun: Mapping[str, Any],
    output: Sequence[Mapping[str, Any]],
    completion: Completion,
    charge: Charge,
    ignored: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the response object of a complete answer. `ignored`: the fields that no offer supports."""
    reason = _incomplete_reason(completion)
    return {
        **begun,
        "status": "incomplete" if reason else "completed",
        "incomplete_details": {"reason": reason} if reason else None,
        "model": completion.model,
        "output": list(output),
        "usage": usage_json(completion, charge),
        "farthing": {**farthing_json(completion), "ignored": [*ignored, *completion.ignored]},
    }


def _incomplete_reason(completion: Completion) -> str | None:
    """Return the reason why the answer is incomplete. A refusal in words counts as complete."""
    choice = completion.choices[0]
    if choice.finish is Finish.REFUSED and choice.refusal:
        return None
    return _INCOMPLETE.get(choice.finish) if choice.finish else None


def usage_json(completion: Completion, charge: Charge) -> dict[str, Any]:
    usage = completion.usage
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.tokens,
        "cost": charge.wallet.nanousd / NANO_PER_USD,
        "allowance_tokens": charge.allowance_tokens,
    }


def items_json(request_id: str, blocks: Sequence[Block], form: ItemForm, *, is_cut: bool) -> list[dict[str, Any]]:
    """Return the blocks of an answer as items. `is_cut`: the last item ended at the output limit."""
    last = len(blocks) - 1
    return [
        item_json(request_id, block, "incomplete" if is_cut and n == last else "completed", form)
        for n, block in enumerate(blocks)
    ]


def stored_items_json(request_id: str, completion: Completion, asked: ItemForm) -> list[dict[str, Any]]:
    """Return the items of an answer in their stored form, with everything that a later request may need."""
    blocks = split(completion.events)
    form = ItemForm(sealed=True, calls=asked.calls)
    items = items_json(request_id, blocks, form, is_cut=is_cut(completion))
    sizes = ([len(piece) for piece in block.pieces if piece] for block in blocks)
    return [{**item, PIECES: size} for item, size in zip(items, sizes, strict=True)]


def without_pieces(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored item in the form that its client knows."""
    return {name: value for name, value in item.items() if name != PIECES}


def is_cut(completion: Completion) -> bool:
    """Return whether an answer was cut at the output limit."""
    return any(isinstance(event, Finished) and event.finish is Finish.LENGTH for event in completion.events)


def item_id(request_id: str, block: Block) -> str:
    prefix = {BlockKind.CALL: "fc", BlockKind.THINKING: "rs", BlockKind.REDACTED: "rs"}.get(block.kind, "msg")
    return f"{prefix}_{request_id.removeprefix('req-')}_{block.index}"


def item_json(request_id: str, block: Block, status: str, form: ItemForm) -> dict[str, Any]:
    """Return a block as an item, with its content so far."""
    own = item_id(request_id, block)
    if block.kind is BlockKind.CALL:
        return {"id": own, "status": status, **form.of_call(block).item(block.call_id, block.content)}
    if block.kind in {BlockKind.THINKING, BlockKind.REDACTED}:
        return {"id": own, "type": "reasoning", **_reasoning_json(block, form), "status": status}
    content = [part_json(block)] if block.content else []
    return {"id": own, "type": "message", "role": "assistant", "status": status, "content": content}


def _reasoning_json(block: Block, form: ItemForm) -> dict[str, Any]:
    parts = [part_json(block, in_summary=form.in_summary)] if block.content else []
    found: dict[str, Any] = {"summary": parts, "content": []} if form.in_summary else {"summary": [], "content": parts}
    if form.sealed and block.signature:
        mark = REDACTED_MARK if block.kind is BlockKind.REDACTED else SIGNATURE_MARK
        found["encrypted_content"] = mark + block.signature
    return found


def part_json(block: Block, *, empty: bool = False, in_summary: bool = False) -> dict[str, Any]:
    """Return the only part of a block, or that part without its text (`empty`)."""
    text = "" if empty else block.content
    if block.kind is BlockKind.REFUSAL:
        return {"type": "refusal", "refusal": text}
    if block.kind is BlockKind.THINKING:
        return {"type": "summary_text" if in_summary else "reasoning_text", "text": text}
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
