"""plain_chunk: a fast decoder for a stream frame in OpenAI's shape with text, the start or end of a choice, or usage.

Nearly all frames of an answer are of this form. Every other frame is left to the general reader, which takes several
times as long and decides all doubtful cases.
"""

from typing import Annotated, Any, Literal

import msgspec

from engine.providers.sse import Frame

_MOST_CHARS = 16_384


class PlainDelta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: str | None = None
    role: str | None = None
    refusal: None = None
    reasoning: None = None
    reasoning_content: None = None
    tool_calls: None = None
    function_call: None = None


class PlainChoice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    delta: PlainDelta
    index: Annotated[int, msgspec.Meta(ge=0)] = 0
    finish_reason: str | None = None
    native_finish_reason: None = None
    stop_reason: None = None
    logprobs: None = None


class PlainChunk(msgspec.Struct, gc=False):
    """A chunk with at most one choice. The general reader ignores all fields that are not listed here.

    The fields of type None hold errors, the finish, or usage in other spellings, in chunks that are not plain.
    """

    choices: list[PlainChoice]
    object: Literal["chat.completion.chunk"]
    model: str = ""
    usage: dict[str, Any] | None = None
    finish_reason: None = None
    finishReason: None = None  # noqa: N815 - as sent
    done_reason: None = None
    prompt_eval_count: None = None
    meta: None = None
    metadata: None = None
    usageMetadata: None = None  # noqa: N815 - as sent
    usage_metadata: None = None
    timings: None = None
    x_groq: None = None
    error: None = None
    errors: None = None
    error_msg: None = None
    message: None = None
    msg: None = None
    detail: None = None
    base_resp: None = None


_decode = msgspec.json.Decoder(PlainChunk).decode


def plain_chunk(frame: Frame) -> PlainChunk | None:
    """Return the chunk in `frame`; None if it contains anything else, or invalid JSON."""
    if frame.event or len(frame.data) > _MOST_CHARS:
        return None
    try:
        chunk = _decode(frame.data)
    except (msgspec.DecodeError, RecursionError):
        return None
    return chunk if len(chunk.choices) == 1 or (not chunk.choices and chunk.usage) else None
