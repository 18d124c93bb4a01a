"""The next attempt for one prompt: the offers of its route in turn, repeats, and early attempts at resting offers."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from engine.catalog.offers import Drop, Quote
from engine.errors import KEY_ERRORS, ProviderError
from engine.routing.early_attempts import MOST_EARLY_WAIT_SECONDS
from engine.routing.health import Health
from engine.routing.permits import Denial, NextAttempt, Pause, Permit
from engine.routing.plan import DEARER_THAN_USUAL, EXCEED_TIMES, EarlyQuote, Route, may_exceed
from engine.routing.repeats import MOST_REPEATS, REPEAT_TIMES, Repeats

__all__ = ["NextAttempt", "Pause", "Selection"]

MOST_REPEAT_WAIT_SECONDS = 5.0
POLL_SECONDS = 0.1
LEAST_RETRY_AFTER_SECONDS = 1.0
MOST_HOLD_SECONDS = 0.5  # longest wait of a failed prompt for the attempts of other prompts that failed with it
LONG_HOLD_TIMES = 10  # a prompt waits for longer if the next offer costs over so many times as much
HOLD_POLL_SECONDS, HOLD_POLL_SHARE, LONGEST_POLL_SECONDS, DUE_SOON_SECONDS = 0.05, 0.15, 0.2, 0.7


@dataclass(slots=True)
class Selection:
    """Chooses each attempt of one prompt. `order` plans quotes by the current health.

    Every offer of the route is attempted once, cheapest first. If the next one costs over three times as much as a
    resting one, an attempt at the resting one is waited for, up to 2 s (4 s at over ten times), and 1 s more if it is
    under way then. Of prompts that failed together, one goes to a silent offer first; the others follow when that
    attempt has survived for 0.1 s.

    A failed offer is repeated once if the next one costs over three times as much: at once after a quick failure, after
    a pause if it cut the answer, at the end of the wait above if others fail there too, and after a slow failure only
    if it has answered other prompts since. If no other offer is left, it is repeated four times, with pauses. Repeats
    need the provider's retry budget. If every offer rests, the prompt waits for one of the early attempts that all
    prompts share: up to 2 s, or 5 s if an offer failed for this prompt.
    """

    health: Health
    quotes: Sequence[Quote]
    order: Callable[[Sequence[Quote]], Route]
    drops: list[Drop] = field(default_factory=list)
    retry_after_seconds: float = LEAST_RETRY_AFTER_SECONDS
    _fresh: set[int] = field(default_factory=set)
    _attempts: dict[int, int] = field(default_factory=dict)  # by quote
    _failed: Repeats | None = None  # from the first failure on
    _keys: dict[int, set[int]] = field(default_factory=dict)
    _at_once: int | None = None
    _repeat_wait_seconds: float = 0.0
    _early_wait_seconds: float = 0.0
    _passed_over: set[int] = field(default_factory=set)
    _planned: bool = False
    _hold_seconds: float = 0.0
    _early_hold_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._fresh = set(range(len(self.quotes)))

    @property
    def _again(self) -> Repeats:
        if self._failed is None:
            self._failed = Repeats(self.health, self.quotes, self._attempts)
        return self._failed

    def leave_out(self, number: int, reason: str) -> None:
        """Exclude this quote from further attempts."""
        self._fresh.discard(number)
        if self._failed is not None:
            self._failed.exclude(number)
        self._at_once = None if self._at_once == number else self._at_once
        self.drops.append(Drop(self.quotes[number].offer, reason))

    def keep_only(self, numbers: AbstractSet[int], reason: str) -> None:
        """Exclude all other quotes from further attempts."""
        for number in sorted(self._fresh - numbers):
            self.leave_out(number, reason)
        self._again.keep_only(numbers)
        self._at_once = self._at_once if self._at_once in numbers else None

    def begin(self, number: int) -> None:
        """Record the start of an attempt at this quote."""
        self._fresh.discard(number)
        self._attempts[number] = self._attempts.get(number, 0) + 1
        if self._failed is not None:
            self._failed.exclude(number)

    def is_fresh(self, number: int) -> bool:
        return number in self._fresh

    def next(self, now: float) -> NextAttempt | Pause | None:
        """Return the next attempt, a pause before it, or None if the prompt can't be answered."""
        if self._at_once is not None:
            if (hold := self._hold(self._at_once)) is not None:
                return hold
            number, self._at_once = self._at_once, None
            if (choice := self._admit(number)) is not None:
                return choice
        while self._fresh:
            route = self._plan(sorted(self._fresh))
            if not route.quotes or route.is_over_limit:
                break
            if (step := self._next_step(route, now)) is not None:
                return step
        last = self._repeat(now) or self._early()
        if last is None:
            self._end()
        return last

    def failed(self, choice: NextAttempt, error: ProviderError, *, seconds: float, was_shown: bool, now: float) -> None:
        """Record that an attempt failed after `seconds`; `was_shown`: its content had reached the reader."""
        number = choice.number
        if isinstance(error, KEY_ERRORS):
            self._keys.setdefault(number, set()).add(choice.permit.key)
            self._at_once = number
            return
        if error.counts:
            self._again.failed(choice, error, seconds=seconds, was_shown=was_shown, now=now)

    # --- helpers ------------------------------------------------------------------------------------------

    def _next_step(self, route: Route, now: float) -> NextAttempt | Pause | None:
        """Return the next step on a route, with repeats of what failed; None if its first offer denies it."""
        if not self._attempts and not route.early:
            return self._admit(self._number(route.quotes[0]))
        if again := self._again.before(route.quotes[0], now):
            route = self._plan(sorted(self._fresh | again))
        return self._step(route, {number for number in again if self._again.is_doubtful(number, now)})

    def _step(self, route: Route, doubtful: AbstractSet[int]) -> NextAttempt | Pause | None:
        """Return the next step on a route: an early attempt, a pause or its first offer; None if that is denied."""
        number = next(each for each in map(self._number, route.quotes) if each not in doubtful)
        self._pass_over(route.early)
        cheaper = self._much_cheaper(route, number, doubtful)
        hold = self._hold_for_early(cheaper, number, doubtful)
        step = self._admit_early(route, cheaper, may_repeat=hold is None) or hold
        step = step or self._admit_over(route) or self._hold(number) or self._admit(number)
        if step is None:
            self._again.exclude_once(number)
        return step

    def _pass_over(self, earlies: Sequence[EarlyQuote]) -> None:
        """Count the saving of each offer that failed this prompt and may be tried early, once.

        Those that rested before were counted when the prompt came.
        """
        for early in earlies:
            number = self._number(early.quote)
            if number in self._attempts and number not in self._passed_over:
                self._passed_over.add(number)
                self.health.passed_over(early.quote.offer, early.saving_atto)

    def _hold(self, number: int) -> Pause | None:
        """Return a pause, after a failure, until another prompt's attempt has shown whether the next offer works."""
        if not self._attempts or self._hold_seconds >= MOST_HOLD_SECONDS:
            return None
        seconds = self.health.hold_seconds(self.quotes[number].offer)
        self._hold_seconds += seconds
        return Pause(seconds) if seconds > 0 else None

    def _much_cheaper(self, route: Route, number: int, doubtful: AbstractSet[int]) -> list[EarlyQuote]:
        """Return the early and the doubtful quotes that cost less than a third of this quote, the next one."""
        following = self.quotes[number]
        early = [each for each in route.early if each.quote.expected_atto * REPEAT_TIMES < following.expected_atto]
        known = {self._number(each.quote) for each in early}
        others = [self.quotes[each] for each in doubtful if each not in known]
        savings = [(quote, following.plan_atto - quote.plan_atto) for quote in others]
        return [*early, *(EarlyQuote(quote, saving, 0.0) for quote, saving in savings if saving > 0)]

    def _hold_for_early(self, cheaper: Sequence[EarlyQuote], number: int, doubtful: AbstractSet[int]) -> Pause | None:
        """Return a pause if the next offer costs over three times as much as one that may soon prove to have recovered.

        `doubtful`: cheaper offers that do not rest, but would probably fail for this prompt again at the moment. If the
        next offer costs over ten times as much, the prompt waits longer.
        """
        if not doubtful and not any(map(self._is_soon_known, cheaper)):
            return None
        next_atto = self.quotes[number].expected_atto
        is_very_dear = any(early.quote.expected_atto * LONG_HOLD_TIMES < next_atto for early in cheaper)
        most_seconds = self.health.most_wait_seconds(
            [early.quote.offer for early in cheaper], is_very_dear=is_very_dear
        )
        if self._early_hold_seconds >= most_seconds:
            return None
        pause_seconds = min(LONGEST_POLL_SECONDS, max(HOLD_POLL_SECONDS, HOLD_POLL_SHARE * self._early_hold_seconds))
        self._early_hold_seconds += pause_seconds
        return Pause(pause_seconds)

    def _is_soon_known(self, early: EarlyQuote) -> bool:
        seconds = self._early_wait_seconds_of(early, is_dear=True)
        is_due_soon = 0 < seconds <= DUE_SOON_SECONDS or (seconds <= 0 and not self.is_fresh(self._number(early.quote)))
        return is_due_soon or self.health.is_being_probed(early.quote.offer)

    def _early_wait_seconds_of(self, early: EarlyQuote, *, is_dear: bool) -> float:
        """Return the seconds until an early attempt is due. `is_dear`: this prompt waits for it, and saves much."""
        return early.wait_seconds(self.health, early.saving_atto if is_dear else 0.0)

    def _plan(self, numbers: Sequence[int]) -> Route:
        route = self.order([self.quotes[number] for number in numbers])
        if not self._planned and route.quotes:
            self._planned = True
            self.health.demanded(route.cheapest, route.saving_atto)
        return route

    def _number(self, quote: Quote) -> int:
        return next(number for number, each in enumerate(self.quotes) if each is quote)

    def _admit(self, number: int) -> NextAttempt | None:
        """Return a permit for an attempt, if any. An offer that denies it and was never attempted is left out."""
        quote, used = self.quotes[number], self._keys.get(number, set())
        repeat = self._attempts.get(number, 0) > len(used)
        permit = self.health.admit(quote.offer, quote.expected_tokens, repeat=repeat, free=quote.free)
        if isinstance(permit, Denial):
            if self.is_fresh(number):
                self.leave_out(number, permit.reason)
            return None
        if permit.key in used:
            self.health.abandoned(permit)
            return None
        return NextAttempt(number, permit)

    def _admit_early(self, route: Route, cheaper: Sequence[EarlyQuote], *, may_repeat: bool) -> NextAttempt | None:
        """Return a permit for one attempt at a resting offer, if its chance of recovery is worth the cost.

        `cheaper`: the early quotes that the prompt waits for. An offer that failed this prompt is attempted once more
        only at the end of that (`may_repeat`): until then the attempts of other prompts show whether it has recovered.
        """
        for early in (*cheaper, *(each for each in route.early if each not in cheaper)):
            number = self._number(early.quote)
            repeat, is_dear = not self.is_fresh(number), early in cheaper
            if (repeat and is_dear and not may_repeat) or self._early_wait_seconds_of(early, is_dear=is_dear) > 0:
                continue
            offer, tokens, free = early.quote.offer, early.quote.expected_tokens, early.quote.free
            permit = self.health.admit(offer, tokens, repeat=repeat, early=True, free=free)
            return None if isinstance(permit, Denial) else NextAttempt(number, permit)
        return None

    def _admit_over(self, route: Route) -> NextAttempt | None:
        """Return permission for an attempt over a limit, if the next offer is dear after a cheaper one failed."""
        most_atto = route.quotes[0].plan_atto
        if not any(self.quotes[number].plan_atto * DEARER_THAN_USUAL < most_atto for number in self._attempts):
            return None
        for number in sorted(self._fresh):
            quote = self.quotes[number]
            if quote.plan_atto * EXCEED_TIMES < most_atto and may_exceed(quote, self.health.status(quote.offer)):
                return self._admit(number)
        return None

    def _repeat(self, now: float) -> NextAttempt | Pause | None:
        """Return a repeat, or a pause before it, because no other offer is left."""
        if self._again.made >= MOST_REPEATS or self._repeat_wait_seconds > MOST_REPEAT_WAIT_SECONDS:
            return None
        repeatable = self._again.last()
        route = self._plan(sorted(repeatable)) if repeatable else None
        if route is None or not route.quotes or route.is_over_limit:
            return None
        pause_seconds = self._again.pause_until - now
        if pause_seconds <= 0:
            if (choice := self._admit(self._number(route.quotes[0]))) is not None:
                self._again.made += 1
                return choice
            pause_seconds = POLL_SECONDS
        self._repeat_wait_seconds += pause_seconds
        return Pause(pause_seconds)

    def _end(self) -> None:
        """Record, for the receipt, why the offers that were never attempted were left out."""
        self.drops += self._plan(sorted(self._fresh)).drops
        self._fresh.clear()

    def _early(self) -> NextAttempt | Pause | None:
        """Return one of the early attempts at a resting offer, or a pause before it."""
        if self._again.made >= MOST_REPEATS:
            return None
        repeatable = self._again.last()
        numbers = sorted(self._fresh | repeatable)
        early = self.health.early([self.quotes[number].offer for number in numbers])
        if early is None:
            return None
        self.retry_after_seconds = max(LEAST_RETRY_AFTER_SECONDS, early.wait_seconds)
        number = next(number for number in numbers if self.quotes[number].offer == early.offer)
        if early.wait_seconds <= 0:
            quote, repeat = self.quotes[number], number in repeatable
            permit = self.health.admit(early.offer, quote.expected_tokens, repeat=repeat, early=True, free=quote.free)
            if isinstance(permit, Permit):
                self._again.made += repeat
                return NextAttempt(number, permit)
        most_seconds = MOST_REPEAT_WAIT_SECONDS if repeatable else MOST_EARLY_WAIT_SECONDS
        if self._repeat_wait_seconds + self._early_wait_seconds + early.wait_seconds > most_seconds:
            return None
        pause_seconds = min(early.wait_seconds or POLL_SECONDS, POLL_SECONDS)
        self._early_wait_seconds += pause_seconds
        return Pause(pause_seconds)
