"""Blocks of reasoning that a client sends back to the provider that wrote them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Thought:
    """A block of reasoning that its provider signed, or `redacted` reasoning that only its provider can read."""

    text: str = ""
    signature: str = ""
    redacted: str = ""


def reasoning_fields(thoughts: Sequence[Thought]) -> dict[str, Any]:
    """Return the fields of an assistant's Message with these blocks of reasoning."""
    text = "\n\n".join(thought.text for thought in thoughts if thought.text)
    signature = next((thought.signature for thought in reversed(thoughts) if thought.signature), "")
    is_several = len(thoughts) > 1 or any(thought.redacted for thought in thoughts)
    return {"thinking": text, "thinking_signature": signature, "thoughts": tuple(thoughts) if is_several else ()}
