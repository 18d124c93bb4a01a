"""Hedging: a second attempt when the first token is late. Off by default.

After Dean and Barroso, The Tail at Scale. A hedge may cost twice, so at most `share` of the prompts get one.
"""

from collections import deque

from engine.catalog.offers import Offer

LEAST_OBSERVED, MOST_OBSERVED = 20, 200
QUANTILE = 0.95
_MOST_OFFERS = 1024


class Hedging:
    """Decides when to ask a second offer, based on each offer's times to first token."""

    def __init__(self, share: float = 0.02) -> None:
        self._share = share
        self._prompts = self._hedged = 0
        self._first_token_ms: dict[Offer, deque[int]] = {}

    def count_prompt(self) -> None:
        """Count one more prompt. The number of allowed hedges is a share of all prompts."""
        self._prompts += 1

    def observe(self, offer: Offer, first_token_ms: int) -> None:
        """Record one time to first token of `offer`."""
        if len(self._first_token_ms) > _MOST_OFFERS:
            self._first_token_ms.clear()
        self._first_token_ms.setdefault(offer, deque(maxlen=MOST_OBSERVED)).append(first_token_ms)

    def wait_seconds(self, offer: Offer) -> float | None:
        """Return the 95th percentile of the offer's times; None if too few are known or no hedge is left."""
        observed = self._first_token_ms.get(offer, ())
        if len(observed) < LEAST_OBSERVED or not self._is_left():
            return None
        return sorted(observed)[int(len(observed) * QUANTILE)] / 1000

    def take(self) -> bool:
        """Use up one hedge; return False if none is left."""
        if not self._is_left():
            return False
        self._hedged += 1
        return True

    def _is_left(self) -> bool:
        return self._hedged + 1 <= self._prompts * self._share
