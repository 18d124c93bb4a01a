"""Free tiers: offers that cost nothing within limits per minute and per day, which we count. `now` is passed in."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from engine.catalog.offers import FREE, FREE_SOURCE, Offer, Price

FREE_PRICE = Price(((0, FREE),), FREE_SOURCE)
_MINUTE = timedelta(minutes=1)
_ZONES = {
    "gemini": ZoneInfo("America/Los_Angeles")
}  # the zone whose midnight begins a provider's day; UTC for the others


@dataclass(frozen=True, slots=True)
class FreeTierLimits:
    """The limits of one free tier for each API key, as set in [free] of farthing.toml."""

    requests_per_minute: int
    requests_per_day: int


@dataclass(frozen=True, slots=True)
class FreeTierRemaining:
    """The requests that a free tier still allows."""

    this_minute: int
    today: int


@dataclass(slots=True)
class _Tier:
    """The use of one offer's free tier under one key."""

    allowed: FreeTierLimits
    recent: deque[datetime] = field(default_factory=deque)
    day: int = 0
    used_today: int = 0
    closed_until: datetime | None = None
    used_here: int = 0


@dataclass(slots=True)
class FreeTiers:
    """The free tiers in use, counted for each API key: providers limit each key, or its project, by itself.

    Every attempt at a free price is counted; a 429 closes the key's tier for the time that it names. `keys`: how many
    each provider has. `is_usable`: whether a key, by its number, may be used for an offer now.
    """

    allowed: Mapping[Offer, FreeTierLimits] = field(default_factory=dict)
    keys: Mapping[str, int] = field(default_factory=dict)
    is_usable: Callable[[Offer, int], bool] = lambda *_: True
    _tiers: dict[Offer, list[_Tier]] = field(init=False)

    def __post_init__(self) -> None:
        self._tiers = {
            offer: [_Tier(allowed) for _ in range(max(1, self.keys.get(offer.provider, 1)))]
            for offer, allowed in self.allowed.items()
        }

    def left(self, offer: Offer, now: datetime) -> FreeTierRemaining | None:
        """Return the requests that all keys still allow; None if the offer has no free tier."""
        tiers = self._tiers.get(offer)
        if tiers is None:
            return None
        found = [_left(tier, offer, now) for tier in tiers]
        return FreeTierRemaining(sum(each.this_minute for each in found), sum(each.today for each in found))

    def is_open(self, offer: Offer, now: datetime) -> bool:
        """Return whether an attempt would be free: a usable key has requests left, or any key if all rest."""
        found = self.open_keys(offer, now)
        keys = len(self._tiers.get(offer, ()))
        if not found or len(found) == keys:
            return bool(found)
        usable = {key for key in range(keys) if self.is_usable(offer, key)}
        return not usable or not usable.isdisjoint(found)

    def open_keys(self, offer: Offer, now: datetime) -> frozenset[int]:
        """Return the numbers of the keys whose free tier is open."""
        return frozenset(key for key, tier in enumerate(self._tiers.get(offer, ())) if _is_open(tier, offer, now))

    def use(self, offer: Offer, now: datetime, key: int = 0) -> None:
        tier = self._tiers[offer][key]
        _roll(tier, offer, now)
        tier.recent.append(now)
        tier.used_today += 1
        tier.used_here += 1

    def take_counts(self) -> list[tuple[Offer, int, int]]:
        """Return the requests that this process has sent since the last call: offer, key and number."""
        used = []
        for offer, tiers in self._tiers.items():
            for key, tier in enumerate(tiers):
                if tier.used_here:
                    used.append((offer, key, tier.used_here))
                    tier.used_here = 0
        return used

    def count_elsewhere(self, offer: Offer, now: datetime, used: int, key: int = 0) -> None:
        """Count requests that another process has sent."""
        tiers = self._tiers.get(offer, [])
        for tier in tiers[key : key + 1]:
            _roll(tier, offer, now)
            tier.recent.extend([now] * used)
            tier.used_today += used

    def refused(self, offer: Offer, now: datetime, seconds: float | None, *, per_day: bool, key: int = 0) -> None:
        """Close a key's tier after a 429: for `seconds`, or until the provider's next day begins."""
        until = day_end(offer, now) if per_day else now + timedelta(seconds=60 if seconds is None else seconds)
        for tier in self._tiers.get(offer, [])[key : key + 1]:
            tier.closed_until = max(until, tier.closed_until or until)

    def begin(self, offer: Offer, now: datetime, used_today: int) -> None:
        """Set today's counts to the requests that earlier processes have sent, whose keys took turns."""
        tiers = self._tiers[offer]
        for number, tier in enumerate(tiers):
            _roll(tier, offer, now)
            tier.used_today = (used_today + len(tiers) - 1 - number) // len(tiers)


def _left(tier: _Tier, offer: Offer, now: datetime) -> FreeTierRemaining:
    _roll(tier, offer, now)
    if tier.closed_until is not None and now < tier.closed_until:
        return FreeTierRemaining(0, 0)
    minute, today = tier.allowed.requests_per_minute - len(tier.recent), tier.allowed.requests_per_day - tier.used_today
    return FreeTierRemaining(max(0, minute), max(0, today))


def _is_open(tier: _Tier, offer: Offer, now: datetime) -> bool:
    left = _left(tier, offer, now)
    return left.this_minute > 0 and left.today > 0


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
