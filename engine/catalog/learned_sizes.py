"""Sizes learned from answers and refusals: the expected length of an answer, the context length of an offer.

Lengths of answers are learned by model, size of the input and tenant. Sizes of inputs fall into classes, each an eighth
of an octave wide. While a class has few samples its mean is drawn towards the mean of its quarter octave, that of the
quarter towards the octave, and that of the octave towards the mean of its model. A tenant's own answers give a factor
to multiply the result by.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.catalog.offers import Offer

LEARNED_FOR = timedelta(hours=1)
MOST_OFFERS = 4096  # upper bound of the table: tenants may request any name
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
class Ratio:
    """Reported input tokens divided by estimated ones, for one offer and script: the mean and the maximum."""

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

    `inputs`: ratios by script. `words`: reported visible tokens divided by estimated ones. `thought`: tokens billed for
    one visible token.
    """

    inputs: dict[str, Ratio] = field(default_factory=dict)
    words: Mean = field(default_factory=lambda: Mean(1.0))
    thought: Mean = field(default_factory=lambda: Mean(1.0))


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


@dataclass(slots=True)
class ThinkingSpeeds:
    """Reasoning tokens per second before the first token, for offers that bill reasoning without sending it."""

    _per_second: dict[Offer, Mean] = field(default_factory=dict)

    def tokens(self, offer: Offer, seconds: float) -> int:
        """Return the expected reasoning tokens of an answer whose first token came after `seconds`."""
        mean = self._per_second.get(offer)
        return round(mean.value * seconds) if mean else 0

    def learn(self, offer: Offer, thinking_tokens: int, seconds: float) -> None:
        """Learn from the reasoning tokens of a complete answer, and from the seconds before its first token."""
        if thinking_tokens > 0 and seconds > 0:
            bound(self._per_second, offer)
            self._per_second.setdefault(offer, Mean()).add(thinking_tokens / seconds)


@dataclass(slots=True)
class LearnedContexts:
    """Context lengths learned from refusals. Each is forgotten after an hour.

    A learned length is never below the largest input that the offer has served.
    """

    _learned: dict[Offer, tuple[int, datetime]] = field(default_factory=dict)
    _served: dict[Offer, int] = field(default_factory=dict)
    _new: set[Offer] = field(default_factory=set)

    def tokens(self, offer: Offer, at: datetime) -> int | None:
        """Return the length that was learned within the last hour, None if there is none."""
        found = self._learned.get(offer)
        if found is None or at >= found[1]:
            return None
        return max(found[0], self._served.get(offer, 0))

    def learn(self, offer: Offer, tokens: int, at: datetime) -> None:
        """Learn from a refusal at the time `at` that the context holds `tokens` tokens."""
        if tokens > 0:
            bound(self._learned, offer)
            self._learned[offer] = (tokens, at + LEARNED_FOR)
            self._new.add(offer)

    def take_new(self, at: datetime) -> list[tuple[Offer, int, float]]:
        """Return the lengths learned in this process since the last call, with the seconds that they remain valid."""
        learned = [(offer, *self._learned[offer]) for offer in self._new if offer in self._learned]
        self._new.clear()
        return [(offer, tokens, (until - at).total_seconds()) for offer, tokens, until in learned if until > at]

    def adopt(self, offer: Offer, tokens: int, at: datetime, left_seconds: float) -> None:
        """Take over a length that another process has learned."""
        if left_seconds > 0:
            bound(self._learned, offer)
            self._learned[offer] = (tokens, at + timedelta(seconds=left_seconds))

    def served(self, offer: Offer, input_tokens: int) -> None:
        """Note that the offer has served an input of this size."""
        if input_tokens > self._served.get(offer, 0):
            bound(self._served, offer)
            self._served[offer] = input_tokens


def bound(known: dict[Offer, Any], offer: Offer) -> None:
    """Make space for one more offer: remove the oldest entry of a full table."""
    if offer not in known and len(known) >= MOST_OFFERS:
        del known[next(iter(known))]
