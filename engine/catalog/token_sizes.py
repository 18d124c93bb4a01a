"""Token sizes learned from reported usage: corrected estimates, and the input that a hold must cover."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.catalog.learned_sizes import AnswerLengths, Mean, OfferSizes, Ratio, ThinkingSpeeds, bound
from engine.catalog.offers import Offer
from engine.catalog.token_counts import Measure

POOL_WEIGHT = 20.0  # this many answers of one offer weigh as much as those of all offers
SAMPLES_TO_HOLD = 100  # with fewer samples, a hold covers the UTF-8 bytes
HOLD_MARGIN = 1.3
LEAST_TOKENS = 20  # the count of a shorter prompt shows the chat template rather than the tokenizer
_MOST_INPUT_RATIO, _MOST_OUTPUT_RATIO = 8.0, 32.0
LONG_TOKENS, LONG_MARGIN = 4096, 2.0
"""From this size on, the kind of a text is certain. The vocabularies that were measured are within 1.5 of the estimate
for its kind; the hold has a margin of two."""


@dataclass(slots=True)
class TokenSizes:
    """Token sizes learned from the usage of kept answers. One object per process.

    Tokenizers differ: Vietnamese takes 3.1 bytes per token at one provider and 5.0 at another. The estimate for each
    script is corrected by the usage that each offer reports.
    """

    thinking_speeds: ThinkingSpeeds = field(default_factory=ThinkingSpeeds)
    _offers: dict[Offer, OfferSizes] = field(default_factory=dict)
    _pooled: dict[str, Mean] = field(default_factory=dict)
    _all_words: Mean = field(default_factory=lambda: Mean(1.0))
    _lengths: AnswerLengths = field(default_factory=AnswerLengths)

    def of(self, offer: Offer) -> OfferSizes:
        found = self._offers.get(offer)
        if found is None:
            bound(self._offers, offer)
            found = self._offers[offer] = OfferSizes()
        return found

    def input_tokens(self, own: OfferSizes, measure: Measure) -> tuple[int, int]:
        """Return the expected input tokens at the offer with the sizes `own`, and the number that a hold must cover.

        A hold covers the highest reported ratio with a margin, and never more than the bytes.
        """
        pooled = self._pooled.get(measure.script)
        if pooled is None:
            return measure.tokens, unlearned_hold_tokens(measure)
        ratio = own.inputs.get(measure.script)
        if ratio is None:
            return round(measure.tokens * pooled.value), unlearned_hold_tokens(measure)
        expected = round(measure.tokens * ratio.mean.drawn(pooled.value, POOL_WEIGHT))
        if ratio.seen < SAMPLES_TO_HOLD or not measure.is_plain:
            return expected, unlearned_hold_tokens(measure)
        most = int(measure.tokens * ratio.most * HOLD_MARGIN) + measure.overhead_tokens
        return expected, min(measure.most_tokens, most)

    def answer_tokens(self, model: str, tenant_id: int | None, input_tokens: int = 0) -> float:
        """Return the expected visible tokens of an answer for this tenant and this size of input (0: unknown)."""
        return self._lengths.expected(model, tenant_id, input_tokens)

    def output_times(self, own: OfferSizes) -> float:
        """Return the billed tokens per estimated visible token: the tokenizer's factor times that of the reasoning."""
        return own.words.drawn(self._all_words.value, POOL_WEIGHT) * own.thought.value

    def thinking_times(self, offer: Offer) -> float:
        """Return the tokens that the offer bills per visible token because of its reasoning."""
        return self.of(offer).thought.value

    def learn_input(self, offer: Offer, measure: Measure, reported_tokens: int) -> None:
        if measure.tokens >= LEAST_TOKENS and reported_tokens > 0:
            value = min(_MOST_INPUT_RATIO, reported_tokens / measure.tokens)
            self.of(offer).inputs.setdefault(measure.script, Ratio()).add(value)
            self._pooled.setdefault(measure.script, Mean()).add(value)

    def learn_output(
        self,
        offer: Offer,
        model: str,
        tenant_id: int | None,
        visible_tokens: int,
        reported: tuple[int, int],
        *,
        input_tokens: int = 0,
    ) -> None:
        """Learn from an answer. `visible_tokens`: estimated; `reported`: all output tokens, then the reasoning tokens.

        `input_tokens`: the estimated size of the input; 0 means unknown.
        """
        billed, thought = reported
        if visible_tokens <= 0 or billed <= thought:
            return
        visible, own = billed - thought, self.of(offer)
        own.thought.add(min(_MOST_OUTPUT_RATIO, billed / visible))
        for mean in (own.words, self._all_words):
            mean.add(min(_MOST_OUTPUT_RATIO, visible / visible_tokens))
        self._lengths.learn(model, tenant_id, input_tokens, visible_tokens)

    def dump(self) -> dict[str, Any]:
        """Return the state as JSON, to be kept over a restart. Answer lengths of single tenants are not part of it."""
        return {
            "inputs": [
                [offer.name, script, ratio.mean.value, ratio.mean.samples, ratio.most, ratio.seen]
                for offer, own in self._offers.items()
                for script, ratio in own.inputs.items()
            ],
            "thought": self._dumped(lambda own: own.thought),
            "words": self._dumped(lambda own: own.words),
            "pooled": [[script, mean.value, mean.samples] for script, mean in self._pooled.items()],
            "all_words": [self._all_words.value, self._all_words.samples],
            **self._lengths.dump(),
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """Restore the state that `dump` returned. Raises KeyError, TypeError or ValueError for anything else."""
        for name, script, value, samples, most, seen in kept["inputs"]:
            ratio = Ratio(Mean(float(value), float(samples)), most, int(seen))
            self.of(Offer.named(name)).inputs[str(script)] = ratio
        for name, value, samples in kept["thought"]:
            self.of(Offer.named(name)).thought = Mean(float(value), float(samples))
        for name, value, samples in kept["words"]:
            self.of(Offer.named(name)).words = Mean(float(value), float(samples))
        for script, value, samples in kept["pooled"]:
            self._pooled[str(script)] = Mean(float(value), float(samples))
        self._all_words = Mean(*map(float, kept["all_words"]))
        self._lengths.load(kept)

    def _dumped(self, mean_of: Callable[[OfferSizes], Mean]) -> list[list[Any]]:
        means = ((offer.name, mean_of(own)) for offer, own in self._offers.items())
        return [[name, mean.value, mean.samples] for name, mean in means if mean.samples]


def unlearned_hold_tokens(measure: Measure) -> int:
    """Return the input tokens to hold while an offer has too few reports.

    It is the bound by bytes, or less for a request that is only a long text, such as a file of 200 kB.
    """
    if not measure.is_plain or measure.tokens < LONG_TOKENS:
        return measure.most_tokens
    return min(measure.most_tokens, int(measure.tokens * LONG_MARGIN) + measure.overhead_tokens)
