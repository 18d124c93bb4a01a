"""Sizes: what is learned of tokens: how many an offer makes of bytes, how long answers are, how much is thought.

Providers' tokenizers differ: Vietnamese takes 3.1 bytes a token at one, 5.0 at another. An estimate starts from what
o200k makes of the script and is corrected by what each offer reports. A hold is made for what an offer was never seen
to exceed, with a margin, and for whole bytes as long as too little is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.catalog.offers import Offer
from engine.catalog.token_counts import Measure

USUAL_OUTPUT_TOKENS = 240  # what an answer of unknown length is quoted with
MEMORY = 0.98
OWN_WEIGHT = 10.0  # so many answers of one tenant weigh as much as everybody's
POOL_WEIGHT = 20.0  # what all offers show together weighs as much as so many answers of one
SAMPLES_TO_HOLD = 100  # before as many, a hold takes whole bytes
HOLD_MARGIN = 1.3
LEAST_TOKENS = 20  # a shorter prompt says more of templates than of the tokenizer
_MOST_TENANTS = 20_000
_WIDEST = 8.0


@dataclass(slots=True)
class Mean:
    """A mean that forgets: the first samples count in full, later ones `1 - MEMORY` each."""

    value: float = 0.0
    samples: float = 0.0

    def add(self, value: float) -> None:
        self.samples = min(self.samples + 1, 1 / (1 - MEMORY))
        self.value += (value - self.value) / self.samples


@dataclass(slots=True)
class Ratio:
    """Reported tokens over estimated ones, for one offer and script: the mean, and the most that was seen."""

    mean: Mean = field(default_factory=Mean)
    most: float = 0.0
    seen: int = 0

    def add(self, value: float) -> None:
        self.mean.add(value)
        self.seen += 1
        self.most = max(value, self.most)


@dataclass(slots=True)
class TokenSizes:
    """One per process; told of every kept answer."""

    _inputs: dict[tuple[Offer, str], Ratio] = field(default_factory=dict)
    _pooled: dict[str, Mean] = field(default_factory=dict)
    _thought: dict[Offer, Mean] = field(default_factory=dict)
    _words: dict[Offer, Mean] = field(default_factory=dict)
    _all_words: Mean = field(default_factory=Mean)
    _answers: dict[str, Mean] = field(default_factory=dict)
    _own: dict[tuple[int, str], Mean] = field(default_factory=dict)

    def input_tokens(self, offer: Offer, measure: Measure) -> tuple[int, int]:
        """About what `offer` will count for it, and what a hold is made for.

        A hold takes no more than the bytes, and no less than what was ever seen, with a margin.
        """
        pooled = self._pooled.get(measure.script)
        if pooled is None:
            return measure.tokens, measure.most_tokens
        ratio = self._inputs.get((offer, measure.script))
        expected = round(measure.tokens * _shrunk(ratio.mean if ratio else None, pooled))
        if ratio is None or ratio.seen < SAMPLES_TO_HOLD or not measure.is_plain:
            return expected, measure.most_tokens
        most = int(measure.tokens * ratio.most * HOLD_MARGIN) + measure.overhead_tokens
        return expected, min(measure.most_tokens, most)

    def answer_tokens(self, model: str, tenant_id: int | None) -> float:
        """How long an answer is that can be seen, for whoever asks."""
        everybody = self._answers.get(model)
        usual = USUAL_OUTPUT_TOKENS if everybody is None else everybody.value
        own = None if tenant_id is None else self._own.get((tenant_id, model))
        if own is None:
            return usual
        return (own.value * own.samples + usual * OWN_WEIGHT) / (own.samples + OWN_WEIGHT)

    def output_times(self, offer: Offer) -> float:
        """How many tokens are billed for one that is estimated from what can be seen: its tokenizer's, and thoughts."""
        thought = self._thought.get(offer)
        words = _shrunk(self._words.get(offer), self._all_words) if self._all_words.samples else 1.0
        return words * (thought.value if thought else 1.0)

    def learn_input(self, offer: Offer, measure: Measure, reported_tokens: int) -> None:
        if measure.tokens >= LEAST_TOKENS and reported_tokens > 0:
            value = min(_WIDEST, reported_tokens / measure.tokens)
            self._inputs.setdefault((offer, measure.script), Ratio()).add(value)
            self._pooled.setdefault(measure.script, Mean()).add(value)

    def learn_output(
        self, offer: Offer, model: str, tenant_id: int | None, seen_tokens: int, reported: tuple[int, int]
    ) -> None:
        """`seen_tokens`: the estimate of what was said; `reported`: all output tokens, then those of thinking."""
        billed, thought = reported
        if seen_tokens <= 0 or billed <= thought:
            return
        visible = billed - thought
        self._thought.setdefault(offer, Mean()).add(min(_WIDEST * 4, billed / visible))
        for mean in (self._words.setdefault(offer, Mean()), self._all_words):
            mean.add(min(_WIDEST * 4, visible / seen_tokens))
        self._answers.setdefault(model, Mean()).add(seen_tokens)
        if tenant_id is not None:
            if len(self._own) > _MOST_TENANTS:
                self._own.clear()
            self._own.setdefault((tenant_id, model), Mean()).add(seen_tokens)

    def dump(self) -> dict[str, Any]:
        """What is worth keeping over a restart, as JSON takes it; tenants' own habits are learned again."""
        return {
            "inputs": [
                [offer.name, script, ratio.mean.value, ratio.mean.samples, ratio.most, ratio.seen]
                for (offer, script), ratio in self._inputs.items()
            ],
            "thought": [[offer.name, mean.value, mean.samples] for offer, mean in self._thought.items()],
            "words": [[offer.name, mean.value, mean.samples] for offer, mean in self._words.items()],
            "pooled": [[script, mean.value, mean.samples] for script, mean in self._pooled.items()],
            "all_words": [self._all_words.value, self._all_words.samples],
            "answers": [[model, mean.value, mean.samples] for model, mean in self._answers.items()],
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """Take up what `dump` gave. Raises KeyError, TypeError or ValueError for anything else."""
        for name, script, value, samples, most, seen in kept["inputs"]:
            self._inputs[Offer.named(name), str(script)] = Ratio(Mean(float(value), float(samples)), most, int(seen))
        for known, means in ((kept["thought"], self._thought), (kept["words"], self._words)):
            for name, value, samples in known:
                means[Offer.named(name)] = Mean(float(value), float(samples))
        for script, value, samples in kept["pooled"]:
            self._pooled[str(script)] = Mean(float(value), float(samples))
        self._all_words = Mean(*map(float, kept["all_words"]))
        for model, value, samples in kept["answers"]:
            self._answers[str(model)] = Mean(float(value), float(samples))


def _shrunk(own: Mean | None, pooled: Mean) -> float:
    """What one offer shows, as far as that is enough, else what all show: one answer does not change the order."""
    if own is None:
        return pooled.value
    return (own.value * own.samples + pooled.value * POOL_WEIGHT) / (own.samples + POOL_WEIGHT)
