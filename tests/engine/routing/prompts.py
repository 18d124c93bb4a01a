"""A prompt that is attempted at one offer after another, without a provider or a network."""

from collections.abc import Callable, Sequence
from fractions import Fraction

from engine.catalog.offers import Quote
from engine.errors import ProviderError
from engine.routing.permits import Permit
from engine.routing.plan import Route, plan
from engine.routing.selection import NextAttempt, Pause, Selection
from tests.engine.scripted import PRICE
from tests.engine.two_providers import DOWN, A, B, TwoProviders

CHEAP, DEAR = Quote(A, PRICE, 10**12), Quote(B, PRICE, 5 * 10**12)


class Prompt:
    """One prompt that is tried under a clock which pauses advance."""

    def __init__(self, providers: TwoProviders, *quotes: Quote) -> None:
        self.providers = providers
        self.selection = Selection(providers.health, quotes, self._order)
        self.waited_seconds = 0.0

    def _order(self, quotes: Sequence[Quote]) -> Route:
        return plan(quotes, (), self.providers.health.status, Fraction(0))

    def next(self, others: Callable[[TwoProviders], None] = lambda _: None) -> NextAttempt | None:
        """Return the next choice after its pauses, or None at the end. `others` is called before each step."""
        others(self.providers)
        while isinstance(step := next_step(self), Pause):
            self.providers.clock.wait(step.seconds)
            self.waited_seconds += step.seconds
            others(self.providers)
        if step is not None:
            self.selection.begin(step.number)
        return step

    def fail(
        self, choice: NextAttempt | None, error: ProviderError = DOWN, *, seconds: float = 0, shown: bool = False
    ) -> None:
        assert choice is not None
        self.providers.health.failed(choice.permit, error)
        now = self.providers.clock.monotonic()
        self.selection.failed(choice, error, seconds=seconds, was_shown=shown, now=now)

    def attempts_until_the_end(self, error: ProviderError = DOWN) -> list[str]:
        offers = []
        while (choice := self.next()) is not None:
            offers.append(choice.permit.offer.provider)
            self.fail(choice, error)
        return offers


def spend_retries(providers: TwoProviders) -> None:
    """Use up the retry budget of provider `a`."""
    while isinstance(permit := providers.health.admit(A, repeat=True), Permit):
        providers.health.abandoned(permit)


def attempt_early(providers: TwoProviders) -> None:
    """Make the early attempt at provider `a` for another prompt, if it is due."""
    early = providers.health.early([A])
    if early is not None and early.wait_seconds <= 0:
        providers.health.admit(A, early=True)


def next_step(prompt: Prompt) -> NextAttempt | Pause | None:
    return prompt.selection.next(prompt.providers.clock.monotonic())
