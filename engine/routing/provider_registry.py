"""The providers of this process and their health, for operators, probes and displays."""

from collections.abc import Mapping

from engine.catalog.offers import Offer
from engine.ports import Clock
from engine.routing.breaker import Breaker
from engine.routing.key_health import LONGEST_REST_SECONDS, KeyHealth
from engine.routing.offer_health import OfferHealth
from engine.routing.permits import Denial, HealthPolicy
from engine.routing.provider_health import (
    LimitFact,
    OfferState,
    ProviderHealth,
    ProviderState,
    State,
    Status,
)
from engine.routing.statuses import offer_state, status_of

MOST_OFFERS = 4096  # of one provider: tenants may request any name


class ProviderRegistry:
    """The health of all providers, with methods to drain, restore and list them."""

    def __init__(self, policy: HealthPolicy, clock: Clock, providers: Mapping[str, int]) -> None:
        """`providers`: the number of API keys by provider."""
        self._policy, self._clock = policy, clock
        now = clock.now()
        self._providers = {
            name: ProviderHealth([KeyHealth() for _ in range(keys)], self._breaker(), now)
            for name, keys in providers.items()
        }

    @property
    def providers(self) -> Mapping[str, ProviderHealth]:
        """The health of each provider by its name."""
        return self._providers

    # --- the operator and the probes --------------------------------------------------------------------

    def drain(self, name: str) -> None:
        self._providers[name].drained = True
        self._providers[name].read(self._clock)

    def resume(self, name: str) -> None:
        """End a drain and every rest."""
        self._providers[name].drained = False
        self.restore(name)

    def restore(self, name: str, key: int | None = None) -> None:
        """End every rest of a provider, or of one of its keys: the operator fixed it, or a free probe succeeded."""
        provider, now = self._providers[name], self._clock.monotonic()
        if key is None:
            provider.breaker.close(now)
            provider.track.recovered(now, provider.breaker.usual_failure_share)
            for health in provider.offers.values():
                health.restore(now)
        for each in provider.keys if key is None else (provider.keys[key],):
            each.restore()
        provider.read(self._clock)

    def due_probes(self) -> tuple[Offer, ...]:
        """Return the offers whose rest is over and that were not tried since."""
        now = self._clock.monotonic()
        return tuple(
            Offer(name, model)
            for name, provider in self._providers.items()
            for model, health in provider.offers.items()
            if (provider.breaker.is_open or health.breaker.is_open)
            and not (provider.breaker.probing or health.breaker.probing)
            and provider.availability(now, model).state is State.HALF_OPEN
        )

    def locked_out(self) -> tuple[str, ...]:
        """Return the providers that are not drained and have no API key in service."""
        return tuple(name for name, each in self._providers.items() if each.is_locked_out and not each.drained)

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
        """Return the seconds until the first resting provider may be asked; the default rest if none is resting."""
        waits = [state.seconds for state in self.states() if state.seconds > 0 and state.state is not State.DRAINED]
        return min(waits, default=self._policy.rest_seconds)

    def states(self) -> tuple[ProviderState, ...]:
        return tuple(self.state(name) for name in self._providers)

    def state(self, name: str) -> ProviderState:
        provider, now = self._providers[name], self._clock.monotonic()
        return provider.state(name, provider.read(self._clock), now)

    def status_of(self, name: str) -> Status:
        """Return whether a provider answers now, as far as this process has seen."""
        return status_of(self._providers[name], self._clock.monotonic(), self._clock.now())

    def offer_state(self, offer: Offer) -> OfferState:
        """Return whether an offer answers now, and if it rests, until when."""
        provider = self._providers[offer.provider]
        return offer_state(provider, offer.model, self._clock.monotonic(), self._clock.now())

    def limit_facts(self) -> tuple[LimitFact, ...]:
        """Return each rate limit that fell, once, after a minute without a 429 has confirmed the new value."""
        now, at = self._clock.monotonic(), self._clock.now()
        return tuple(fact for name, each in self._providers.items() for fact in each.limit_facts(name, now, at))

    # --- helpers ------------------------------------------------------------------------------------------

    def _offer(self, offer: Offer) -> OfferHealth:
        offers = self._providers[offer.provider].offers
        found = offers.get(offer.model)
        if found is None:
            if len(offers) >= MOST_OFFERS:
                del offers[next(iter(offers))]
            found = offers[offer.model] = OfferHealth(self._breaker())
        return found

    def _denial(self, offer: Offer, now: float) -> Denial | None:
        provider = self._providers.get(offer.provider)
        if provider is None or not provider.keys:
            return Denial("not configured", LONGEST_REST_SECONDS)
        provider.read(self._clock)
        found = provider.availability(now, offer.model)
        if found.seconds <= 0:
            return None
        rests = found.state in {State.OPEN, State.HALF_OPEN}
        may_end = rests or (found.state is State.RESTING and found.seconds < LONGEST_REST_SECONDS)
        return Denial(found.reason, found.seconds, may_end=may_end, may_be_early=rests)

    def _breaker(self) -> Breaker:
        return Breaker(self._policy.failures_to_open, self._policy.rest_seconds)
