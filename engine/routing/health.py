"""Health: the state of every provider, key and offer. It admits each attempt, and each attempt reports to it."""

import random
from collections.abc import Callable, Collection, Mapping

from engine.catalog.offers import Offer
from engine.catalog.thinking import is_thinking_model, thinks_first
from engine.errors import BalanceGone, KeyRefused, NoSuchModel, ProviderError, RateLimited, Unreachable
from engine.ports import Clock, LimitHeaders
from engine.routing.early_attempts import EARLY_SECONDS, EarlyAttempts
from engine.routing.offer_health import QUICK_FAILURE_SHARE, USUAL_FAILURE_SECONDS, OfferHealth
from engine.routing.permits import Denial, Early, HealthPolicy, OfferStatus, Permit
from engine.routing.provider_health import LimitFact, ProviderHealth, ProviderState, State
from engine.routing.provider_registry import MOST_OFFERS

__all__ = ["Denial", "Early", "Health", "HealthPolicy", "LimitFact", "Permit", "ProviderState", "State"]

MODEL_GONE_SECONDS = 3600.0
JITTER = 0.1
RETRY_WAIT_SECONDS = 1.0


class Health(EarlyAttempts):
    """The health of all providers, as this process has seen it. One object per process."""

    def __init__(
        self,
        policy: HealthPolicy,
        clock: Clock,
        providers: Mapping[str, int],
        random_share: Callable[[], float] = random.random,
    ) -> None:
        """`providers`: the number of API keys by provider.

        `random_share` returns 0 to 1, for the jitter of cooldowns.
        """
        super().__init__(policy, clock, providers)
        self._random_share = random_share
        self.preferred_keys: Callable[[Offer], Collection[int]] = lambda _: ()
        """The keys of an offer that free attempts use first: those with requests left in its free tier."""
        self._permits = 0
        self._alive: set[int] = set()

    # --- before an attempt ----------------------------------------------------------------------------

    def status(self, offer: Offer) -> OfferStatus:
        """Return the facts by which the planner orders `offer` now.

        Nothing is reserved; a new offer has its provider's.
        """
        provider = self._providers.get(offer.provider)
        if provider is not None and (calm := provider.calm.get(offer.model)) is not None:
            return calm
        now = self._clock.monotonic()
        unrestricted = provider is not None and provider.is_unrestricted(now, offer.model)
        if provider is None or not unrestricted:
            denial = self._denial(offer, now)
            if denial is not None or provider is None:
                return _NOT_CONFIGURED if denial is None else _resting(denial, provider, offer.model)
        health = provider.offers.get(offer.model)
        track = provider.track if health is None or health.track.is_untried else health.track
        status = track.status(now)
        if health is not None and health.pending.began_at and (late := health.late_attempts(now)):
            chance = max(status.failure_chance, late / (late + 1))
            seconds = self._policy.patience_seconds(thinks=is_thinking_model(offer.model))
            status = status._replace(failure_chance=chance, failure_seconds=seconds, may_be_early=True)
        if health is not None and health.failing_since is not None and status.failure_chance:
            status = status._replace(may_be_early=True)
        if unrestricted:
            is_calm = not status.failure_chance and (health is None or not health.pending.began_at)
            if is_calm and len(provider.calm) < MOST_OFFERS:
                provider.calm[offer.model] = status
            return status
        # at the end of its rest: one probe is allowed, and is expected to fail like the attempts before
        if health is not None and health.breaker.is_open:
            seconds = health.resting.failure_seconds
            status = status._replace(failure_seconds=seconds, failure_share=QUICK_FAILURE_SHARE)
        return self._limited(status, provider, offer.model, now)

    def admit(
        self, offer: Offer, tokens: int = 0, *, repeat: bool = False, early: bool = False, free: bool = False
    ) -> Permit | Denial:
        """Permit or deny an attempt at `offer` now, with its next API key. A half-open breaker permits one attempt.

        An offer above its learned limit is permitted: the planner puts it last. `tokens`: the expected use of the
        reported quota. `repeat`: this offer has failed for this prompt, so that a retry is spent. `early`: an attempt
        during a rest, allowed by `early()`; it spends no retry, because all prompts share one attempt per second.
        `free`: use a key with free requests if one is usable; an attempt at full price leaves them to others.
        """
        now = self._clock.monotonic()
        denial = self._denial(offer, now)
        if denial is not None and not (early and denial.may_end):
            return denial
        provider = self._providers[offer.provider]
        if not repeat:
            provider.budget.first_attempt(now)
        elif denial is None and not provider.budget.spend(now):
            return Denial("its retry budget is used up", RETRY_WAIT_SECONDS, may_end=True)
        health = self._offer(offer)
        preferred = self.preferred_keys(offer) if free and len(provider.keys) > 1 else ()
        key = provider.next_key(now, offer.model, tokens, preferred)
        provider.keys[key].begin(now, offer.model, tokens)
        self._permits += 1
        health.pending.begin(self._permits, now)
        probe = provider.breaker.is_open or health.breaker.is_open
        if probe and denial is None:
            provider.breaker.probing, health.breaker.probing = provider.breaker.is_open, health.breaker.is_open
        if early:
            health.early_at = now + EARLY_SECONDS
        if probe or early:
            health.resting.attempted(now)
        return Permit(offer, key, probe, now, self._permits, early=early and denial is not None)

    def is_usable(self, offer: Offer, key: int) -> bool:
        """Return whether this API key does not rest for the offer now."""
        keys = self._providers[offer.provider].keys
        return key < len(keys) and keys[key].wait_seconds(self._clock.monotonic(), offer.model) <= 0

    def is_likely_down(self, offer: Offer) -> bool:
        """Return whether an offer that is not resting has more recent failures than chance explains."""
        breaker = self._offer(offer).breaker
        return not breaker.is_open and breaker.is_likely_down(self._clock.monotonic())

    def demanded(self, offer: Offer | None, saving_atto: float) -> None:
        """Count a prompt for the offer that it would take first, with its saving, if that offer has a learned limit."""
        if offer is not None and self._providers[offer.provider].limit_of(offer.model) is not None:
            self._offer(offer).demand.add(self._clock.monotonic(), saving_atto)

    def expect_thinking(self, permit: Permit, effort: str | None) -> None:
        """Note that an attempt may think before its first token, because of its model or of `reasoning_effort`.

        For a model that always thinks, the usual times to its first token include the thinking, and the attempt is late
        after `first_token_seconds` at the earliest. Any other model is late only when its patience is over.
        """
        model = permit.offer.model
        if thinks_first(model, effort):
            policy = self._policy
            seconds = policy.first_token_seconds if is_thinking_model(model) else policy.patience_seconds(thinks=True)
            self._offer(permit.offer).pending.think(permit.number, seconds)

    def expect_fetch(self, permit: Permit) -> None:
        """Note that the provider first fetches a picture: its address decides how long that takes."""
        self._offer(permit.offer).pending.think(permit.number, self._policy.patience_seconds(thinks=True))

    # --- the result of an attempt -----------------------------------------------------------------------

    def first_token(self, permit: Permit) -> None:
        """Report the first content or reasoning: from now on the attempt counts as a success.

        A successful probe ends the outage of its offer and of its provider.
        """
        now, provider, health = self._of(permit)
        self._alive.add(permit.number)
        health.first_token(now, permit.number, permit.began_at)
        if provider.breaker.is_open and permit.probe:
            provider.track.recovered(now, provider.breaker.usual_failure_share)
        provider.breaker.succeeded(now, permit.began_at, number=permit.number, probe=permit.probe)
        health.succeeded(now, permit.began_at, number=permit.number, probe=permit.probe)
        provider.track.succeeded(now, None)
        provider.keys[permit.key].accepted(now, permit.offer.model, permit.began_at)
        provider.answered(self._clock, now, permit.offer.model)

    def succeeded(self, permit: Permit, first_token_ms: int | None, limits: LimitHeaders | None = None) -> None:
        """Report that an attempt has ended properly."""
        if permit.number not in self._alive:
            self.first_token(permit)
        self._alive.discard(permit.number)
        now, provider = self._clock.monotonic(), self._providers[permit.offer.provider]
        for track in (provider.track, self._offer(permit.offer).track):
            track.learn_speed(first_token_ms)
        if limits is not None:
            provider.keys[permit.key].apply_limits(now, permit.offer.model, limits)
        provider.answered(self._clock, now, permit.offer.model)

    def failed(self, permit: Permit, error: ProviderError) -> None:
        """Report a failure: to the breakers if it `counts`, and to the key or the offer if it concerns them."""
        now, provider, health = self._of(permit)
        health.pending.end(permit.number)
        if error.counts:
            self._count(provider, health, permit, error, now)
        elif permit.probe and not permit.early:
            provider.breaker.release_probe()
            health.breaker.release_probe()
        self._alive.discard(permit.number)
        key = provider.keys[permit.key]
        if isinstance(error, RateLimited):
            jitter, model = 1 + JITTER * self._random_share(), permit.offer.model
            key.rate_limited(
                now,
                model,
                permit.began_at,
                error.retry_after_seconds,
                jitter=jitter,
                per_day=error.per_day,
                counts=error.status in _RATE_STATUSES,
                of_tokens=error.of_tokens,
            )
        elif isinstance(error, KeyRefused | BalanceGone):
            key.refused(now, error.outcome.replace("_", " "))
        elif isinstance(error, NoSuchModel):
            health.gone_until = now + MODEL_GONE_SECONDS
        provider.read(self._clock)

    def abandoned(self, permit: Permit) -> None:
        """Report an attempt that ended without a result: nothing is learned, and another probe is allowed."""
        provider, health = self._providers[permit.offer.provider], self._offer(permit.offer)
        health.pending.end(permit.number)
        self._alive.discard(permit.number)
        provider.calm.clear()
        if permit.probe and not permit.early:
            provider.breaker.release_probe()
            health.breaker.release_probe()

    def is_alive(self, permit: Permit) -> bool:
        """Return whether a running attempt has had its first content or reasoning."""
        return permit.number in self._alive

    def answers(self, offer: Offer) -> bool:
        """Return whether an offer has answered anyone within the last minute."""
        return self._clock.monotonic() - self._offer(offer).answered_at <= ANSWERS_SECONDS

    def offer_health(self, provider: str, model: str) -> OfferHealth:
        """Return the health of an offer, even of one that was never attempted."""
        return self._offer(Offer(provider, model))

    # --- helpers ------------------------------------------------------------------------------------------

    def _of(self, permit: Permit) -> tuple[float, ProviderHealth, OfferHealth]:
        """Return the current time, and the health of the permit's provider and offer."""
        return self._clock.monotonic(), self._providers[permit.offer.provider], self._offer(permit.offer)

    def _limited(self, status: OfferStatus, provider: ProviderHealth, model: str, now: float) -> OfferStatus:
        """Return `status` with the rate limits of `model` added."""
        over_seconds = provider.over_limit_seconds(now, model)
        places, health = provider.places_of(model), provider.offers.get(model)
        slot = 0.0
        if places is not None and health is not None:
            free = sum(key.budget(model).limit.free_places(now) for key in provider.keys)
            slot = health.demand.slot_atto(now, places, free)
        return status._replace(
            over_limit_seconds=over_seconds,
            remaining_tokens=provider.remaining_tokens(now, model),
            slot_atto=slot,
            may_exceed=over_seconds > 0 and provider.trial_wait_seconds(now, model) <= 0,
            may_test=over_seconds > 0 and provider.may_test_limit(now, model),
        )

    def _count(
        self, provider: ProviderHealth, health: OfferHealth, permit: Permit, error: ProviderError, now: float
    ) -> None:
        """Count a failure against its offer, and against its provider if the connection failed."""
        number, probe, was_alive = permit.number, permit.probe and not permit.early, permit.number in self._alive
        provider.last_error = health.last_error = error.outcome
        provider.track.failed(now, now - permit.began_at, was_alive=was_alive)
        patience = self._policy.patience_seconds(thinks=is_thinking_model(permit.offer.model))
        if health.failed(
            now, permit.began_at, number=number, probe=probe, was_alive=was_alive, patience_seconds=patience
        ):
            provider.offer_opened(permit.offer.model, now)
        if isinstance(error, Unreachable) or provider.breaker.is_open:
            provider.breaker.failed(now, permit.began_at, number=number, probe=probe)


def _resting(denial: Denial, provider: ProviderHealth | None, model: str) -> OfferStatus:
    health = None if provider is None else provider.offers.get(model)
    seconds = USUAL_FAILURE_SECONDS if health is None else health.resting.failure_seconds
    return OfferStatus(denial.reason, denial.may_end, failure_seconds=seconds, may_be_early=denial.may_be_early)


ANSWERS_SECONDS = 60.0
_RATE_STATUSES = {429, 498, None}  # any other status rests a key because of its balance
_NOT_CONFIGURED = OfferStatus("not configured")
