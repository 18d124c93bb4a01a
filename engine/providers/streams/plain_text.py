"""plain_text: a fast reader for a stream frame in OpenAI's shape that contains text and nothing else.

Nearly all frames of an answer are of this form. Every other frame is left to the general reader, which takes ten times
as long and decides all doubtful cases.
"""

from typing import Literal, NamedTuple

import msgspec

from engine.providers.sse import Frame

_MOST_CHARS = 16_384


class PlainText(NamedTuple):
    """The text of the choice `number`, and the model that the frame names."""

    text: str
    number: int
    model: str


class _Delta(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    content: str
    role: str | None = None
    refusal: None = None
    reasoning: None = None
    reasoning_content: None = None
    tool_calls: None = None
    function_call: None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    delta: _Delta
    index: int = 0
    finish_reason: None = None
    native_finish_reason: None = None
    stop_reason: None = None
    logprobs: None = None


class _Chunk(msgspec.Struct, gc=False):
    """A chunk. The general reader ignores all fields that are not listed here."""

    choices: tuple[_Choice]
    object: Literal["chat.completion.chunk"]
    model: str = ""
    error: None = None
    usage: None = None
    x_groq: None = None


_decode = msgspec.json.Decoder(_Chunk).decode


def plain_text(frame: Frame) -> PlainText | None:
    """Return the text of `frame`; None if it contains anything else, no text, or invalid JSON."""
    if frame.event or len(frame.data) > _MOST_CHARS or '"content"' not in frame.data:
        return None
    try:
        chunk = _decode(frame.data)
    except (msgspec.DecodeError, RecursionError):
        return None
    choice = chunk.choices[0]
    text = choice.delta.content
    return PlainText(text, choice.index, chunk.model) if text else None
