"""Early attempts: when an offer is attempted before the end of its rest, and the attempts that prompts wait for."""

from collections.abc import Sequence

from engine.catalog.offers import Offer
from engine.catalog.thinking import is_thinking_model
from engine.routing.permits import Early
from engine.routing.provider_registry import ProviderRegistry

MOST_SLOW_ATTEMPTS = 5  # under way at an offer during its rest, while attempts fail slowly
LEAST_OUTAGE_SECONDS = 3.0  # by which early attempts are spaced
EARLY_SECONDS = 1.0  # between the attempts at an offer during its rest
PROBE_SECONDS = 1.5  # in which most attempts at an offer that is back get their first token


class EarlyAttempts(ProviderRegistry):
    """Decides when a resting or silent offer is worth an attempt, by the money that it would save."""

    def early(self, offers: Sequence[Offer]) -> Early | None:
        """Return the offer that is likeliest to be back, and when the next attempt at it is due: one a second.

        None where no offer may be attempted before its rest is over, and none is at the end of one.
        """
        now = self._clock.monotonic()
        found: list[tuple[float, float, Offer]] = []
        for offer in offers:
            denial = self._denial(offer, now)
            if denial is not None and not denial.may_end:
                continue
            due = max(0.0, self._offer(offer).early_at - now)
            if denial is not None and not denial.may_be_early:
                due = max(due, denial.seconds)
            elif denial is None:
                due = min(due, self._providers[offer.provider].over_limit_seconds(now, offer.model))
            found.append((0.0 if denial is None else denial.seconds, due, offer))
        if not found:
            return None
        _, due, offer = min(found, key=lambda each: each[:2])
        return Early(offer, due)

    def passed_over(self, offer: Offer, saving_atto: float) -> None:
        """Count a prompt that pays `saving_atto` more because `offer` rests."""
        self._offer(offer).resting.paid_atto += saving_atto

    def early_wait_seconds(self, offer: Offer, failure_atto: float, pause_share: float) -> float:
        """Return the seconds until an offer is worth an attempt, though another one is able; infinite while it is not.

        A resting offer is when prompts have paid as much since the latest attempt as a failed one costs, and the pause
        since then is `pause_share` of the outage, counted as 3 s at least. While attempts fail slowly, five at most are
        under way. While one waits for longer than failures take, a few more follow it. An offer whose attempts are late
        gets another one at the pace of those that fail slowly.
        """
        now, provider, health = self._clock.monotonic(), self._providers[offer.provider], self._offer(offer)
        if not (provider.breaker.is_open or health.breaker.is_open):
            patience = self._policy.patience_seconds(thinks=is_thinking_model(offer.model))
            return health.another_wait_seconds(now, patience / MOST_SLOW_ATTEMPTS, failure_atto)
        opened_at = max(provider.breaker.opened_at, health.breaker.opened_at)
        if health.outlives_failures(now, opened_at):
            return 0.0
        outage_seconds = max(now - opened_at, LEAST_OUTAGE_SECONDS)
        pause_seconds = max(health.resting.failure_seconds / MOST_SLOW_ATTEMPTS, pause_share * outage_seconds)
        return health.resting.wait_seconds(now, opened_at, pause_seconds, failure_atto)

    def hold_seconds(self, offer: Offer) -> float:
        """Return the seconds until the attempts under way at a silent offer have shown whether it lives; else 0."""
        return self._offer(offer).hold_seconds(self._clock.monotonic())

    def has_answered_since(self, offer: Offer, at: float) -> bool:
        """Return whether an offer has sent a first token after `at`."""
        return self._offer(offer).answered_at > at

    def is_being_probed(self, offer: Offer) -> bool:
        """Return whether an attempt under way may soon show that a resting offer is back."""
        return self._offer(offer).pending.newest_at > self._clock.monotonic() - PROBE_SECONDS
