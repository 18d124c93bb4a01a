"""The attempts of one prompt that failed, and which of its offers may be attempted again."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from math import inf

from engine.catalog.offers import Quote
from engine.errors import FirstTokenLate, ProviderError, StreamCut, Unreachable, WentSilent
from engine.routing.health import Health
from engine.routing.permits import NextAttempt

REPEAT_TIMES = 3  # an offer is repeated if the next one costs this many times as much
MOST_REPEATS = 4  # of one prompt, if no other offer is left
QUICK_SECONDS = 5.0  # after a slower failure or a timeout, a repeat needs a sign that the offer works
FIRST_PAUSE_SECONDS = 0.25  # before a repeat; if no other offer is left, each further pause is twice as long


@dataclass(slots=True)
class Repeats:
    """Which quotes of a prompt failed and may be repeated: once before a dear offer, or because no other is left.

    A slow failure is repeated only if the offer has answered other prompts since.
    """

    health: Health
    quotes: Sequence[Quote]
    attempts: Mapping[int, int]  # by quote, how often it was attempted
    made: int = 0  # repeats because no other offer was left
    pause_until: float = 0.0
    _once: dict[int, tuple[float, float]] = field(default_factory=dict)
    _last: dict[int, float | None] = field(default_factory=dict)

    def exclude(self, number: int) -> None:
        self._last.pop(number, None)
        self._once.pop(number, None)

    def exclude_once(self, number: int) -> None:
        """Do not repeat this quote before a dear offer."""
        self._once.pop(number, None)

    def keep_only(self, numbers: AbstractSet[int]) -> None:
        self._last = {number: since for number, since in self._last.items() if number in numbers}
        self._once = {number: known for number, known in self._once.items() if number in numbers}

    def failed(self, choice: NextAttempt, error: ProviderError, *, seconds: float, was_shown: bool, now: float) -> None:
        """Record a failure that counts, after `seconds`; `was_shown`: its content had reached the reader."""
        number, began_at = choice.number, choice.permit.began_at
        is_slow = not was_shown and (seconds > QUICK_SECONDS or isinstance(error, FirstTokenLate))
        if self.attempts[number] == 1:
            is_cut = was_shown or isinstance(error, Unreachable | StreamCut)
            is_late = is_slow or isinstance(error, WentSilent)  # the reader has waited: another offer comes first
            pause_seconds = inf if is_late else FIRST_PAUSE_SECONDS * is_cut
            self._once[number] = began_at if is_slow else now, now + pause_seconds
        self._last[number] = max(began_at, now - QUICK_SECONDS) if is_slow else None
        if not is_slow:
            self.pause_until = now + FIRST_PAUSE_SECONDS * 2**self.made

    def before(self, following: Quote, now: float) -> set[int]:
        """Return the quotes that failed once and may be repeated because `following` costs over three times as much."""
        return {number for number in self._once if self._is_worth_it(number, following, now)}

    def last(self) -> set[int]:
        """Return the quotes that may be repeated if no other offer is left."""
        return {
            number
            for number, since in self._last.items()
            if since is None or self.health.has_answered_since(self.quotes[number].offer, since)
        }

    def is_doubtful(self, number: int, now: float) -> bool:
        """Return whether a repeat would probably fail now.

        That is so if the offer has failed for other prompts too, or cut this answer a moment ago and has answered none
        since.
        """
        offer, (since, until) = self.quotes[number].offer, self._once[number]
        is_early = now < until and not self.health.has_answered_since(offer, since)
        return is_early or self.health.is_likely_down(offer)

    def _is_worth_it(self, number: int, following: Quote, now: float) -> bool:
        quote, (_, until) = self.quotes[number], self._once[number]
        is_dear = quote.expected_atto * REPEAT_TIMES < following.expected_atto
        return is_dear and (until < inf or not self.is_doubtful(number, now))
