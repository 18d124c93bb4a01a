"""The status of offers and providers for display, from their health in this process."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from engine.routing.provider_health import OfferState, ProviderHealth, State, Status

# with a higher chance of failing, an offer is shown as failing even if its latest attempt answered
FAILING_CHANCE = 0.1
_RESTS = {State.OPEN, State.RESTING}


def offer_state(provider: ProviderHealth, model: str, now: float, at: datetime) -> OfferState:
    """Return the state of a provider's offer. `now` is in monotonic seconds, `at` the same moment as a date.

    An offer is failing at the end of its rest, and when its latest attempts failed but its breaker is still closed.
    """
    found, health = provider.availability(now, model), provider.offers.get(model)
    if not provider.keys:
        return OfferState(model, found.state, Status.NO_KEY)
    if found.state is State.DRAINED:
        return OfferState(model, found.state, Status.DRAINED)
    if found.state in _RESTS:
        until = None if provider.is_locked_out else at + timedelta(seconds=found.seconds)
        return OfferState(model, found.state, Status.RESTING, until)
    has_failed = health is not None and (
        health.breaker.failures > 0 or health.track.failure_chance(now) > FAILING_CHANCE
    )
    is_failing = has_failed or found.state is State.HALF_OPEN
    return OfferState(model, found.state, Status.FAILING if is_failing else Status.ANSWERING)


def status_of(provider: ProviderHealth, now: float, at: datetime) -> Status:
    """Return the status of a provider: the best status among its offers that were attempted or rest."""
    if not provider.keys:
        return Status.NO_KEY
    states = [(health, offer_state(provider, model, now, at).status) for model, health in provider.offers.items()]
    found = {status for health, status in states if status is Status.RESTING or not health.track.is_untried}
    return _best(found or {offer_state(provider, "", now, at).status})


def _best(statuses: Iterable[Status]) -> Status:
    return min(statuses, key=list(Status).index)
