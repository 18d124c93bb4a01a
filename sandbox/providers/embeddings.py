"""Embeddings of stand-ins: requests, checked as strictly as by the real providers, and vectors made of hashes."""

import base64
import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.providers.exchange import count
from sandbox.providers.refusals import Refusal, StandInRefused

EMBEDDINGS_PATH = "embeddings"
MOST_INPUTS, MOST_INPUT_TOKENS, MOST_TOKENS = 2048, 8192, 300_000
_INVALID = "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."


@dataclass(frozen=True, slots=True)
class AskedEmbeddings:
    """A request for embeddings in any dialect; `dimensions`: the length of each vector."""

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int
    is_base64: bool = False

    @property
    def tokens(self) -> int:
        return sum(tokens_of(each) for each in self.inputs)


def inputs_of(body: Mapping[str, Any]) -> tuple[str | tuple[int, ...], ...]:
    """Return the texts and token lists under `input`. Raises StandInRefused as OpenAI would."""
    found = body.get("input")
    if isinstance(found, str) or _is_token_list(found):
        found = [found]
    if not isinstance(found, list) or not 0 < len(found) <= MOST_INPUTS:
        raise StandInRefused(Refusal(400, _INVALID))
    if "" in found:
        raise StandInRefused(Refusal(400, "Invalid 'input': input cannot be an empty string.", param="input"))
    if not (all(isinstance(each, str) for each in found) or all(_is_token_list(each) for each in found)):
        raise StandInRefused(Refusal(400, _INVALID))
    return tuple(each if isinstance(each, str) else tuple(each) for each in found)


def check_tokens(asked: AskedEmbeddings) -> None:
    """Raise StandInRefused for an input, or a request, with more tokens than OpenAI accepts."""
    longest = max(tokens_of(each) for each in asked.inputs)
    if longest > MOST_INPUT_TOKENS:
        message = (
            f"This model's maximum context length is {MOST_INPUT_TOKENS} tokens, however you requested {longest} "
            f"tokens ({longest} in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
        )
        raise StandInRefused(Refusal(400, message))
    if asked.tokens > MOST_TOKENS:
        message = f"Requested {asked.tokens} tokens, max {MOST_TOKENS} tokens per request"
        raise StandInRefused(Refusal(400, message, "max_tokens_per_request", "max_tokens_per_request"))


def dimensions_of(wanted: Any, most: int, name: str = "dimensions") -> int:
    """Return the requested number of dimensions, by default `most`. Raises StandInRefused for a larger one."""
    if wanted is None:
        return most
    if type(wanted) is not int or not 1 <= wanted <= most:
        message = f"Invalid value for '{name}' = {wanted}. Must be less than or equal to {most}."
        raise StandInRefused(Refusal(400, message, param=name))
    return wanted


def tokens_of(each: str | tuple[int, ...]) -> int:
    return count(each) if isinstance(each, str) else len(each)


def vector(each: str | tuple[int, ...], dimensions: int) -> list[float]:
    """Return a vector of length 1, always the same for the same input."""
    hashed = hashlib.shake_256(repr(each).encode(errors="replace")).digest(dimensions)
    length = math.sqrt(sum((byte - 127.5) ** 2 for byte in hashed))
    return [(byte - 127.5) / length for byte in hashed]


def encoded(asked: AskedEmbeddings) -> list[list[float] | str]:
    vectors = [vector(each, asked.dimensions) for each in asked.inputs]
    if not asked.is_base64:
        return [*vectors]
    return [base64.b64encode(struct.pack(f"<{asked.dimensions}f", *each)).decode() for each in vectors]


def _is_token_list(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(type(each) is int for each in found)
