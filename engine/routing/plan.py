"""The order in which offers are attempted. Pure: quotes and the status of each offer in, a route out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from typing import NamedTuple

from engine.catalog.offers import Drop, Offer, Quote

ATTO_PER_USD = 10**18
MOST_FAILURE_CHANCE = 0.99


class OfferStatus(NamedTuple):
    """The state of an offer, as the planner weighs it. `reason`: why it can't be asked, empty where it can.

    `may_return`: it rests only for a while. `failure_chance` from 0 to 1; `failure_seconds` that a failed attempt
    takes, and `failure_share` that it costs of an answer; `first_token_seconds` usually. `over_limit_seconds` until it
    is under its learned limit; `remaining_tokens` of the reported quota: beyond either, an offer is asked only when no
    other offer is left. `slot_atto`: the value of a place under the learned limit, in atto-dollars.
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


@dataclass(frozen=True, slots=True)
class Route:
    """Quotes in the order in which they are attempted, and the offers left out.

    `resting`: quotes of offers that rest for a while; they are also among `drops`. `cheapest`: the offer that would
    come first without rate limits, and `saving_atto`: the expected cost of the next one less its own; None and 0 where
    there are not two. `is_over_limit`: every quote is of an offer over its limit.
    """

    quotes: tuple[Quote, ...]
    drops: tuple[Drop, ...]
    resting: tuple[Quote, ...] = ()
    cheapest: Offer | None = None
    saving_atto: float = 0.0
    is_over_limit: bool = False


def plan(
    quotes: Sequence[Quote],
    drops: Sequence[Drop],
    status_of: Callable[[Offer], OfferStatus],
    delay_usd_per_second: Fraction,
) -> Route:
    """Order quotes by expected total cost; ties go to the faster; last resorts come after all others.

    For offers with cost c, failure chance p and cost of a failure d, the order that minimises
    V = (1-p)c + p(d + V of the rest) is by c + d*p/(1-p), as exchanging two neighbours shows. A failure costs the
    waiting, and the share of the answer's cost that failures of this offer were billed. A place under a learned limit
    costs the saving that another prompt could have with it.
    """
    delay_atto_per_second = float(delay_usd_per_second) * ATTO_PER_USD
    able: list[tuple[bool, bool, float, float, int]] = []
    left_out, resting = list(drops), []
    costs: list[tuple[float, Offer]] = []
    for number, quote in enumerate(quotes):
        status = status_of(quote.offer)
        if status.reason:
            left_out.append(Drop(quote.offer, status.reason))
            if status.may_return:
                resting.append(quote)
            continue
        total: float = quote.expected_atto
        if status.failure_chance:
            chance = min(status.failure_chance, MOST_FAILURE_CHANCE)
            failure_atto = delay_atto_per_second * status.failure_seconds + status.failure_share * total
            total += failure_atto * chance / (1 - chance)
        if not quote.last_resort:
            costs.append((total, quote.offer))
        over_limit = status.over_limit_seconds > 0 or quote.expected_tokens > status.remaining_tokens
        able.append((over_limit, quote.last_resort, total + status.slot_atto, status.first_token_seconds, number))
    able.sort()
    costs.sort()
    is_over_limit = bool(able) and able[0][0]
    route = Route(tuple(quotes[number] for *_, number in able), tuple(left_out), tuple(resting))
    if len(costs) < 2:  # noqa: PLR2004 - a saving is between two
        return replace(route, is_over_limit=is_over_limit)
    saving_atto = costs[1][0] - costs[0][0]
    return replace(route, cheapest=costs[0][1], saving_atto=saving_atto, is_over_limit=is_over_limit)
