"""Health: the one view of every provider, key and offer. Each attempt is admitted by it and reported to it."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.catalog.offers import Offer
from engine.errors import BalanceGone, KeyRefused, NoSuchModel, ProviderError, RateLimited
from engine.ports import Clock, LimitHeaders
from engine.routing.key_health import LONGEST_REST_SECONDS, KeyHealth
from engine.routing.offer_health import Breaker, OfferHealth, TrackRecord
from engine.routing.plan import OfferStatus
from engine.routing.provider_health import Availability, LimitFact, ProviderHealth, ProviderState, State

__all__ = ["Denial", "Health", "HealthPolicy", "LimitFact", "Permit", "ProviderState", "State"]

MODEL_GONE_SECONDS = 3600.0
JITTER = 0.1
NOT_CONFIGURED = "not configured"
RETRY_WAIT_SECONDS = 1.0
_MOST_OFFERS = 4096  # upper bound of the offers kept: tenants may ask for any name


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """When a provider rests, and how long tokens are waited for: [health] in farthing.toml."""

    failures_to_open: int = 5
    rest_seconds: float = 60
    first_token_seconds: float = 20
    idle_seconds: float = 30


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission for one attempt, under one key. `probe`: it is the one attempt of a half-open breaker."""

    offer: Offer
    key: int
    probe: bool = False
    began_at: float = 0.0
    number: int = 0


@dataclass(frozen=True, slots=True)
class Denial:
    """An offer may not be tried now; `seconds` until it may."""

    reason: str
    seconds: float


class Health:
    """The health of all providers, as this process has seen it. One per process."""

    def __init__(
        self,
        policy: HealthPolicy,
        clock: Clock,
        providers: Mapping[str, int],
        random_share: Callable[[], float] = random.random,
    ) -> None:
        """`providers`: the number of keys by name. `random_share`: from 0 to 1, for the jitter of cooldowns."""
        self._policy, self._clock, self._random_share = policy, clock, random_share
        now = clock.now()
        self._providers = {
            name: ProviderHealth(
                [KeyHealth() for _ in range(keys)], Breaker(policy.failures_to_open, policy.rest_seconds), now
            )
            for name, keys in providers.items()
        }
        self._offers: dict[Offer, OfferHealth] = {}
        self._permits = 0

    # --- before an attempt ----------------------------------------------------------------------------

    def status(self, offer: Offer) -> OfferStatus:
        """Return how the planner weighs `offer` now; nothing is reserved. An untried offer counts as its provider."""
        now, provider, own = self._clock.monotonic(), self._providers.get(offer.provider), self._offers.get(offer)
        if provider is None:
            return OfferStatus(NOT_CONFIGURED)
        gone = own is not None and own.gone_until > now
        unrestricted = not gone and provider.is_unrestricted(now)
        if not unrestricted and (denial := self._denial(offer, now)) is not None:
            return OfferStatus(denial.reason)
        track = (own.track if own else None) or provider.track
        chance, failure_seconds = track.failure_chance(now), track.failure_seconds
        if late := provider.late_attempts(now):
            chance, failure_seconds = max(chance, late / (late + 1)), self._policy.first_token_seconds
        over_limit_seconds = 0.0 if unrestricted else provider.over_limit_seconds(now)
        remaining_tokens = provider.remaining_tokens(now)
        return OfferStatus("", chance, failure_seconds, track.first_token_seconds, over_limit_seconds, remaining_tokens)

    def admit(self, offer: Offer, tokens: int = 0, *, repeat: bool = False) -> Permit | Denial:
        """Return permission to try `offer` now, under the next key; a half-open breaker admits one attempt.

        An offer over its learned limit is admitted: the planner puts it behind all others. `tokens` are expected to be
        taken from the reported quota. `repeat`: this provider failed this prompt before, so a retry is spent.
        """
        now = self._clock.monotonic()
        denial = self._denial(offer, now)
        if denial is not None:
            return denial
        provider = self._providers[offer.provider]
        if not repeat:
            provider.budget.first_attempt(now)
        elif not provider.budget.spend(now):
            return Denial("its retry budget is used up", RETRY_WAIT_SECONDS)
        key = provider.next_key(now, tokens)
        provider.keys[key].begin(now, tokens)
        self._permits += 1
        provider.pending.begin(self._permits, now)
        provider.breaker.probing = provider.breaker.is_open
        return Permit(offer, key, provider.breaker.is_open, now, self._permits)

    # --- the result of an attempt -----------------------------------------------------------------------

    def first_token(self, permit: Permit) -> None:
        """Report that the first token has come."""
        self._providers[permit.offer.provider].pending.answered(permit.number)

    def succeeded(self, permit: Permit, first_token_ms: int | None, limits: LimitHeaders | None = None) -> None:
        """Report a proper end. A good probe ends the outage."""
        provider, now = self._providers[permit.offer.provider], self._clock.monotonic()
        provider.pending.answered(permit.number)
        provider.breaker.succeeded(now, probe=permit.probe)
        for track in (provider.track, self._track(permit.offer, now)):
            track.succeeded(now, first_token_ms)
        if permit.probe:
            self._recovered(permit.offer.provider, now)
        key = provider.keys[permit.key]
        key.succeeded(now, permit.began_at)
        if limits is not None:
            key.apply_limits(now, limits)
        self._availability(provider, now)

    def failed(self, permit: Permit, error: ProviderError) -> None:
        """Report a failure: to the breaker where it `counts`, to the key or the offer where it is theirs."""
        provider, now = self._providers[permit.offer.provider], self._clock.monotonic()
        provider.pending.end(permit.number)
        if error.counts:
            self._count(provider, permit, error, now)
        elif permit.probe:
            provider.breaker.release_probe()
        key = provider.keys[permit.key]
        if isinstance(error, RateLimited):
            jitter = 1 + JITTER * self._random_share()
            key.rate_limited(now, permit.began_at, error.retry_after_seconds, jitter=jitter, per_day=error.per_day)
        elif isinstance(error, KeyRefused | BalanceGone):
            key.refused(now, error.outcome.replace("_", " "))
        elif isinstance(error, NoSuchModel):
            self._offer(permit.offer, now).gone_until = now + MODEL_GONE_SECONDS
        self._availability(provider, now)

    def abandoned(self, permit: Permit) -> None:
        """Report an attempt that ended without a result: nothing is learned, and another probe is allowed."""
        provider = self._providers[permit.offer.provider]
        provider.pending.end(permit.number)
        if permit.probe:
            provider.breaker.release_probe()

    # --- the operator and the probes --------------------------------------------------------------------

    def drain(self, name: str) -> None:
        self._providers[name].drained = True
        self._availability(self._providers[name], self._clock.monotonic())

    def resume(self, name: str) -> None:
        """End a drain and every rest."""
        self._providers[name].drained = False
        self.restore(name)

    def restore(self, name: str, key: int | None = None) -> None:
        """End every rest of a provider, or of one of its keys: the operator fixed it, or a free probe succeeded."""
        provider, now = self._providers[name], self._clock.monotonic()
        if key is None:
            provider.breaker.close()
            self._recovered(name, now)
        for each in provider.keys if key is None else (provider.keys[key],):
            each.restore()
        self._availability(provider, now)

    def due_probes(self) -> tuple[str, ...]:
        """Return providers whose rest is over without an attempt since, and those without a key in service."""
        now = self._clock.monotonic()
        return tuple(name for name, each in self._providers.items() if each.keys and each.is_probe_due(now))

    def is_locked_out(self, name: str) -> bool:
        """Return whether every key of a provider was refused or has no balance."""
        return self._providers[name].is_locked_out

    def refused_keys(self) -> tuple[tuple[str, int], ...]:
        """Return (provider, key) for each key out of service while other keys of its provider are in service."""
        return tuple(
            (name, number)
            for name, provider in self._providers.items()
            if not provider.drained and not provider.is_locked_out
            for number, key in enumerate(provider.keys)
            if key.is_out_of_service
        )

    # --- for display ------------------------------------------------------------------------------------

    def smallest_rest_seconds(self) -> float:
        """Return the seconds until the first resting provider may be asked; a default rest where none rests."""
        waits = [state.seconds for state in self.states() if state.seconds > 0 and state.state is not State.DRAINED]
        return min(waits, default=self._policy.rest_seconds)

    def states(self) -> tuple[ProviderState, ...]:
        return tuple(self.state(name) for name in self._providers)

    def state(self, name: str) -> ProviderState:
        provider, now = self._providers[name], self._clock.monotonic()
        availability = self._availability(provider, now) if provider.keys else Availability(State.CLOSED)
        return ProviderState(
            name=name,
            state=availability.state,
            since=provider.since,
            reason=availability.reason or provider.over_limit_reason(now),
            seconds=availability.seconds,
            p50_first_token_ms=provider.track.p50_first_token_ms,
            requests_per_minute=provider.learned_limit,
            failures=provider.breaker.failures,
            failure_chance=provider.track.failure_chance(now),
        )

    def limit_facts(self) -> tuple[LimitFact, ...]:
        """Return rate limits that fell, each once, after a minute without a 429 has shown where the limit is."""
        now = self._clock.monotonic()
        return tuple(
            LimitFact(name, drop.now_per_minute, drop.before_per_minute, self._clock.now())
            for name, provider in self._providers.items()
            for key in provider.keys
            if (drop := key.limit.take_drop(now)) is not None
        )

    # --- helpers ------------------------------------------------------------------------------------------

    def _denial(self, offer: Offer, now: float) -> Denial | None:
        provider = self._providers.get(offer.provider)
        if provider is None or not provider.keys:
            return Denial(NOT_CONFIGURED, LONGEST_REST_SECONDS)
        own = self._offers.get(offer)
        if own is not None and own.gone_until > now:
            return Denial("the provider has no such model", own.gone_until - now)
        availability = self._availability(provider, now)
        return Denial(availability.reason, availability.seconds) if availability.seconds > 0 else None

    def _availability(self, provider: ProviderHealth, now: float) -> Availability:
        """Return a provider's availability. A change of its state is dated when it is first read."""
        found = provider.availability(now)
        if found.state is not provider.seen:
            provider.seen, provider.since = found.state, self._clock.now()
        return found

    def _count(self, provider: ProviderHealth, permit: Permit, error: ProviderError, now: float) -> None:
        provider.last_error = error.outcome
        provider.breaker.failed(now, probe=permit.probe)
        for track in (provider.track, self._track(permit.offer, now)):
            track.failed(now, now - permit.began_at)

    def _recovered(self, name: str, now: float) -> None:
        of_offers = [own.track for offer, own in self._offers.items() if offer.provider == name]
        for track in (self._providers[name].track, *of_offers):
            if track is not None:
                track.recovered(now)

    def _track(self, offer: Offer, now: float) -> TrackRecord:
        own = self._offer(offer, now)
        if own.track is None:
            own.track = TrackRecord()
        return own.track

    def _offer(self, offer: Offer, now: float) -> OfferHealth:
        """Return the health of an offer. At _MOST_OFFERS, all but those known to be gone are forgotten."""
        if len(self._offers) > _MOST_OFFERS:
            self._offers = {each: own for each, own in self._offers.items() if own.gone_until > now}
        return self._offers.setdefault(offer, OfferHealth())
