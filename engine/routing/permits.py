"""Values that pass between health and those who attempt offers: policy, permit, denial, early attempt."""

from dataclasses import dataclass

from engine.catalog.offers import Offer


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """When a provider rests, and how long tokens are waited for: [health] in farthing.toml."""

    failures_to_open: int = 5
    rest_seconds: float = 60
    first_token_seconds: float = 20
    idle_seconds: float = 30


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
