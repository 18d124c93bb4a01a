"""Token sizes learned from reported usage: corrected estimates, and the input that a hold must cover."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.catalog.answer_lengths import AnswerLengths, Mean
from engine.catalog.offers import Offer, bound
from engine.catalog.token_counts import Measure, unlearned_hold_tokens

POOL_WEIGHT = 20.0  # this many answers of one offer weigh as much as those of all offers
SAMPLES_TO_HOLD = 100  # with fewer samples, a hold covers the UTF-8 bytes
HOLD_MARGIN = 1.3
LEAST_TOKENS = 20  # the count of a shorter prompt shows the chat template rather than the tokenizer
_MOST_INPUT_RATIO, _MOST_OUTPUT_RATIO = 8.0, 32.0
_MOST_TENANTS = 20_000


@dataclass(slots=True)
class Ratio:
    """Reported input tokens divided by estimated ones, for one offer and script: the mean and the maximum.

    `most` is the maximum of the first SAMPLES_TO_HOLD reports: later ones that exceed the hold change only the holds of
    their own tenant, so that nobody can raise those of others.
    """

    mean: Mean = field(default_factory=Mean)
    most: float = 0.0
    seen: int = 0

    def add(self, value: float) -> None:
        if self.seen < SAMPLES_TO_HOLD:
            self.most = max(value, self.most)
        self.seen += 1
        self.mean.add(min(value, self.most * HOLD_MARGIN))


@dataclass(slots=True)
class OfferSizes:
    """The sizes that one offer has reported.

    `inputs`: ratios by script. `words`: reported visible tokens divided by estimated ones. `thought`: tokens billed for
    one visible token, by the effort that the request asks for.
    """

    inputs: dict[str, Ratio] = field(default_factory=dict)
    words: Mean = field(default_factory=lambda: Mean(1.0))
    thought: dict[str, Mean] = field(default_factory=dict)

    def thinking_times(self, effort: str | None) -> float:
        """Return the tokens billed per visible token at an effort; 1 if none was seen."""
        mean = self.thought.get(effort or "")
        return 1.0 if mean is None else mean.value

    def output_times(self, usual_words: float, effort: str | None) -> float:
        """Return the billed tokens per estimated visible one. `usual_words`: the tokenizer's factor of all offers."""
        times = self.words.drawn(usual_words, POOL_WEIGHT)
        return times * self.thinking_times(effort) if self.thought else times


@dataclass(frozen=True, slots=True)
class InputCounter:
    """Counts the input tokens of one request at each offer. It is made once for all: planning may take 100 µs.

    `pooled`: the reported ratio of all offers for its script, None without reports; `unlearned`: the tokens to hold
    where an offer has too few. `holds_bytes`: always hold the bytes.
    """

    size: Measure
    pooled: float | None
    unlearned: int
    holds_bytes: bool = False

    def count(self, own: OfferSizes) -> tuple[int, int]:
        """Return the expected input tokens at the offer with the sizes `own`, and the number that a hold must cover.

        A hold covers the highest reported ratio with a margin, and never more than the bytes.
        """
        size, pooled = self.size, self.pooled
        if pooled is None:
            return size.tokens, self.unlearned
        if (ratio := own.inputs.get(size.script)) is None:
            return round(size.tokens * pooled), self.unlearned
        expected = round(size.tokens * ratio.mean.drawn(pooled, POOL_WEIGHT))
        if self.holds_bytes or ratio.seen < SAMPLES_TO_HOLD or not size.is_plain:
            return expected, self.unlearned
        most = int(size.tokens * ratio.most * HOLD_MARGIN) + size.overhead_tokens
        return expected, min(size.most_tokens, most)


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
    _beyond: dict[int, None] = field(default_factory=dict)

    def is_beyond(self, tenant_id: int | None) -> bool:
        """Return whether a tenant's input has exceeded a learned hold. The tenant's holds cover the bytes from then on.

        A text can be made to look like prose to the estimate and have several times its tokens.
        """
        return tenant_id in self._beyond

    def of(self, offer: Offer) -> OfferSizes:
        found = self._offers.get(offer)
        if found is None:
            bound(self._offers, offer)
            found = self._offers[offer] = OfferSizes()
        return found

    def counter(self, measure: Measure, *, by_bytes: bool = False) -> InputCounter:
        """Return the counter of a request's input tokens; `by_bytes`: a hold covers the bytes."""
        pooled = self._pooled.get(measure.script)
        unlearned = measure.most_tokens if by_bytes else unlearned_hold_tokens(measure)
        return InputCounter(measure, None if pooled is None else pooled.value, unlearned, by_bytes)

    def input_tokens(self, own: OfferSizes, measure: Measure) -> tuple[int, int]:
        """Return the expected input tokens at the offer with the sizes `own`, and the number that a hold must cover."""
        return self.counter(measure).count(own)

    def answer_tokens(self, model: str, tenant_id: int | None, input_tokens: int = 0) -> float:
        """Return the expected visible tokens of an answer for this tenant and this size of input (0: unknown)."""
        return self._lengths.expected(model, tenant_id, input_tokens)

    def output_times(self, own: OfferSizes, effort: str | None = None) -> float:
        """Return the billed tokens per estimated visible token: the tokenizer's factor times that of the reasoning."""
        return own.output_times(self._all_words.value, effort)

    def thinking_times(self, offer: Offer, effort: str | None = None) -> float:
        """Return the tokens that the offer bills per visible token because of its reasoning at this effort."""
        return self.of(offer).thinking_times(effort)

    def learn_input(self, offer: Offer, measure: Measure, reported_tokens: int, tenant_id: int | None = None) -> None:
        """Learn from an input. A tenant whose input exceeded what a hold covers is remembered."""
        if measure.tokens >= LEAST_TOKENS and reported_tokens > 0:
            _, held = self.input_tokens(self.of(offer), measure)
            if tenant_id is not None and held < min(reported_tokens, measure.most_tokens):
                if len(self._beyond) >= _MOST_TENANTS:
                    del self._beyond[next(iter(self._beyond))]
                self._beyond[tenant_id] = None
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
        effort: str | None = None,
    ) -> None:
        """Learn from an answer. `visible_tokens`: estimated; `reported`: all output tokens, then the reasoning tokens.

        `input_tokens`: the estimated size of the input; 0 means unknown.
        """
        billed, thought = reported
        if visible_tokens <= 0 or billed <= thought:
            return
        visible, own = billed - thought, self.of(offer)
        own.thought.setdefault(effort or "", Mean()).add(min(_MOST_OUTPUT_RATIO, billed / visible))
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
            "thought": [
                [offer.name, mean.value, mean.samples, effort]
                for offer, own in self._offers.items()
                for effort, mean in own.thought.items()
            ],
            "words": [[each.name, own.words.value, own.words.samples] for each, own in self._offers.items()],
            "pooled": [[script, mean.value, mean.samples] for script, mean in self._pooled.items()],
            "all_words": [self._all_words.value, self._all_words.samples],
            "beyond": list(self._beyond),
            **self._lengths.dump(),
        }

    def load(self, kept: Mapping[str, Any]) -> None:
        """Restore the state that `dump` returned. Raises KeyError, TypeError or ValueError for anything else."""
        for name, script, value, samples, most, seen in kept["inputs"]:
            ratio = Ratio(Mean(float(value), float(samples)), most, int(seen))
            self.of(Offer.named(name)).inputs[str(script)] = ratio
        for name, value, samples, *effort in kept["thought"]:  # earlier releases stored no effort
            self.of(Offer.named(name)).thought[str(*effort)] = Mean(float(value), float(samples))
        for name, value, samples in kept["words"]:
            self.of(Offer.named(name)).words = Mean(float(value), float(samples))
        for script, value, samples in kept["pooled"]:
            self._pooled[str(script)] = Mean(float(value), float(samples))
        self._all_words = Mean(*map(float, kept["all_words"]))
        self._beyond = dict.fromkeys(map(int, kept.get("beyond", ())))
        self._lengths.load(kept)
