"""SignedToolCalls: calls whose signatures may arrive after them; OpenRouter sends Gemini's so."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.chat import ToolCallDelta
from engine.errors import Garbled
from engine.providers.spec import Spec
from engine.providers.streams.calls.streamed_call import CallPiece
from engine.providers.streams.calls.tool_calls import ToolCalls

MOST_PIECES = 10_000  # held until the end: Gemini sends each call in one piece
FORMAT = "google-gemini-v1"
"""OpenRouter's name for the form of Gemini's signatures."""


def signs_calls(spec: Spec, model: str) -> bool:
    """Return whether a model signs its tool calls and wants the signatures back."""
    return bool(spec.signed_calls) and spec.signed_calls in model


def signs_within_calls(spec: Spec, model: str) -> bool:
    """Return whether a model's signatures stand within its calls: those of Gemini's own OpenAI endpoint."""
    return spec.is_self_hosted and "gemini-" in model


def signature_within(call: Mapping[str, Any]) -> str:
    """Return the signature in `extra_content.google`; empty if the call has none."""
    extra = call.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    signature = google.get("thought_signature") if isinstance(google, dict) else None
    return signature if isinstance(signature, str) else ""


class SignedToolCalls(ToolCalls):
    """The calls of one choice. They are passed on at its end, because each id contains the signature of its call."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[CallPiece] = []
        self._signatures: dict[str, str] = {}

    def sign(self, signatures: Mapping[str, str]) -> None:
        """Add signatures, given by the ids of their calls."""
        self._signatures |= signatures

    def take(self, pieces: Sequence[CallPiece], *, at_end: bool = False) -> list[ToolCallDelta]:  # noqa: ARG002
        if len(self._held) + len(pieces) > MOST_PIECES:
            raise Garbled(f"over {MOST_PIECES} pieces of tool calls")
        self._held += pieces
        return []

    def take_message(self, pieces: Sequence[CallPiece]) -> list[ToolCallDelta]:
        """Take a complete message, unless its calls were streamed before it."""
        return [] if self._held else self.take(pieces)

    def end(self) -> list[ToolCallDelta]:
        held, self._held = self._held, []
        found: list[ToolCallDelta] = []
        for piece in held:
            found += super().take([replace(piece, signature=self._signatures.get(piece.id, ""))])
        return found + super().end()
