"""Counts and durations of this process's attempts, for /metrics."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.attempt_record import UNREAD, AttemptRecord
from web.exposition import Histogram, histogram, metric

SECONDS = (0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True, slots=True)
class AttemptMetrics:
    """An observer of attempts. Providers are those of the settings and outcomes those of the code: both are few."""

    durations: Histogram = field(default_factory=lambda: Histogram(("provider", "outcome"), SECONDS))
    first_tokens: Histogram = field(default_factory=lambda: Histogram(("provider", "outcome"), SECONDS))
    retries: Counter[str] = field(default_factory=Counter)

    def attempt_ended(self, attempt: AttemptRecord, _: tuple[str, ...], __: str) -> None:
        if attempt.outcome == UNREAD:  # the rest of a bill, no attempt of its own
            return
        labels = (attempt.provider, attempt.outcome)
        self.durations.observe(labels, attempt.duration_ms / 1000)
        if attempt.first_token_ms is not None:
            self.first_tokens.observe(labels, attempt.first_token_ms / 1000)
        if attempt.ordinal > 1:
            self.retries[attempt.provider] += 1

    def lines(self) -> Iterable[str]:
        """Yield the metrics as text."""
        name, words = "farthing_attempt_duration_seconds", "Duration of attempts that ended in this process"
        yield from histogram(name, words, SECONDS, self.durations.distributions())
        name, words = "farthing_attempt_first_token_seconds", "Time to the first token of these attempts"
        yield from histogram(name, words, SECONDS, self.first_tokens.distributions())
        retries = (({"provider": provider}, number) for provider, number in sorted(self.retries.items()))
        words = "Attempts after the first one of their prompt, in this process"
        yield from metric("farthing_retries_total", "counter", words, retries)
