"""Hedging: when a first word is late, a second offer is asked too. Off by default.

After Dean and Barroso, The Tail at Scale. Each hedge may pay twice, so few prompts get one: at most `share` of them.
"""

from collections import deque

from engine.catalog.offers import Offer

LEAST_SEEN, MOST_SEEN = 20, 200
QUANTILE = 0.95
_MOST_OFFERS = 1024


class Hedging:
    """When to ask a second offer, by the times that each offer's first word took."""

    def __init__(self, share: float = 0.02) -> None:
        self._share = share
        self._prompts = self._hedged = 0
        self._seen: dict[Offer, deque[int]] = {}

    def prompt(self) -> None:
        """One more prompt, of which a share may be hedged."""
        self._prompts += 1

    def heard(self, offer: Offer, first_token_ms: int) -> None:
        if len(self._seen) > _MOST_OFFERS:
            self._seen.clear()
        self._seen.setdefault(offer, deque(maxlen=MOST_SEEN)).append(first_token_ms)

    def patience_seconds(self, offer: Offer) -> float | None:
        """The p95 of its first words; None while too little is known of it, or no hedge is left."""
        seen = self._seen.get(offer, ())
        if len(seen) < LEAST_SEEN or not self._may():
            return None
        return sorted(seen)[int(len(seen) * QUANTILE)] / 1000

    def take(self) -> bool:
        """Use one hedge up, if there is one."""
        if not self._may():
            return False
        self._hedged += 1
        return True

    def _may(self) -> bool:
        return self._hedged + 1 <= self._prompts * self._share
