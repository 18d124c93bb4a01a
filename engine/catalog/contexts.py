"""The longest context of each offer, as refusals teach it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from engine.catalog.offers import Offer

LEARNED_FOR = timedelta(hours=1)
MOST_OFFERS = 4096  # tenants may ask for any name


@dataclass(slots=True)
class LearnedContexts:
    """Context lengths learned from refusals. They are forgotten after an hour.

    A learned length is never below the largest input that the offer has served.
    """

    _learned: dict[Offer, tuple[int, datetime]] = field(default_factory=dict)
    _served: dict[Offer, int] = field(default_factory=dict)

    def tokens(self, offer: Offer, at: datetime) -> int | None:
        """Return the length learned within the last hour, None where there is none."""
        found = self._learned.get(offer)
        if found is None or at >= found[1]:
            return None
        return max(found[0], self._served.get(offer, 0))

    def learn(self, offer: Offer, tokens: int, at: datetime) -> None:
        """Learn from a refusal at the time `at` that the context is `tokens` long."""
        if tokens > 0:
            _bound(self._learned, offer)
            self._learned[offer] = (tokens, at + LEARNED_FOR)

    def served(self, offer: Offer, input_tokens: int) -> None:
        """Note an input that the offer has served."""
        if input_tokens > self._served.get(offer, 0):
            _bound(self._served, offer)
            self._served[offer] = input_tokens


def _bound(known: dict[Offer, Any], offer: Offer) -> None:
    """Make space for one more offer: the oldest entry is forgotten."""
    if offer not in known and len(known) >= MOST_OFFERS:
        del known[next(iter(known))]
