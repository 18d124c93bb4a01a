"""Sizes that answers and refusals teach: the visible tokens to expect of an answer, the longest context of an offer.

Lengths are learned by model, size of the input and tenant. Each eighth of an octave of input tokens is drawn towards
its quarter while its samples are few, the quarter towards its octave, and the octave towards the mean of its model. A
tenant's own answers count as a multiple of those of all.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.catalog.offers import Offer

LEARNED_FOR = timedelta(hours=1)
MOST_OFFERS = 4096  # tenants may ask for any name
USUAL_OUTPUT_TOKENS = 240  # the expected length of an answer while none was seen
MEMORY = 0.995
SIZE_WEIGHT = 10.0  # this many answers to inputs of one size weigh as much as those of all sizes
OWN_WEIGHT = 10.0  # this many answers of one tenant weigh as much as those of all tenants
_MOST_TENANTS = 20_000
_PARTS: Mapping[str, int] = {"octave": 1, "quarter": 4, "eighth": 8}  # buckets in an octave, by their name


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
class Ratio:
    """Reported over estimated input tokens, for one offer and script: the mean and the maximum."""

    mean: Mean = field(default_factory=Mean)
    most: float = 0.0
    seen: int = 0

    def add(self, value: float) -> None:
        self.mean.add(value)
        self.seen += 1
        self.most = max(value, self.most)


@dataclass(slots=True)
class OfferSizes:
    """The sizes that one offer has reported.

    `inputs`: by script. `words`: reported over estimated visible tokens. `thought`: tokens billed for a visible one.
    """

    inputs: dict[str, Ratio] = field(default_factory=dict)
    words: Mean = field(default_factory=lambda: Mean(1.0))
    thought: Mean = field(default_factory=lambda: Mean(1.0))


@dataclass(slots=True)
class AnswerLengths:
    """Means of visible tokens. `_sized`: by the part of an octave, then by model and size of the input."""

    _models: dict[str, Mean] = field(default_factory=dict)
    _sized: dict[str, dict[tuple[str, int], Mean]] = field(default_factory=lambda: {part: {} for part in _PARTS})
    _own: dict[tuple[int, str], Mean] = field(default_factory=dict)

    def expected(self, model: str, tenant_id: int | None, input_tokens: int) -> float:
        """Return the tokens to expect; `input_tokens` 0 is an unknown size."""
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
        """Return the state to keep over a restart, as JSON; tenants' own lengths are learned again."""
        return {
            "answers": [[model, mean.value, mean.samples] for model, mean in self._models.items()],
            **{f"answers_by_{part}": _rows(means) for part, means in self._sized.items()},
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """Restore the state of `dump`; earlier releases stored no sizes. Raises KeyError, TypeError or ValueError."""
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


@dataclass(slots=True)
class ThinkingSpeeds:
    """Reasoning tokens for each second before the first token, of offers that bill reasoning and do not send it."""

    _per_second: dict[Offer, Mean] = field(default_factory=dict)

    def tokens(self, offer: Offer, seconds: float) -> int:
        """Return the reasoning to expect of an answer whose first token came after so many seconds."""
        mean = self._per_second.get(offer)
        return round(mean.value * seconds) if mean else 0

    def learn(self, offer: Offer, thinking_tokens: int, seconds: float) -> None:
        """Learn from a whole answer."""
        if thinking_tokens > 0 and seconds > 0:
            bound(self._per_second, offer)
            self._per_second.setdefault(offer, Mean()).add(thinking_tokens / seconds)


@dataclass(slots=True)
class LearnedContexts:
    """Context lengths learned from refusals. They are forgotten after an hour.

    A learned length is never below the largest input that the offer has served.
    """

    _learned: dict[Offer, tuple[int, datetime]] = field(default_factory=dict)
    _served: dict[Offer, int] = field(default_factory=dict)
    _new: set[Offer] = field(default_factory=set)

    def tokens(self, offer: Offer, at: datetime) -> int | None:
        """Return the length learned within the last hour, None where there is none."""
        found = self._learned.get(offer)
        if found is None or at >= found[1]:
            return None
        return max(found[0], self._served.get(offer, 0))

    def learn(self, offer: Offer, tokens: int, at: datetime) -> None:
        """Learn from a refusal at the time `at` that the context is `tokens` long."""
        if tokens > 0:
            bound(self._learned, offer)
            self._learned[offer] = (tokens, at + LEARNED_FOR)
            self._new.add(offer)

    def take_new(self, at: datetime) -> list[tuple[Offer, int, float]]:
        """Return the lengths learned here since the last call, with the seconds for which they hold."""
        learned = [(offer, *self._learned[offer]) for offer in self._new if offer in self._learned]
        self._new.clear()
        return [(offer, tokens, (until - at).total_seconds()) for offer, tokens, until in learned if until > at]

    def adopt(self, offer: Offer, tokens: int, at: datetime, left_seconds: float) -> None:
        """Take over a length that another process has learned."""
        if left_seconds > 0:
            bound(self._learned, offer)
            self._learned[offer] = (tokens, at + timedelta(seconds=left_seconds))

    def served(self, offer: Offer, input_tokens: int) -> None:
        """Note an input that the offer has served."""
        if input_tokens > self._served.get(offer, 0):
            bound(self._served, offer)
            self._served[offer] = input_tokens


def bound(known: dict[Offer, Any], offer: Offer) -> None:
    """Make space for one more offer: the oldest entry is forgotten."""
    if offer not in known and len(known) >= MOST_OFFERS:
        del known[next(iter(known))]
