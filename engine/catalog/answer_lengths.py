"""Lengths of answers: the visible tokens to expect, learned by model, size of the input and tenant.

Each quarter of an octave of input tokens is drawn towards its octave while its samples are few, and the octave towards
the mean of its model. A tenant's own answers count as a multiple of those of all.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

USUAL_OUTPUT_TOKENS = 240  # the expected length of an answer while none was seen
MEMORY = 0.995
SIZE_WEIGHT = 10.0  # this many answers to inputs of one size weigh as much as those of all sizes
OWN_WEIGHT = 10.0  # this many answers of one tenant weigh as much as those of all tenants
_MOST_TENANTS = 20_000
_QUARTERS = 4  # buckets in an octave


@dataclass(slots=True)
class Mean:
    """A mean with forgetting: the first samples count in full, later ones with `1 - MEMORY` each."""

    value: float = 0.0
    samples: float = 0.0

    def add(self, value: float) -> None:
        self.samples = min(self.samples + 1, 1 / (1 - MEMORY))
        self.value += (value - self.value) / self.samples

    def drawn(self, towards: float, weight: float) -> float:
        """Return the mean as if `weight` further samples had the value `towards`."""
        return (self.value * self.samples + towards * weight) / (self.samples + weight)


@dataclass(slots=True)
class AnswerLengths:
    """Means of visible tokens. `_octaves` and `_quarters` are by model and size of the input."""

    _models: dict[str, Mean] = field(default_factory=dict)
    _octaves: dict[tuple[str, int], Mean] = field(default_factory=dict)
    _quarters: dict[tuple[str, int], Mean] = field(default_factory=dict)
    _own: dict[tuple[int, str], Mean] = field(default_factory=dict)

    def expected(self, model: str, tenant_id: int | None, input_tokens: int) -> float:
        """Return the tokens to expect; `input_tokens` 0 is an unknown size."""
        usual = self._usual(model, input_tokens)
        own = None if tenant_id is None else self._own.get((tenant_id, model))
        return usual if own is None else usual * own.drawn(1.0, OWN_WEIGHT)

    def learn(self, model: str, tenant_id: int | None, input_tokens: int, tokens: float) -> None:
        self._models.setdefault(model, Mean()).add(tokens)
        if input_tokens > 0:
            quarter = _quarter(input_tokens)
            self._octaves.setdefault((model, quarter // _QUARTERS), Mean()).add(tokens)
            self._quarters.setdefault((model, quarter), Mean()).add(tokens)
        if tenant_id is not None:
            if len(self._own) > _MOST_TENANTS:
                self._own.clear()
            self._own.setdefault((tenant_id, model), Mean()).add(tokens / self._usual(model, input_tokens))

    def dump(self) -> dict[str, Any]:
        """Return the state to keep over a restart, as JSON; tenants' own lengths are learned again."""
        return {
            "answers": [[model, mean.value, mean.samples] for model, mean in self._models.items()],
            "answers_by_octave": _rows(self._octaves),
            "answers_by_quarter": _rows(self._quarters),
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """Restore the state of `dump`; earlier releases stored no sizes. Raises KeyError, TypeError or ValueError."""
        for model, value, samples in kept["answers"]:
            self._models[str(model)] = Mean(float(value), float(samples))
        for name, means in (("answers_by_octave", self._octaves), ("answers_by_quarter", self._quarters)):
            for model, size, value, samples in kept.get(name, ()):
                means[str(model), int(size)] = Mean(float(value), float(samples))

    def _usual(self, model: str, input_tokens: int) -> float:
        of_all = self._models.get(model)
        if of_all is None:
            return USUAL_OUTPUT_TOKENS
        if input_tokens <= 0:
            return of_all.value
        quarter, found = _quarter(input_tokens), of_all.value
        for mean in (self._octaves.get((model, quarter // _QUARTERS)), self._quarters.get((model, quarter))):
            if mean is not None:
                found = mean.drawn(found, SIZE_WEIGHT)
        return found


def _quarter(input_tokens: int) -> int:
    return int(math.log2(input_tokens) * _QUARTERS)


def _rows(means: Mapping[tuple[str, int], Mean]) -> Iterable[list[Any]]:
    return [[model, size, mean.value, mean.samples] for (model, size), mean in means.items()]
