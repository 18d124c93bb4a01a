"""The part of a group's conversation that an asker pays for: the asker's own turns, and a few of the others'."""

from collections.abc import Sequence
from itertools import groupby

from engine.catalog.token_counts import PER_MESSAGE, estimate_text
from engine.chat import Message, Text, says
from storage.telegram.conversations import SaidMessage

SAFE_SHARE = 0.75
"""A model may count a third more tokens than the estimate."""
LEAST_TOKENS = 100
"""A turn that would be cut to less is left out."""


def paid_by(tenant_id: int, said: Sequence[SaidMessage], talk_tokens: int) -> tuple[Message, ...]:
    """Return the tenant's own turns, and the newest turns of others with at most `talk_tokens` together.

    A turn is a question with its answer. The oldest turn of others is cut if only a part of it fits.
    """
    left_tokens = talk_tokens * SAFE_SHARE
    kept: list[list[Message]] = []
    turns = [list(turn) for _, turn in groupby(said, lambda each: each.request_id)]
    for turn in reversed(turns):
        messages = [each.message for each in turn]
        if turn[0].tenant_id == tenant_id:
            kept.append(messages)
            continue
        size: float = sum(map(_tokens, messages))
        if size > left_tokens:
            messages = _cut(messages, left_tokens)
            size = left_tokens
        left_tokens -= size
        kept.append(messages)
    return tuple(message for turn in reversed(kept) for message in turn)


def _cut(messages: Sequence[Message], tokens: float) -> list[Message]:
    """Return the messages, each cut to an equal share of the tokens; none if the share is too small."""
    each = tokens / len(messages) - PER_MESSAGE
    return [_beginning(message, each) for message in messages] if each >= LEAST_TOKENS else []


def _beginning(message: Message, tokens: float) -> Message:
    text = message.text
    while (size := estimate_text(text)) > tokens:
        text = text[: int(len(text) * tokens / size * 0.95)]
    return message if text == message.text else says(message.role, f"{text}…")


def _tokens(message: Message) -> int:
    return PER_MESSAGE + sum(estimate_text(part.text) for part in message.parts if isinstance(part, Text))
