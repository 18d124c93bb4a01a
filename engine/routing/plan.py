"""Routing: the one place that chooses. Pure and synchronous: quotes and standings in, a route out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import NamedTuple

from engine.catalog.offers import Drop, Offer, Quote

ATTO_PER_USD = 10**18
MOST_ODDS = 0.99
FAILURE_SHARE = 0.6  # what a failed try costs beside the waiting, as a share of the answer's cost


class Standing(NamedTuple):
    """How an offer stands now. `reason` says why it can't be asked; empty when it can.

    `odds` is the chance that a try fails, `delay_seconds` what a failed try costs in waiting, `latency_seconds`
    how long its first word takes. `crowded_seconds` until it is under its learned limit, `left_tokens` what it told to
    be left of its budget: over either it is asked only when nobody else is left.
    """

    reason: str = ""
    odds: float = 0.0
    delay_seconds: float = 0.0
    latency_seconds: float = 0.0
    crowded_seconds: float = 0.0
    left_tokens: float = inf


@dataclass(frozen=True, slots=True)
class Route:
    """Quotes in the order to try them, and what was left out."""

    quotes: tuple[Quote, ...]
    drops: tuple[Drop, ...]


def plan(
    quotes: Sequence[Quote],
    drops: Sequence[Drop],
    standing: Callable[[Offer], Standing],
    delay_usd_per_second: Fraction,
) -> Route:
    """Cheapest expected total first; ties go to the faster; last resorts come after all others.

    For offers with cost c, chance of failure p and price of a failed try d, the order that minimises
    V = (1-p)c + p(d + V of the rest) is by c + d*p/(1-p): the exchange of two neighbours shows it. A failed try
    costs the waiting, and a share of what the answer would: part of it may be billed, and its place in a limit is lost.
    """
    delay_atto_per_second = float(delay_usd_per_second) * ATTO_PER_USD
    able: list[tuple[bool, bool, float, float, int]] = []
    left_out = list(drops)
    for number, quote in enumerate(quotes):
        stands = standing(quote.offer)
        if stands.reason:
            left_out.append(Drop(quote.offer, stands.reason))
            continue
        total: float = quote.expected_atto
        if stands.odds:
            odds = min(stands.odds, MOST_ODDS)
            total += (delay_atto_per_second * stands.delay_seconds + FAILURE_SHARE * total) * odds / (1 - odds)
        crowded = stands.crowded_seconds > 0 or quote.expected_tokens > stands.left_tokens
        able.append((crowded, quote.last_resort, total, stands.latency_seconds, number))
    able.sort()
    return Route(tuple(quotes[number] for *_, number in able), tuple(left_out))
