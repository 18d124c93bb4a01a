"""Requests for embeddings, and the vectors that providers return."""

from array import array
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from engine.privacy import NONE, Exclusions

EmbeddingInput: TypeAlias = str | tuple[int, ...]
"""A text, or the ids of its tokens in the model's own vocabulary."""

Vector: TypeAlias = "array[float]"
"""One embedding: type code `f` if it arrived as 32-bit numbers, `d` if as decimal ones."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts to embed. `dimensions` None: the model's full number.

    `as_floats`: the client wants decimal numbers instead of base64 of 32-bit floats. `id` is that of the HTTP request.
    `exclusions`: the providers that may not see the texts.
    """

    id: str
    model: str
    inputs: tuple[EmbeddingInput, ...]
    dimensions: int | None = None
    as_floats: bool = False
    key_id: int | None = None
    epoch: int = 1
    exclusions: Exclusions = NONE

    @property
    def has_tokens(self) -> bool:
        """True if an input is a list of token ids."""
        return any(not isinstance(each, str) for each in self.inputs)


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    """One call of one provider with a part of a request's inputs.

    `model`: the provider's name for it; `key` counts from 0.
    """

    model: str
    inputs: tuple[EmbeddingInput, ...]
    dimensions: int | None = None
    as_floats: bool = False
    key: int = 0
    exclusions: Exclusions = NONE


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The vectors of one call, in the order of its inputs.

    `input_tokens` None: the provider reported no count. `cost_usd`: the provider's own bill, if it reports one.
    """

    vectors: tuple[Vector, ...]
    input_tokens: int | None = None
    cost_usd: Decimal | None = None
