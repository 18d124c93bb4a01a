"""Counts and durations of this process's attempts, for /metrics."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from engine.attempt_record import UNREAD, AttemptRecord

Labels: TypeAlias = Mapping[str, str]
SECONDS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(slots=True)
class Distribution:
    """The samples of one histogram with one set of labels. `within` counts those up to each bound, cumulative."""

    within: list[int]
    count: int = 0
    total: float = 0.0


@dataclass(frozen=True, slots=True)
class Histogram:
    """Distributions by the values of `labels`, in this process. The caller must limit the number of these values."""

    labels: tuple[str, ...]
    bounds: tuple[float, ...]
    _found: dict[tuple[str, ...], Distribution] = field(default_factory=dict)

    def observe(self, values: tuple[str, ...], value: float) -> None:
        found = self._found.get(values)
        if found is None:
            found = self._found[values] = Distribution([0] * len(self.bounds))
        found.count += 1
        found.total += value
        for number, bound in enumerate(self.bounds):
            if value <= bound:
                found.within[number] += 1

    def distributions(self) -> Iterable[tuple[Labels, Distribution]]:
        """Yield the labels and the samples of each distribution."""
        for values, found in sorted(self._found.items()):
            yield dict(zip(self.labels, values, strict=True)), found


@dataclass(frozen=True, slots=True)
class AttemptMetrics:
    """An observer of attempts. Its labels have few values: configured providers, and outcomes that the code defines."""

    durations: Histogram = field(default_factory=lambda: Histogram(("provider", "outcome"), SECONDS))
    first_tokens: Histogram = field(default_factory=lambda: Histogram(("provider", "outcome"), SECONDS))
    retries: Counter[str] = field(default_factory=Counter)

    def attempt_ended(self, attempt: AttemptRecord, _: tuple[str, ...], __: str) -> None:
        if attempt.outcome == UNREAD:  # the rest of another attempt's bill, no attempt by itself
            return
        labels = (attempt.provider, attempt.outcome)
        self.durations.observe(labels, attempt.duration_ms / 1000)
        if attempt.first_token_ms is not None:
            self.first_tokens.observe(labels, attempt.first_token_ms / 1000)
        if attempt.ordinal > 1:
            self.retries[attempt.provider] += 1
