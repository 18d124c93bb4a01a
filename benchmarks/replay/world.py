"""The simulated providers of a replay, with their faults and limits, and a clock that jumps between events."""

import heapq
import random
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from benchmarks.replay.inputs import Fault, Prompt
from benchmarks.replay.limits import LIMIT_KINDS, LimitShape, new_shape
from engine.catalog.offers import Offer
from engine.errors import FirstTokenLate, Overloaded, ProviderError, RateLimited, StreamCut, Unreachable

FIRST_TOKEN_MEDIAN_S, FIRST_TOKEN_SIGMA = 0.5, 0.35
TOKENS_PER_SECOND = 80.0
REFUSAL_S = 0.05
CLIENT_TIMEOUT_S = 20.0  # longest wait for the first token

Process = Generator[float, None, None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attempt. `output_tokens` are billed together with the input; with 0, nothing is billed."""

    seconds: float
    error: ProviderError | None = None
    first_token_s: float | None = None
    output_tokens: int = 0


@dataclass(slots=True)
class Clock:
    """A simulated clock: `at` seconds after `start`."""

    start: datetime
    at: float = 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.at)

    def monotonic(self) -> float:
        return self.at


class Simulation:
    """A simulation. Processes are generators that yield the seconds to wait; the clock jumps between events."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._events: list[tuple[float, int, Process]] = []
        self._number = 0

    def at(self, moment: float, process: Process) -> None:
        self._number += 1
        heapq.heappush(self._events, (moment, self._number, process))

    def run(self) -> None:
        while self._events:
            self.clock.at, _, process = heapq.heappop(self._events)
            for seconds in process:
                self.at(self.clock.at + seconds, process)
                break


@dataclass(slots=True)
class World:
    """The behaviour of each provider over time.

    Random outcomes depend on the prompt and the provider, not on the policy; limits depend on the policy's own load.
    """

    faults: Sequence[Fault]
    seed: int
    _by: dict[tuple[str, str], list[Fault]] = field(init=False)

    def __post_init__(self) -> None:
        self._by = {}
        for fault in self.faults:
            self._by.setdefault((fault.provider, fault.kind), []).append(fault)

    def fault(self, offer: Offer, kind: str, at: float) -> Fault | None:
        """Return the fault of this kind at this moment, for the offer or its provider; of several, the last one."""
        found = None
        for each in self._of(offer, kind):
            if each.from_s <= at < each.to_s:
                found = each
        return found

    def down_within(self, offer: Offer, begin: float, end: float) -> float | None:
        """Return the time at which an outage breaks an answer that runs from `begin` to `end`."""
        starts = [each.from_s for each in self._of(offer, "down") if begin < each.from_s < end]
        return min(starts, default=None)

    def limit(self, offer: Offer, at: float) -> Fault | None:
        """Return the limit, of any form, that applies at this moment."""
        found = (self.fault(offer, kind, at) for kind in LIMIT_KINDS)
        return next((each for each in found if each is not None), None)

    def _of(self, offer: Offer, kind: str) -> Sequence[Fault]:
        return (*self._by.get((offer.provider, kind), ()), *self._by.get((offer.name, kind), ()))

    def attempt(self, offer: Offer, prompt: Prompt, ordinal: int, at: float) -> Outcome:
        """Return the outcome of `prompt` at `offer`, apart from rate limits."""
        luck = random.Random(f"{self.seed} {offer.provider} {prompt.number} {ordinal}")
        first = FIRST_TOKEN_MEDIAN_S * luck.lognormvariate(0, FIRST_TOKEN_SIGMA)
        flaky, cut, where = luck.random(), luck.random(), luck.uniform(0.05, 0.95)
        if (down := self.fault(offer, "down", at)) is not None:
            return Outcome(max(REFUSAL_S, min(CLIENT_TIMEOUT_S, down.value)), Unreachable("refused"))
        if (fault := self.fault(offer, "flaky", at)) is not None and flaky < fault.value:
            return Outcome(first / 2, Overloaded("503", status=503))
        if (slow := self.fault(offer, "slow", at)) is not None:
            first += slow.value
        if first > CLIENT_TIMEOUT_S:
            return Outcome(CLIENT_TIMEOUT_S, FirstTokenLate("late"))
        whole = first + prompt.output_tokens / TOKENS_PER_SECOND
        if (fault := self.fault(offer, "cut", at)) is not None and cut < fault.value:
            return _cut(prompt, first, where)
        if (broken := self.down_within(offer, at, at + whole)) is not None:
            return _broken(prompt, first, broken - at)
        return Outcome(whole, None, first, prompt.output_tokens)


def _cut(prompt: Prompt, first: float, share: float) -> Outcome:
    tokens = max(1, int(prompt.output_tokens * share))
    return Outcome(first + tokens / TOKENS_PER_SECOND, StreamCut("cut"), first, tokens)


def _broken(prompt: Prompt, first: float, after: float) -> Outcome:
    if after <= first:
        return Outcome(after, Unreachable("reset"))
    tokens = min(prompt.output_tokens, int((after - first) * TOKENS_PER_SECOND))
    return Outcome(after, StreamCut("cut"), first, max(1, tokens))


class Limits:
    """The rate limits for one policy, which count its own requests per provider."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world, self._clock = world, clock
        self._shapes: dict[tuple[str, str], LimitShape] = {}

    def attempt(self, offer: Offer, prompt: Prompt, ordinal: int) -> Outcome:
        admitted = self.admits(offer)
        refused = Outcome(REFUSAL_S, RateLimited("429"))
        outcome = self._world.attempt(offer, prompt, ordinal, self._clock.at) if admitted else refused
        if not isinstance(outcome.error, Unreachable):
            for kind in LIMIT_KINDS:
                self._shape(offer, kind).took(self._clock.at, admitted=admitted)
        return outcome

    def admits(self, offer: Offer) -> bool:
        limit = self._world.limit(offer, self._clock.at)
        return limit is None or self._shape(offer, limit.kind).admits(self._clock.at, limit.value)

    def _shape(self, offer: Offer, kind: str) -> LimitShape:
        return self._shapes.setdefault((offer.provider, kind), new_shape(kind))


def run(clock: Clock, prompts: Iterable[Prompt], answer: Callable[[Prompt], Process]) -> None:
    simulation = Simulation(clock)
    for prompt in prompts:
        simulation.at(prompt.arrival_s, answer(prompt))
    simulation.run()
