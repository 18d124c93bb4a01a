"""Requests for embeddings, and the vectors that a provider answers with."""

from array import array
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from engine.privacy import NONE, Exclusions

EmbeddingInput: TypeAlias = str | tuple[int, ...]
"""A text, or the ids of its tokens in the model's own vocabulary."""

Vector: TypeAlias = "array[float]"
"""One embedding: type code `f` where it came as 32-bit numbers, `d` where it came as decimal ones."""


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts to embed. `dimensions` None: as many as the model has.

    `as_floats`: the reader wants decimal numbers rather than base64 of 32-bit ones. `id` is that of the HTTP request.
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
        """True where an input is a list of token ids."""
        return any(not isinstance(each, str) for each in self.inputs)


@dataclass(frozen=True, slots=True)
class EmbeddingCall:
    """One call of one provider: a part of a request's inputs. `model` by the provider's name, `key` counts from 0."""

    model: str
    inputs: tuple[EmbeddingInput, ...]
    dimensions: int | None = None
    as_floats: bool = False
    key: int = 0
    exclusions: Exclusions = NONE


@dataclass(frozen=True, slots=True)
class Embeddings:
    """The vectors of one call, in the order of its inputs.

    `input_tokens` None: the provider reported none. `cost_usd`: its own bill, where it reports one.
    """

    vectors: tuple[Vector, ...]
    input_tokens: int | None = None
    cost_usd: Decimal | None = None
