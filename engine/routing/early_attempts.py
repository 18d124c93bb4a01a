"""Early attempts: when to try an offer before its rest ends, and when prompts wait for attempts that are running."""

from collections.abc import Sequence
from math import sqrt

from engine.catalog.offers import Offer
from engine.catalog.thinking import is_thinking_model
from engine.routing.permits import Early
from engine.routing.provider_registry import ProviderRegistry

MOST_SLOW_ATTEMPTS = 5  # attempts running at an offer during its rest, while attempts fail slowly
LEAST_OUTAGE_SECONDS = 5.0  # early attempts are spaced as if the outage had lasted at least this long
LONG_OUTAGE_SECONDS = 20.0  # in a longer outage their pauses grow with its square root only
MOST_EARLY_WAIT_SECONDS = 2.0  # longest wait of a prompt for such an attempt
# longest wait of a prompt whose next offer is dear, or very dear, and for an attempt that is under way at the end; and
# as shares of the longest rest: where rests are short, waits are too
DEAR_WAIT_SECONDS, VERY_DEAR_WAIT_SECONDS, LAST_WAIT_SECONDS = 2.0, 4.0, 1.0
DEAR_WAIT_SHARE, VERY_DEAR_WAIT_SHARE, LAST_WAIT_SHARE = 1 / 30, 1 / 15, 1 / 60
EARLY_SECONDS = 1.0  # least time between two attempts at a resting offer
PROBE_SECONDS = 1.5  # most attempts at a recovered offer get their first token within this time


class EarlyAttempts(ProviderRegistry):
    """Decides when a resting or silent offer is worth an attempt, by the money that its return would save."""

    def early(self, offers: Sequence[Offer]) -> Early | None:
        """Return the offer most likely to have recovered, and when its next attempt is due: one per second.

        Offers whose attempt a prompt can wait for come first: one at its limit for long must not hide them. Among them
        the one comes first that was not attempted for the longest time. Returns None if no offer may be attempted
        before its rest is over, and none is at the end of its rest.
        """
        now = self._clock.monotonic()
        found: list[tuple[bool, float, float, float, Offer]] = []
        for offer in offers:
            denial = self._denial(offer, now)
            if denial is not None and not denial.may_end:
                continue
            due = max(0.0, self._offer(offer).early_at - now)
            if denial is not None and not denial.may_be_early:
                due = max(due, denial.seconds)
            elif denial is None:
                provider = self._providers[offer.provider]
                over_seconds = provider.over_limit_seconds(now, offer.model)
                due = min(over_seconds, max(due, provider.trial_wait_seconds(now, offer.model)))
            attempted_at = self._offer(offer).resting.attempted_at
            rest_seconds = 0.0 if denial is None else denial.seconds
            found.append((due > MOST_EARLY_WAIT_SECONDS, attempted_at, rest_seconds, due, offer))
        if not found:
            return None
        *_, due, offer = min(found, key=lambda each: each[:4])
        return Early(offer, due)

    def passed_over(self, offer: Offer, saving_atto: float) -> None:
        """Count a prompt that costs `saving_atto` more because `offer` is resting."""
        self._offer(offer).resting.paid_atto += saving_atto

    def early_wait_seconds(self, offer: Offer, failure_atto: float, pause_share: float) -> float:
        """Return the seconds until an offer is worth an attempt although another one is available; infinite if never.

        A resting offer, or one that has only failed since its latest first token, is worth an attempt when two
        conditions hold: the prompts since the latest attempt have paid as much extra as a failed attempt costs, and the
        pause since then is `pause_share` of the outage (counted as 5 s at least). While attempts fail slowly, at most
        five run at a time. If one runs for longer than failures usually take, a few more may follow it. A silent offer,
        whose attempts are late, gets further attempts in the same rhythm.
        """
        now, health = self._clock.monotonic(), self._offer(offer)
        failing_since = self._failing_since(offer)
        if failing_since is None:
            patience = self._policy.patience_seconds(thinks=is_thinking_model(offer.model))
            return health.another_wait_seconds(now, patience / MOST_SLOW_ATTEMPTS, failure_atto)
        if health.outlives_failures(now, failing_since):
            return 0.0
        pause_seconds = pause_share * _pace_seconds(max(now - failing_since, LEAST_OUTAGE_SECONDS))
        pause_seconds = max(health.resting.failure_seconds / MOST_SLOW_ATTEMPTS, pause_seconds)
        return health.resting.wait_seconds(now, failing_since, pause_seconds, failure_atto)

    def _failing_since(self, offer: Offer) -> float | None:
        """Return when an offer began to rest, or to fail without resting; None if it does neither."""
        provider, health = self._providers[offer.provider], self._offer(offer)
        if provider.breaker.is_open or health.breaker.is_open:
            return max(provider.breaker.opened_at, health.breaker.opened_at)
        return health.failing_since

    def most_wait_seconds(self, offers: Sequence[Offer], *, is_very_dear: bool) -> float:
        """Return how long a prompt waits for these offers if the next one is dear; longer if one is being probed."""
        rest_seconds = self._policy.rest_seconds
        most = min(DEAR_WAIT_SECONDS, DEAR_WAIT_SHARE * rest_seconds)
        if is_very_dear:
            most = min(VERY_DEAR_WAIT_SECONDS, VERY_DEAR_WAIT_SHARE * rest_seconds)
        last = min(LAST_WAIT_SECONDS, LAST_WAIT_SHARE * rest_seconds)
        return most + last * any(map(self.is_being_probed, offers))

    def hold_seconds(self, offer: Offer) -> float:
        """Return the seconds until the running attempts at a silent offer will show whether it works; else 0."""
        return self._offer(offer).hold_seconds(self._clock.monotonic())

    def has_answered_since(self, offer: Offer, at: float) -> bool:
        """Return whether an offer has sent a first token after `at`."""
        return self._offer(offer).answered_at > at

    def is_being_probed(self, offer: Offer) -> bool:
        """Return whether a running attempt may soon show that a resting offer has recovered."""
        return self._offer(offer).pending.newest_at > self._clock.monotonic() - PROBE_SECONDS


def _pace_seconds(outage_seconds: float) -> float:
    """Return the duration of the outage by which early attempts are spaced: in proportion at first, slower later."""
    return min(outage_seconds, sqrt(LONG_OUTAGE_SECONDS * outage_seconds))
