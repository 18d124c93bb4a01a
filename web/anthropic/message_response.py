"""Anthropic's Messages as sent to a tenant: the whole message, its content blocks, the usage."""

from collections.abc import Mapping, Sequence
from typing import Any

from engine.chat import Finish, Finished, Usage
from engine.completion import Completion
from engine.json_limits import parsed
from engine.money import NANO_PER_USD
from engine.tenancy import Charge
from web.pipeline.blocks import Block, BlockKind, split

UNSIGNED = "unsigned"
"""The signature of reasoning without one: clients give back only blocks that have a signature."""
_STOP_REASONS = {
    Finish.STOP: "end_turn",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL_CALLS: "tool_use",
    Finish.REFUSED: "refusal",
}


def message_json(id: str, completion: Completion, charge: Charge, ignored: Sequence[str] = ()) -> dict[str, Any]:  # noqa: A002
    """Return the whole message. `ignored`: the fields that no offer supports."""
    return {
        **begun_json(id, completion.model),
        "content": [block_json(block) for block in split(completion.events)],
        **stop_json(completion.choices[0].finish, completion),
        "usage": usage_json(completion.usage, charge),
        "farthing": farthing_json(completion, ignored),
    }


def begun_json(id: str, model: str) -> dict[str, Any]:  # noqa: A002
    """Return a message without its content, stop reason and usage."""
    return {"id": f"msg_{id}", "type": "message", "role": "assistant", "model": model}


def farthing_json(completion: Completion, ignored: Sequence[str]) -> dict[str, Any]:
    return {
        "provider": completion.provider,
        "model": completion.model,
        "ignored": [*ignored, *completion.ignored],
    }


def stop_json(finish: Finish | None, completion: Completion) -> dict[str, Any]:
    """Return the stop reason, and the stop sequence if the provider named it."""
    sequence = next((event.stop_sequence for event in completion.events if isinstance(event, Finished)), "")
    if finish is Finish.STOP and sequence:
        return {"stop_reason": "stop_sequence", "stop_sequence": sequence}
    return {"stop_reason": _STOP_REASONS[finish or Finish.STOP], "stop_sequence": None}


def block_json(block: Block) -> dict[str, Any]:
    """Return a whole block of content."""
    if block.kind is BlockKind.THINKING:
        return {"type": "thinking", "thinking": block.content, "signature": block.signature or UNSIGNED}
    if block.kind is BlockKind.REDACTED:
        return {"type": "redacted_thinking", "data": block.signature}
    if block.kind is BlockKind.CALL:
        return {"type": "tool_use", "id": block.call_id, "name": block.name, "input": _arguments(block.content)}
    return {"type": "text", "text": block.content}


def _arguments(text: str) -> Any:
    """Return the arguments as an object, even if the model wrote something else."""
    try:
        found = parsed(text or "{}")
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"value": found}


def usage_json(usage: Usage, charge: Charge) -> dict[str, Any]:
    """Return Anthropic's token counts, in which plain, cached and cache-written input are disjoint, and the charge."""
    return {
        "input_tokens": max(0, usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens),
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"thinking_tokens": usage.reasoning_tokens},
        "cost": charge.wallet.nanousd / NANO_PER_USD,
        "allowance_tokens": charge.allowance_tokens,
    }


def begun_usage_json(input_tokens: int) -> Mapping[str, int]:
    """Return the usage at the start of a message: an estimate, which the usage at its end replaces."""
    return {
        "input_tokens": input_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 0,
    }
