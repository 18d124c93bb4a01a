"""The next attempt of one prompt: the offers of its route in turn, repeats, and early attempts at resting offers."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from engine.catalog.offers import Drop, Quote
from engine.errors import KEY_ERRORS, ProviderError
from engine.routing.health import Health
from engine.routing.permits import Denial, Permit
from engine.routing.plan import Route

REPEAT_TIMES = 3  # an offer is asked again at once where the next one costs over so many times as much
MOST_REPEATS = 4  # of one prompt, where no other offer is left
QUICK_SECONDS = 5.0  # a failure that took longer is not repeated
FIRST_PAUSE_SECONDS = 0.25  # between repeats where no other offer is left; each further pause is twice as long
MOST_REPEAT_WAIT_SECONDS = 5.0
MOST_EARLY_WAIT_SECONDS = 2.0
POLL_SECONDS = 0.1
LEAST_RETRY_AFTER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class NextAttempt:
    """The quote to attempt next, by its number in the route, and the permission to do so."""

    number: int
    permit: Permit


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for so long, then ask for the next choice again."""

    seconds: float


@dataclass(slots=True)
class Selection:
    """The choices of one prompt. `order` plans quotes by the health of the moment.

    First every offer of the route is attempted, cheapest first. A quick failure or a cut answer is repeated once where
    the next offer costs over three times as much, and four times, spaced, where no other offer is left. Repeats need
    the provider's retry budget. Where every offer rests, the prompt waits up to 2 s for one of the early attempts that
    all prompts share; up to 5 s where an offer failed it before.
    """

    health: Health
    quotes: Sequence[Quote]
    order: Callable[[Sequence[Quote]], Route]
    drops: list[Drop] = field(default_factory=list)
    retry_after_seconds: float = LEAST_RETRY_AFTER_SECONDS
    _fresh: set[int] = field(default_factory=set)
    _repeatable: set[int] = field(default_factory=set)
    _attempts: dict[int, int] = field(default_factory=dict)
    _keys: dict[int, set[int]] = field(default_factory=dict)
    _at_once: int | None = None
    _pause_until: float = 0.0
    _repeat_wait_seconds: float = 0.0
    _early_wait_seconds: float = 0.0
    _planned: bool = False
    _repeats: int = 0

    def __post_init__(self) -> None:
        self._fresh = set(range(len(self.quotes)))

    def leave_out(self, number: int, reason: str) -> None:
        """Attempt this quote no more."""
        self._fresh.discard(number)
        self._repeatable.discard(number)
        self._at_once = None if self._at_once == number else self._at_once
        self.drops.append(Drop(self.quotes[number].offer, reason))

    def keep_only(self, numbers: AbstractSet[int], reason: str) -> None:
        """Attempt none but these quotes from now on."""
        for number in sorted(self._fresh - numbers):
            self.leave_out(number, reason)
        self._repeatable &= numbers
        self._at_once = self._at_once if self._at_once in numbers else None

    def begin(self, number: int) -> None:
        """Record that an attempt at this quote begins."""
        self._fresh.discard(number)
        self._attempts[number] = self._attempts.get(number, 0) + 1
        self._repeatable.discard(number)

    def is_fresh(self, number: int) -> bool:
        return number in self._fresh

    def next(self, now: float) -> NextAttempt | Pause | None:
        """Return the next attempt, a pause before it, or None where the prompt can't be answered."""
        if self._at_once is not None:
            number, self._at_once = self._at_once, None
            if (choice := self._admit(number)) is not None:
                return choice
        while self._fresh:
            route = self._plan(sorted(self._fresh))
            if not route.quotes or route.is_over_limit:
                break
            if (choice := self._admit_early(route) or self._admit(self._number(route.quotes[0]))) is not None:
                return choice
        step = self._repeat(now) or self._early()
        if step is None:
            self._end()
        return step

    def failed(self, choice: NextAttempt, error: ProviderError, *, seconds: float, was_shown: bool, now: float) -> None:
        """Record that an attempt failed after `seconds`; `was_shown`: content of it had reached the reader."""
        number, quote = choice.number, self.quotes[choice.number]
        if isinstance(error, KEY_ERRORS):
            self._keys.setdefault(number, set()).add(choice.permit.key)
            self._at_once = number
            return
        if not error.counts or (seconds > QUICK_SECONDS and not was_shown):
            return
        self._repeatable.add(number)
        self._pause_until = now + FIRST_PAUSE_SECONDS * 2**self._repeats
        if self._attempts[number] == 1 and self._fresh and not self._is_hopeless(choice):
            following = self._plan(sorted(self._fresh)).quotes
            if following and following[0].expected_atto > REPEAT_TIMES * quote.expected_atto:
                self._at_once = number

    # --- helpers ------------------------------------------------------------------------------------------

    def _is_hopeless(self, choice: NextAttempt) -> bool:
        return choice.permit.early or self.health.is_likely_down(choice.permit.offer)

    def _plan(self, numbers: Sequence[int]) -> Route:
        route = self.order([self.quotes[number] for number in numbers])
        if not self._planned and route.quotes:
            self._planned = True
            self.health.demanded(route.cheapest, route.saving_atto)
        return route

    def _number(self, quote: Quote) -> int:
        return next(number for number, each in enumerate(self.quotes) if each is quote)

    def _admit(self, number: int) -> NextAttempt | None:
        """Return permission for an attempt; a quote that is denied is left out where it was never attempted."""
        quote, used = self.quotes[number], self._keys.get(number, set())
        repeat = self._attempts.get(number, 0) > len(used)
        permit = self.health.admit(quote.offer, quote.expected_tokens, repeat=repeat)
        if isinstance(permit, Denial):
            if self.is_fresh(number):
                self.leave_out(number, permit.reason)
            return None
        if permit.key in used:
            self.health.abandoned(permit)
            return None
        return NextAttempt(number, permit)

    def _admit_early(self, route: Route) -> NextAttempt | None:
        """Return permission to attempt a resting offer once, where that is worth the chance that it is back."""
        quote = next((early.quote for early in route.early if early.is_due(self.health)), None)
        if quote is None:
            return None
        permit = self.health.admit(quote.offer, quote.expected_tokens, early=True)
        return None if isinstance(permit, Denial) else NextAttempt(self._number(quote), permit)

    def _repeat(self, now: float) -> NextAttempt | Pause | None:
        """Repeat an offer that failed quickly: no other one is left."""
        if not self._repeatable or self._repeats >= MOST_REPEATS:
            return None
        if self._repeat_wait_seconds > MOST_REPEAT_WAIT_SECONDS:
            return None
        route = self._plan(sorted(self._repeatable))
        if not route.quotes or route.is_over_limit:
            return None
        pause_seconds = self._pause_until - now
        if pause_seconds <= 0:
            if (choice := self._admit(self._number(route.quotes[0]))) is not None:
                self._repeats += 1
                return choice
            pause_seconds = POLL_SECONDS
        self._repeat_wait_seconds += pause_seconds
        return Pause(pause_seconds)

    def _end(self) -> None:
        """Keep, for the receipt, why the offers that were never attempted were left out."""
        self.drops += self._plan(sorted(self._fresh)).drops
        self._fresh.clear()

    def _early(self) -> NextAttempt | Pause | None:
        """Take one of the early attempts at a resting offer, or wait for it."""
        if self._repeats >= MOST_REPEATS:
            return None
        numbers = sorted(self._fresh | self._repeatable)
        early = self.health.early([self.quotes[number].offer for number in numbers])
        if early is None:
            return None
        self.retry_after_seconds = max(LEAST_RETRY_AFTER_SECONDS, early.wait_seconds)
        number = next(number for number in numbers if self.quotes[number].offer == early.offer)
        if early.wait_seconds <= 0:
            tokens, repeat = self.quotes[number].expected_tokens, number in self._repeatable
            permit = self.health.admit(early.offer, tokens, repeat=repeat, early=True)
            if isinstance(permit, Permit):
                self._repeats += repeat
                return NextAttempt(number, permit)
        most_seconds = MOST_REPEAT_WAIT_SECONDS if self._repeatable else MOST_EARLY_WAIT_SECONDS
        if self._repeat_wait_seconds + self._early_wait_seconds + early.wait_seconds > most_seconds:
            return None
        pause_seconds = min(early.wait_seconds or POLL_SECONDS, POLL_SECONDS)
        self._early_wait_seconds += pause_seconds
        return Pause(pause_seconds)
