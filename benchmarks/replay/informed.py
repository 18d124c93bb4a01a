"""InformedOracle: a policy that learns of an outage from its own first failure, as a lower bound for a real one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.replay.inputs import Fault, Prompt
from benchmarks.replay.policies import Oracle, ReplayCatalog
from benchmarks.replay.world import CLIENT_TIMEOUT_S, Clock, Outcome, World
from engine.catalog.offers import Offer

HANG_KNOWN_S = 2.25  # after the first attempt in a hang: 2.5 times the 95th percentile of first tokens
REPEAT_TIMES, LONG_HOLD_TIMES = 3, 10
HOLD_S, LONG_HOLD_S, HOLD_STEP_S = 2.0, 4.0, 0.05
LAST_WAIT_S, LAST_STEP_S, MOST_REPEATS = 3.0, 0.1, 5


@dataclass(slots=True)
class _Tries:
    """The attempts of one prompt by offer, its repeats where no other offer was left, and the time that it waited."""

    by_offer: dict[Offer, int] = field(default_factory=dict)
    repeats: int = 0
    waited_s: float = 0.0

    def begin(self, offer: Offer) -> Offer:
        self.by_offer[offer] = self.by_offer.get(offer, 0) + 1
        return offer

    def wait(self, seconds: float) -> float:
        self.waited_s += seconds
        return seconds


class InformedOracle(Oracle):
    """Knows lengths, prices and limits, and the end of each outage at once. It does not know the future.

    It learns of an outage when an attempt of its own fails in it, and of a hang 2.25 s after its first attempt in it.
    Like Farthing it repeats an offer once before one that costs over three times as much, and waits up to 2 s for
    one that is that much cheaper (4 s if the next costs over ten times as much). Answers that run when an outage begins
    are cut, and their cost is lost: no policy can avoid that.
    """

    def __init__(self, market: ReplayCatalog, world: World, clock: Clock) -> None:
        super().__init__(market, world, clock)
        self.name = "oracle, informed"
        self._known_from: dict[Offer, float] = {}

    def offers(self, prompt: Prompt) -> Iterator[Offer | float]:
        tries, costs = _Tries(), {o: self._cost(o, prompt, prompt.output_tokens) for o in self._market.model.offers}
        while (step := self._step(tries, costs)) is not None:
            if isinstance(step, Offer):
                self._begin(step)
            yield step

    def ended(self, offer: Offer, prompt: Prompt, outcome: Outcome) -> None:  # noqa: ARG002 - the result matters only
        fault = self._fault(offer)
        if outcome.error is not None and fault is not None and fault.kind == "down":
            self._known_from.setdefault(offer, self._clock.at)

    def _step(self, tries: _Tries, costs: Mapping[Offer, int]) -> Offer | float | None:
        """Return the next offer, a wait, or None at the end."""
        usable = [offer for offer in costs if self.admits(offer) and not self._is_known_down(offer)]
        fresh = min((o for o in usable if o not in tries.by_offer), key=costs.__getitem__, default=None)
        again = min((o for o in usable if o in tries.by_offer), key=costs.__getitem__, default=None)
        if fresh is None:
            return _last(tries, again)
        is_dear = again is not None and costs[again] * REPEAT_TIMES < costs[fresh]
        offer = again if again is not None and is_dear and tries.by_offer[again] == 1 else fresh
        if tries.waited_s < self._hold_s(offer, costs):
            return tries.wait(HOLD_STEP_S)
        return tries.begin(offer)

    def _hold_s(self, offer: Offer, costs: Mapping[Offer, int]) -> float:
        """Return how long a prompt waits for a much cheaper offer that is down for a short time only."""
        young = [each for each, at in self._known_from.items() if self._clock.at - at < LONG_HOLD_S]
        times = [costs[offer] / costs[each] for each in young if self._is_known_down(each)]
        if not times or max(times) <= REPEAT_TIMES:
            return 0.0
        return LONG_HOLD_S if max(times) > LONG_HOLD_TIMES else HOLD_S

    def _begin(self, offer: Offer) -> None:
        fault = self._fault(offer)
        if fault is not None and fault.kind == "slow":
            self._known_from.setdefault(offer, self._clock.at + HANG_KNOWN_S)

    def _is_known_down(self, offer: Offer) -> bool:
        if self._fault(offer) is None:
            self._known_from.pop(offer, None)
        return self._clock.at >= self._known_from.get(offer, float("inf"))

    def _fault(self, offer: Offer) -> Fault | None:
        """Return the outage or hang of this moment, if any. A delay below the timeout is none."""
        slow = self._world.fault(offer, "slow", self._clock.at)
        is_hang = slow is not None and slow.value >= CLIENT_TIMEOUT_S
        return self._world.fault(offer, "down", self._clock.at) or (slow if is_hang else None)


def _last(tries: _Tries, again: Offer | None) -> Offer | float | None:
    """Return a repeat because no other offer is left, or a wait for an offer to return."""
    if again is None:
        return tries.wait(LAST_STEP_S) if tries.waited_s < LAST_WAIT_S else None
    tries.repeats += 1
    return tries.begin(again) if tries.repeats <= MOST_REPEATS else None
