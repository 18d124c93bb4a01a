"""The health of two providers, with a clock that tests move."""

from engine.catalog.offers import Offer
from engine.errors import Overloaded, ProviderError
from engine.routing.health import Denial, Health, HealthPolicy, Permit, State
from tests.engine.clock import HandClock

A, A2, B = Offer("a", "m"), Offer("a", "other"), Offer("b", "m")
DOWN = Overloaded("503", status=503)


class TwoProviders:
    """Health of `a` (with `keys` keys), `b`, and `none` without a key; no jitter."""

    def __init__(self, keys: int = 1) -> None:
        self.clock = HandClock()
        self.health = Health(HealthPolicy(), self.clock, {"a": keys, "b": 1, "none": 0}, random_share=lambda: 0.0)

    def permit(self, offer: Offer = A) -> Permit:
        permit = self.health.admit(offer)
        assert isinstance(permit, Permit)
        return permit

    def denial(self, offer: Offer = A) -> Denial:
        denial = self.health.admit(offer)
        assert isinstance(denial, Denial)
        return denial

    def fails(self, error: ProviderError, times: int = 1, offer: Offer = A) -> None:
        for _ in range(times):
            self.health.failed(self.permit(offer), error)

    def succeeds(self, times: int = 1, offer: Offer = A, first_token_ms: int = 300) -> None:
        for _ in range(times):
            self.health.succeeded(self.permit(offer), first_token_ms)

    def state(self, name: str = "a") -> State:
        return self.health.state(name).state
