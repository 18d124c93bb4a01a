"""Free tiers: offers that cost nothing within limits per minute and per day, which we count. `now` is passed in."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.catalog.offers import FREE, FREE_SOURCE, Offer, Price

FREE_PRICE = Price(((0, FREE),), FREE_SOURCE)
_MINUTE = timedelta(minutes=1)
_ZONES = {
    "gemini": ZoneInfo("America/Los_Angeles")
}  # the time zone whose midnight begins a provider's day; UTC for all other providers


@dataclass(frozen=True, slots=True)
class FreeTierLimits:
    """The limits of one free tier, as set in [free] of farthing.toml."""

    requests_per_minute: int
    requests_per_day: int


@dataclass(frozen=True, slots=True)
class FreeTierRemaining:
    """The requests that a free tier still allows."""

    this_minute: int
    today: int


@dataclass(slots=True)
class _Tier:
    allowed: FreeTierLimits
    recent: deque[datetime] = field(default_factory=deque)
    day: int = 0
    used_today: int = 0
    closed_until: datetime | None = None
    used_here: int = 0


@dataclass(slots=True)
class FreeTiers:
    """The free tiers in use.

    Every attempt at a free price is counted; a 429 closes the tier for the time that it names.
    """

    allowed: Mapping[Offer, FreeTierLimits] = field(default_factory=dict)
    _tiers: dict[Offer, _Tier] = field(init=False)

    def __post_init__(self) -> None:
        self._tiers = {offer: _Tier(allowed) for offer, allowed in self.allowed.items()}

    def left(self, offer: Offer, now: datetime) -> FreeTierRemaining | None:
        """Return the requests that the tier still allows; None if the offer has no free tier."""
        tier = self._tiers.get(offer)
        if tier is None:
            return None
        _roll(tier, offer, now)
        if tier.closed_until is not None and now < tier.closed_until:
            return FreeTierRemaining(0, 0)
        minute = tier.allowed.requests_per_minute - len(tier.recent)
        return FreeTierRemaining(max(0, minute), max(0, tier.allowed.requests_per_day - tier.used_today))

    def is_open(self, offer: Offer, now: datetime) -> bool:
        if offer not in self._tiers:
            return False
        found = self.left(offer, now)
        return found is not None and found.this_minute > 0 and found.today > 0

    def use(self, offer: Offer, now: datetime) -> None:
        tier = self._tiers[offer]
        _roll(tier, offer, now)
        tier.recent.append(now)
        tier.used_today += 1
        tier.used_here += 1

    def take_counts(self) -> list[tuple[Offer, int]]:
        """Return the requests that this process has sent since the last call, by offer."""
        used = [(offer, tier.used_here) for offer, tier in self._tiers.items() if tier.used_here]
        for offer, _ in used:
            self._tiers[offer].used_here = 0
        return used

    def count_elsewhere(self, offer: Offer, now: datetime, used: int) -> None:
        """Count requests that another process has sent."""
        tier = self._tiers.get(offer)
        if tier is not None:
            _roll(tier, offer, now)
            tier.recent.extend([now] * used)
            tier.used_today += used

    def refused(self, offer: Offer, now: datetime, seconds: float | None, *, per_day: bool) -> None:
        """Close the tier after a 429: for `seconds`, or until the provider's next day begins."""
        tier = self._tiers.get(offer)
        if tier is None:
            return
        until = day_end(offer, now) if per_day else now + timedelta(seconds=60 if seconds is None else seconds)
        tier.closed_until = max(until, tier.closed_until or until)

    def begin(self, offer: Offer, now: datetime, used_today: int) -> None:
        """Set today's count to the number of requests that earlier processes have sent."""
        tier = self._tiers[offer]
        _roll(tier, offer, now)
        tier.used_today = used_today


def day_begin(offer: Offer, now: datetime) -> datetime:
    """Return when the provider's current day began, in UTC."""
    return _midnight(offer, now, 0)


def day_end(offer: Offer, now: datetime) -> datetime:
    return _midnight(offer, now, 1)


def _midnight(offer: Offer, now: datetime, days: int) -> datetime:
    """Return the midnight that began the provider's day, or the one `days` later; a day may have 23 or 25 hours."""
    zone = _ZONES.get(offer.provider, UTC)
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _roll(tier: _Tier, offer: Offer, now: datetime) -> None:
    while tier.recent and tier.recent[0] <= now - _MINUTE:
        tier.recent.popleft()
    day = now.astimezone(_ZONES.get(offer.provider, UTC)).toordinal()
    if day != tier.day:
        tier.day, tier.used_today = day, 0
