"""OpenAI's chat completions as sent to a tenant: the whole answer, the chunks of a stream, the usage."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.chat import Delta, Event, Finished, ToolCall, Usage
from engine.completion import Choice, Completion
from engine.money import NANO_PER_USD
from engine.tenancy import Charge

_encode = msgspec.json.Encoder().encode  # several times faster; gives the same bytes for a text as `dumps`
dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def sendable(body: Mapping[str, Any]) -> bytes:
    """Return `body` as UTF-8 JSON. A lone surrogate, which a provider may send, becomes a question mark."""
    try:
        return _encode(body)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return dumps(body).encode(errors="replace")


def event_of(chunk: Mapping[str, Any]) -> bytes:
    """Return the server-sent event of a chunk."""
    return b"data: %b\n\n" % sendable(chunk)


def completion_json(
    id: str,  # noqa: A002
    created: int,
    completion: Completion,
    charge: Charge,
    ignored: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the whole answer. `ignored`: the fields that no provider gets."""
    return {
        "id": f"chatcmpl-{id}",
        "object": "chat.completion",
        "created": created,
        "model": completion.model,
        "choices": [_choice_json(n, choice) for n, choice in enumerate(completion.choices)],
        "usage": usage_json(completion.usage, charge),
        "farthing": farthing_json(completion, ignored),
    }


def farthing_json(completion: Completion, ignored: Sequence[str] = ()) -> dict[str, Any]:
    """Return the provider and model that answered, and the fields of the request that were ignored."""
    named = [*ignored, *completion.ignored]
    return {"provider": completion.provider, "model": completion.model, "ignored": named}


def chunk_json(id: str, created: int, model: str, event: Event, *, start: bool = False) -> dict[str, Any]:  # noqa: A002
    """Return one chunk of a stream. `start` adds the role, which only the first chunk carries."""
    index, delta, finish = 0, dict[str, Any](), None
    logprobs = None
    if isinstance(event, Delta):
        index, logprobs = event.index, event.logprobs
        delta = _delta_json(event)
    elif isinstance(event, Finished):
        index, finish = event.index, event.finish.value
    if start:
        delta = {"role": "assistant", "content": "", **delta}
    choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
    return _chunk(id, created, model, [choice])


class ChunkEncoder:
    """Encodes the chunks of one stream. Chunks of plain text differ only in the text, so the rest is encoded once."""

    def __init__(self, id: str, created: int, model: str) -> None:  # noqa: A002
        self._id, self._created, self._model = id, created, model
        mark = "<text>"
        before, _, after = event_of(chunk_json(id, created, model, Delta(mark))).partition(dumps(mark).encode())
        self._before, self._after = before, after

    def sse(self, event: Event, *, start: bool = False) -> bytes:
        """Return the server-sent event of a chunk."""
        if start or not isinstance(event, Delta) or not _is_plain(event):
            return event_of(chunk_json(self._id, self._created, self._model, event, start=start))
        try:
            text = _encode(event.text)
        except UnicodeEncodeError:  # a lone surrogate
            text = dumps(event.text).encode(errors="replace")
        return self._before + text + self._after

    def sse_all(self, events: Sequence[Event]) -> bytes:
        """Return the server-sent events of chunks after the first one; plain texts are encoded together."""
        texts = [event.text for event in events if isinstance(event, Delta) and _is_plain(event)]
        try:
            encoded = [_encode(text) for text in texts] if len(texts) == len(events) else []
        except UnicodeEncodeError:  # a lone surrogate
            encoded = []
        if not encoded:
            return b"".join(map(self.sse, events))
        return self._before + (self._after + self._before).join(encoded) + self._after


def _is_plain(event: Delta) -> bool:
    special = event.tool_calls or event.index or event.logprobs or event.thinking or event.is_refusal
    return bool(event.text) and not special


def usage_chunk_json(id: str, created: int, model: str, usage: Usage, charge: Charge) -> dict[str, Any]:  # noqa: A002
    """Return the last chunk of a stream, for clients that set stream_options.include_usage."""
    return {**_chunk(id, created, model, []), "usage": usage_json(usage, charge)}


def usage_json(usage: Usage, charge: Charge) -> dict[str, Any]:
    """Return OpenAI's token counts, `cost` (USD from the wallet) and `allowance_tokens` (tokens paid by the plan)."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "cost": charge.wallet.nanousd / NANO_PER_USD,
        "allowance_tokens": charge.allowance_tokens,
    }


def _chunk(id: str, created: int, model: str, choices: Sequence[Any]) -> dict[str, Any]:  # noqa: A002
    return {
        "id": f"chatcmpl-{id}",
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": list(choices),
    }


def _delta_json(event: Delta) -> dict[str, Any]:
    """Return a delta; reasoning is in `reasoning_content`, which most clients and servers of this shape use."""
    delta: dict[str, Any] = {"reasoning_content": event.thinking} if event.thinking else {}
    if event.text:
        delta["refusal" if event.is_refusal else "content"] = event.text
    if event.tool_calls:
        delta["tool_calls"] = [
            {
                "index": call.position,
                **({"id": call.id, "type": "function"} if call.id else {}),
                "function": {**({"name": call.name} if call.name else {}), "arguments": call.arguments},
            }
            for call in event.tool_calls
        ]
    return delta


def _choice_json(index: int, choice: Choice) -> dict[str, Any]:
    """Return a choice. `content` is null for a refusal, and for tool calls without text."""
    has_other = bool(choice.refusal or choice.tool_calls)
    content = (choice.text or None) if has_other else choice.text
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": choice.refusal or None}
    if choice.thinking:
        message["reasoning_content"] = choice.thinking
    if choice.tool_calls:
        message["tool_calls"] = [_call_json(call) for call in choice.tool_calls]
    finish = choice.finish.value if choice.finish else None
    return {"index": index, "message": message, "logprobs": choice.logprobs, "finish_reason": finish}


def _call_json(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
