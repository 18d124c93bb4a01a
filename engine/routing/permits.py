"""Values that pass between health and those who attempt offers: policy, status, permit, denial, early attempt."""

from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import NamedTuple

from engine.catalog.offers import Offer
from engine.catalog.thinking import thinks_first


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """When a provider rests, and how long tokens are waited for: [health] in farthing.toml."""

    failures_to_open: int = 5
    rest_seconds: float = 60
    first_token_seconds: float = 20
    idle_seconds: float = 30
    first_token_seconds_thinking: float = 120

    def patience_seconds(self, *, thinks: bool) -> float:
        """Return the time that a first token is waited for; `thinks`: the model may think before it."""
        if not thinks:
            return self.first_token_seconds
        return max(self.first_token_seconds, self.first_token_seconds_thinking)


@lru_cache(maxsize=4096)
def patience_seconds(policy: HealthPolicy, model: str, effort: str | None = None) -> float:
    """Return the time that a first token of `model` is waited for; `effort`: the `reasoning_effort` asked for."""
    return policy.patience_seconds(thinks=thinks_first(model, effort))


class OfferStatus(NamedTuple):
    """The state of an offer, as the planner weighs it. `reason`: why it can't be asked, empty where it can.

    `may_return`: it rests only for a while, and `may_be_early`: it may be attempted meanwhile. `failure_chance` from 0
    to 1; `failure_seconds` that a failed attempt takes, and `failure_share` that it costs of an answer;
    `first_token_seconds` usually. `over_limit_seconds` until it is under its learned limit; `remaining_tokens` of the
    reported quota: beyond either, an offer is asked only when no other offer is left. `slot_atto`: the value of a place
    under the learned limit, in atto-dollars.
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


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission for one attempt, under one key.

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
    """An offer may not be tried now; `seconds` until it may.

    `may_end`: it rests for a while. `may_be_early`: it may be tried before the end of its rest, as `Health.early` says.
    """

    reason: str
    seconds: float
    may_end: bool = False
    may_be_early: bool = False


@dataclass(frozen=True, slots=True)
class Early:
    """The attempt at a resting offer that all prompts share: which offer, and the seconds until it is made."""

    offer: Offer
    wait_seconds: float
