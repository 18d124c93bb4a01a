"""Values that health and its callers exchange (policy, status, permit, denial, early attempt), and the retry budget."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import NamedTuple

from msgspec import Struct

from engine.catalog.offers import Offer
from engine.catalog.thinking import thinks_first

RETRY_SHARE = 0.1
RETRIES_PER_SECOND = 1.0
FIRST_RETRIES = 10.0  # at the start of the process
MOST_RETRIES = 60.0  # upper bound of the retries that accumulate in quiet times: those of a minute


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """When a provider rests, and how long to wait for tokens, as set in [health] of farthing.toml."""

    failures_to_open: int = 5
    rest_seconds: float = 60
    first_token_seconds: float = 20
    idle_seconds: float = 30
    first_token_seconds_thinking: float = 120

    def patience_seconds(self, *, thinks: bool) -> float:
        """Return the longest wait for a first token; `thinks`: the model may think before it."""
        if not thinks:
            return self.first_token_seconds
        return max(self.first_token_seconds, self.first_token_seconds_thinking)


@lru_cache(maxsize=4096)
def patience_seconds(policy: HealthPolicy, model: str, effort: str | None = None) -> float:
    """Return the longest wait for a first token of `model`; `effort`: the requested `reasoning_effort`."""
    return policy.patience_seconds(thinks=thinks_first(model, effort))


class OfferStatus(NamedTuple):
    """The facts about an offer by which the planner orders it. `reason`: why it can't be tried; empty if it can.

    `may_return`: it rests only for a while; `may_be_early`: it may be tried during that rest. `failure_chance`: from 0
    to 1; `failure_seconds`: how long a failed attempt takes; `failure_share`: its cost as a share of an answer's.
    `first_token_seconds`: the usual wait. `over_limit_seconds`: until its rate is below the learned limit;
    `remaining_tokens`: left of the reported quota; beyond either, an offer is tried only if no other is left.
    `slot_atto`: the value of a place under the learned limit, in atto-dollars. `may_exceed`: an attempt over that
    limit is due, if it saves much; `may_test`: one to test it is due, if the next offer is very dear.
    """

    reason: str = ""
    may_return: bool = False
    failure_chance: float = 0.0
    failure_seconds: float = 0.0
    failure_share: float = 0.0
    first_token_seconds: float = 0.0
    over_limit_seconds: float = 0.0
    remaining_tokens: float = inf
    slot_atto: float = 0.0
    may_be_early: bool = False
    may_exceed: bool = False
    may_test: bool = False


class Permit(Struct, frozen=True):
    """Permission for one attempt with one API key.

    `probe`: its success closes an open breaker. `early`: it is made during a rest, and its failure changes nothing.
    """

    offer: Offer
    key: int
    probe: bool = False
    began_at: float = 0.0
    number: int = 0
    early: bool = False


@dataclass(frozen=True, slots=True)
class Denial:
    """An offer may not be tried now, and in how many `seconds` it may.

    `may_end`: it rests for a while. `may_be_early`: it may be tried before its rest ends, when `Health.early` allows
    it.
    """

    reason: str
    seconds: float
    may_end: bool = False
    may_be_early: bool = False


@dataclass(frozen=True, slots=True)
class Early:
    """The attempt at a resting offer that all prompts share: the offer, and the seconds until the attempt."""

    offer: Offer
    wait_seconds: float


class NextAttempt(Struct, frozen=True):
    """The quote to attempt next, by its number in the route, and the permit for it."""

    number: int
    permit: Permit


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait for this time, then ask for the next choice again."""

    seconds: float


@dataclass(slots=True)
class RetryBudget:
    """A budget of repeats for the same prompt: a tenth of the first attempts, and one per second.

    It prevents a retry storm during an outage. First attempts are never limited. The retries of a quiet minute
    accumulate, because prompts that a hang has stopped fail together when it is over. (After Finagle's RetryBudget,
    with half of its share.)
    """

    _left: float = FIRST_RETRIES
    _updated_at: float = inf

    def first_attempt(self, now: float) -> None:
        """Add a share of a retry for a first attempt."""
        self._left = min(MOST_RETRIES, self._left_at(now) + RETRY_SHARE)

    def spend(self, now: float) -> bool:
        """Take one retry; return False when none is left."""
        left = self._left_at(now)
        self._left = left - 1 if left >= 1 else left
        return left >= 1

    def _left_at(self, now: float) -> float:
        earned = max(0.0, now - self._updated_at) * RETRIES_PER_SECOND
        self._updated_at = now
        return min(MOST_RETRIES, self._left + earned)
