"""The order in which offers are tried. Pure: quotes and the status of each offer in, a route out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import NamedTuple

from engine.catalog.offers import Drop, Offer, Quote

ATTO_PER_USD = 10**18
MOST_FAILURE_CHANCE = 0.99
FAILURE_SHARE = 0.6  # the cost of a failed attempt beside the waiting, as a share of the answer's cost


class OfferStatus(NamedTuple):
    """The state of an offer, as the planner weighs it. `reason`: why it can't be asked, empty where it can.

    `failure_chance` from 0 to 1; `failure_seconds` that a failed attempt takes; `first_token_seconds` usually.
    `over_limit_seconds` until it is under its learned limit; `remaining_tokens` of the reported quota: beyond either,
    an offer is asked only when no other offer is left.
    """

    reason: str = ""
    failure_chance: float = 0.0
    failure_seconds: float = 0.0
    first_token_seconds: float = 0.0
    over_limit_seconds: float = 0.0
    remaining_tokens: float = inf


@dataclass(frozen=True, slots=True)
class Route:
    """Quotes in the order in which they are tried, and the offers left out."""

    quotes: tuple[Quote, ...]
    drops: tuple[Drop, ...]


def plan(
    quotes: Sequence[Quote],
    drops: Sequence[Drop],
    status_of: Callable[[Offer], OfferStatus],
    delay_usd_per_second: Fraction,
) -> Route:
    """Order quotes by expected total cost; ties go to the faster; last resorts come after all others.

    For offers with cost c, failure chance p and cost of a failure d, the order that minimises
    V = (1-p)c + p(d + V of the rest) is by c + d*p/(1-p), as exchanging two neighbours shows. A failure costs the
    waiting, and a share of the answer's cost: it may be billed in part, and it uses up rate limit.
    """
    delay_atto_per_second = float(delay_usd_per_second) * ATTO_PER_USD
    able: list[tuple[bool, bool, float, float, int]] = []
    left_out = list(drops)
    for number, quote in enumerate(quotes):
        status = status_of(quote.offer)
        if status.reason:
            left_out.append(Drop(quote.offer, status.reason))
            continue
        total: float = quote.expected_atto
        if status.failure_chance:
            chance = min(status.failure_chance, MOST_FAILURE_CHANCE)
            failure_atto = delay_atto_per_second * status.failure_seconds + FAILURE_SHARE * total
            total += failure_atto * chance / (1 - chance)
        over_limit = status.over_limit_seconds > 0 or quote.expected_tokens > status.remaining_tokens
        able.append((over_limit, quote.last_resort, total, status.first_token_seconds, number))
    able.sort()
    return Route(tuple(quotes[number] for *_, number in able), tuple(left_out))
