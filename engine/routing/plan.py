"""The plan of one prompt: the order in which its offers are attempted.

`plan` is pure: quotes and the status of each offer in, a route out. `with_early` adds an early attempt at a resting
offer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf, sqrt

from msgspec import Struct
from msgspec.structs import replace

from engine.catalog.offers import Drop, Offer, Quote
from engine.privacy import LEFT_OUT
from engine.routing.health import Health
from engine.routing.permits import OfferStatus

ATTO_PER_USD = 10**18
MOST_FAILURE_CHANCE = 0.99
LEAST_PAUSE_SHARE = 0.12  # pause between early attempts, as a share of the outage so far
PAUSE_SHARE = 0.18  # the same if the next offer costs twice as much
EXCEED_TIMES = 2.0  # a limit is exceeded if the next offer costs over so many times as much,
DEARER_THAN_USUAL = 1.3  # and so many times as much as one that rests or fails
TEST_TIMES = 3.0  # a limit is tested sooner if the next offer costs over so many times as much

_Able = tuple[bool, bool, float, float, int]  # over its limit, last resort, atto-dollars, first token, number


class Route(Struct, frozen=True):
    """Quotes in the order of attempts, and the offers left out.

    `resting`: quotes of offers that rest for a while; they are also in `drops`. `cheapest`: the offer that would come
    first without rate limits; `saving_atto`: how much less it costs than the next one. Both are empty (None and 0) with
    fewer than two offers. `is_over_limit`: every quote is of an offer above its limit. `early`: quotes cheaper than the
    first one, cheapest first, of resting offers that may be tried early, and of offers whose attempts are late.
    """

    quotes: tuple[Quote, ...]
    drops: tuple[Drop, ...]
    resting: tuple[Quote, ...] = ()
    cheapest: Offer | None = None
    saving_atto: float = 0.0
    is_over_limit: bool = False
    early: tuple["EarlyQuote", ...] = ()

    @property
    def left_out(self) -> tuple[str, ...]:
        """The providers that could answer but are excluded by the tenant's settings."""
        return tuple(dict.fromkeys(drop.offer.provider for drop in self.drops if drop.reason == LEFT_OUT))


@dataclass(frozen=True, slots=True)
class EarlyQuote:
    """A quote that costs `saving_atto` less than the first available one.

    A failed attempt at it costs `failure_atto`.
    """

    quote: Quote
    saving_atto: float
    failure_atto: float

    @property
    def pause_share(self) -> float:
        """The pause between attempts as a share of the outage so far; the smaller the saving, the longer the pause."""
        return max(LEAST_PAUSE_SHARE, min(1.0, PAUSE_SHARE * sqrt(self.quote.plan_atto / self.saving_atto)))

    def wait_seconds(self, health: Health, own_atto: float = 0.0) -> float:
        """Return the seconds until an attempt is due; infinite if it is not worth its cost yet.

        `own_atto`: the saving of a prompt that waits for the attempt. It counts beside those that prompts have paid.
        """
        return health.early_wait_seconds(self.quote.offer, self.failure_atto - own_atto, self.pause_share)

    def is_due(self, health: Health) -> bool:
        return self.wait_seconds(health) <= 0


def plan(
    quotes: Sequence[Quote],
    drops: Sequence[Drop],
    status_of: Callable[[Offer], OfferStatus],
    delay_usd_per_second: Fraction,
) -> Route:
    """Order quotes by expected total cost; of equal ones the faster comes first; last resorts come after all others.

    The cost of an offer includes the expected further turns of the conversation.

    For offers with cost c, failure chance p and cost of a failure d, the order that minimises V = (1-p)c + p(d + V of
    the rest) is by c + d*p/(1-p), as exchanging two neighbours shows. A failure costs the waiting time, and the share
    of an answer's cost that this offer usually bills for failures. A place under a learned limit costs the saving that
    another prompt would have with it. An offer over its limit comes last, but first if an attempt over
    the limit is due and the next offer is dear.
    """
    delay_atto_per_second = _atto(delay_usd_per_second)
    able: list[_Able] = []
    left_out, early = list(drops), list[tuple[float, float, int]]()
    resting: list[Quote] = []
    least_atto = second_atto = inf
    cheapest: Offer | None = None
    for number, quote in enumerate(quotes):
        status = status_of(quote.offer)
        total: float = quote.expected_atto + quote.later_atto
        if status.reason:
            left_out.append(Drop(quote.offer, status.reason))
            if status.may_return:
                resting.append(quote)
            if status.may_be_early and not quote.last_resort:
                early.append((total, delay_atto_per_second * status.failure_seconds, number))
            continue
        if status.failure_chance:
            chance = min(status.failure_chance, MOST_FAILURE_CHANCE)
            failure_atto = delay_atto_per_second * status.failure_seconds + status.failure_share * quote.expected_atto
            if status.may_be_early and not quote.last_resort:
                early.append((total, failure_atto, number))
            total += failure_atto * chance / (1 - chance)
        if not quote.last_resort and total < second_atto:
            if total < least_atto:
                least_atto, second_atto, cheapest = total, least_atto, quote.offer
            else:
                second_atto = total
        over_limit = status.over_limit_seconds > 0 or quote.expected_tokens > status.remaining_tokens
        able.append((over_limit, quote.last_resort, total + status.slot_atto, status.first_token_seconds, number))
    able = _sorted(able, quotes, resting, status_of)
    two = second_atto < inf  # a saving needs two offers
    return Route(
        tuple([quotes[each[4]] for each in able]),
        tuple(left_out),
        tuple(resting),
        cheapest if two else None,
        second_atto - least_atto if two else 0.0,
        bool(able) and able[0][0] and able[-1][0],
        _early_quotes(quotes, early, able) if early and able else (),
    )


def _sorted(
    able: list[_Able], quotes: Sequence[Quote], resting: Sequence[Quote], status_of: Callable[[Offer], OfferStatus]
) -> list[_Able]:
    """Return the able ones in order: an offer over its limit comes last, or first if an attempt over it is due.

    That is so if the next offer is dear only because cheaper ones rest or fail, or if it is very dear and a test of the
    limit is due: the limit may hold no longer.
    """
    able.sort()
    if not able or able[0][0] or not able[-1][0]:
        return able
    most_atto = able[0][2]
    usual = (*resting, *(quotes[each[4]] for each in able if not each[0]))
    is_unusual = any(quote.plan_atto * DEARER_THAN_USUAL < most_atto for quote in usual)
    for each in able:
        quote, is_over = quotes[each[4]], each[0] and not each[1]
        if is_over and _is_worth_exceeding(quote, status_of(quote.offer), most_atto, is_unusual=is_unusual):
            return [each, *(other for other in able if other is not each)]
    return able


def _is_worth_exceeding(quote: Quote, status: OfferStatus, most_atto: float, *, is_unusual: bool) -> bool:
    """Return whether an attempt over the limit is due. `most_atto`: the cost of the next offer.

    `is_unusual`: that is dearer than usual.
    """
    if quote.expected_tokens > status.remaining_tokens:
        return False
    is_test = status.may_test and quote.plan_atto * TEST_TIMES < most_atto
    return is_test or (is_unusual and status.may_exceed and quote.plan_atto * EXCEED_TIMES < most_atto)


def may_exceed(quote: Quote, status: OfferStatus) -> bool:
    """Return whether an attempt over the learned limit of requests is due, and its tokens fit."""
    return status.may_exceed and quote.expected_tokens <= status.remaining_tokens


def _atto(usd: Fraction) -> float:
    return usd.numerator / usd.denominator * ATTO_PER_USD


def _early_quotes(
    quotes: Sequence[Quote], early: Sequence[tuple[float, float, int]], able: Sequence[_Able]
) -> tuple[EarlyQuote, ...]:
    """Return the early quotes that are cheaper than the first available one, cheapest first."""
    _, _, able_atto, _, able_number = min(able)  # one that is over its limit is first only for once
    return tuple(
        EarlyQuote(quotes[number], able_atto - total, failure_atto)
        for total, failure_atto, number in sorted(early)
        if total < able_atto and number != able_number
    )


def with_early(route: Route, health: Health) -> Route:
    """Return `route` with its early quotes: the one that is due comes first, those that may become due come last.

    The saving of each is counted for its offer.
    """
    if not route.early:
        return route
    for early in route.early:
        health.passed_over(early.quote.offer, early.saving_atto)
    due = next((early.quote for early in route.early if early.is_due(health)), None)
    later = tuple(early.quote for early in route.early if early.quote is not due and early.quote not in route.quotes)
    if due is None:
        return replace(route, quotes=(*route.quotes, *later))
    able = tuple(quote for quote in route.quotes if quote is not due)
    drops = tuple(drop for drop in route.drops if drop.offer != due.offer)
    return replace(route, quotes=(due, *able, *later), drops=drops)
