"""Lengths of answers, learned by model, size of the input and tenant.

Sizes of inputs fall into classes, each an eighth of an octave wide. While a class has few samples its mean is drawn
towards the mean of its quarter octave, that of the quarter towards the octave, and that of the octave towards the mean
of its model. A tenant's own answers give a factor to multiply the result by.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

USUAL_OUTPUT_TOKENS = 240  # the expected length of an answer until one was seen
MEMORY = 0.995
SIZE_WEIGHT = 10.0  # this many answers to inputs of one size weigh as much as those of all sizes
OWN_WEIGHT = 10.0  # this many answers of one tenant weigh as much as those of all tenants
_MOST_TENANTS = 20_000
# classes of input sizes in an octave, by the name of their width
_PARTS: Mapping[str, int] = {"octave": 1, "quarter": 4, "eighth": 8}


@dataclass(slots=True)
class Mean:
    """A mean that forgets: the first samples count in full, each later one with the weight `1 - MEMORY`."""

    value: float = 0.0
    samples: float = 0.0

    def add(self, value: float) -> None:
        self.samples = min(self.samples + 1, 1 / (1 - MEMORY))
        self.value += (value - self.value) / self.samples

    def drawn(self, towards: float, weight: float) -> float:
        """Return the mean that `weight` further samples with the value `towards` would give."""
        return (self.value * self.samples + towards * weight) / (self.samples + weight)


@dataclass(slots=True)
class AnswerLengths:
    """Mean numbers of visible tokens in answers: by model, by model and size of the input, and by tenant and model.

    `_sized` has one table for each width of the classes of input sizes.
    """

    _models: dict[str, Mean] = field(default_factory=dict)
    _sized: dict[str, dict[tuple[str, int], Mean]] = field(default_factory=lambda: {part: {} for part in _PARTS})
    _own: dict[tuple[int, str], Mean] = field(default_factory=dict)

    def expected(self, model: str, tenant_id: int | None, input_tokens: int) -> float:
        """Return the expected visible tokens of an answer; `input_tokens` 0 means an unknown size."""
        usual = self._usual(model, input_tokens)
        own = None if tenant_id is None else self._own.get((tenant_id, model))
        return usual if own is None else usual * own.drawn(1.0, OWN_WEIGHT)

    def learn(self, model: str, tenant_id: int | None, input_tokens: int, tokens: float) -> None:
        self._models.setdefault(model, Mean()).add(tokens)
        if input_tokens > 0:
            octaves = math.log2(input_tokens)
            for part, count in _PARTS.items():
                self._sized[part].setdefault((model, int(octaves * count)), Mean()).add(tokens)
        if tenant_id is not None:
            if len(self._own) > _MOST_TENANTS:
                self._own.clear()
            self._own.setdefault((tenant_id, model), Mean()).add(tokens / self._usual(model, input_tokens))

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON, to be kept over a restart. The lengths of single tenants are not part of it."""
        return {
            "answers": [[model, mean.value, mean.samples] for model, mean in self._models.items()],
            **{f"answers_by_{part}": _rows(means) for part, means in self._sized.items()},
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """Restore the state that `dump` returned; earlier releases stored no sizes.

        Raises KeyError, TypeError or ValueError.
        """
        for model, value, samples in kept["answers"]:
            self._models[str(model)] = Mean(float(value), float(samples))
        for part, means in self._sized.items():
            for model, size, value, samples in kept.get(f"answers_by_{part}", ()):
                means[str(model), int(size)] = Mean(float(value), float(samples))

    def _usual(self, model: str, input_tokens: int) -> float:
        of_all = self._models.get(model)
        if of_all is None:
            return USUAL_OUTPUT_TOKENS
        if input_tokens <= 0:
            return of_all.value
        octaves, found = math.log2(input_tokens), of_all.value
        for part, count in _PARTS.items():
            mean = self._sized[part].get((model, int(octaves * count)))
            if mean is not None:
                found = mean.drawn(found, SIZE_WEIGHT)
        return found


def _rows(means: Mapping[tuple[str, int], Mean]) -> Iterable[list[Any]]:
    return [[model, size, mean.value, mean.samples] for (model, size), mean in means.items()]
