"""The size of a hold before an answer, and the charge after it: pure functions, so that both databases agree.

A hold covers the highest possible charge. If the funds are lower, the output limit shrinks to fit; below
`LEAST_OUTPUT_TOKENS` the request is refused.
"""

from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from engine.money import ATTO_PER_NANO, ZERO, Money
from engine.tenancy import Charge, Flat, Markup, Tariff

LEAST_OUTPUT_TOKENS = 64


class Ceiling(Struct, frozen=True):
    """The highest token prices of one quote of the route, in atto-dollars, and the output limit per choice.

    `input_tokens`: upper bound of the input for this quote; None: the bound of the whole request.
    """

    input_atto: int
    output_atto: int
    output_tokens: int
    input_tokens: int | None = None

    def cost_atto(self, input_tokens: int, output_tokens: int) -> int:
        return input_tokens * self.input_atto + output_tokens * self.output_atto


class HoldRequest(Struct, frozen=True):
    """A request for a hold. `input_tokens` is an upper bound; `ceilings` has one entry per quote, in route order.

    Output limits are per choice; `n` is the number of choices. `answers_per_day` is the plan's limit; 0: none.
    `member_id`: the tenant that asks, if `tenant_id` is a team or group that pays within the member's limit.
    `least_output_tokens`: with less output an answer is not worth starting. `is_shown_at_end`: nothing of the answer is
    shown before its capture is durable.
    """

    request_id: str
    epoch: int
    tenant_id: int
    tariff: Tariff
    input_tokens: int
    ceilings: tuple[Ceiling, ...]
    n: int = 1
    key_id: int | None = None
    answers_per_day: int = 0
    member_id: int | None = None
    least_output_tokens: int = LEAST_OUTPUT_TOKENS
    is_shown_at_end: bool = False

    def least_of(self, ceiling: Ceiling) -> int:
        """Return the smallest acceptable output per choice for one quote."""
        return max(1, min(self.least_output_tokens, ceiling.output_tokens))

    def input_of(self, ceiling: Ceiling) -> int:
        """Return the upper bound of the input for one quote."""
        return self.input_tokens if ceiling.input_tokens is None else ceiling.input_tokens

    @property
    def hold_id(self) -> str:
        return f"{self.request_id}:{self.epoch}"


class Funds(Struct, frozen=True):
    """The funds that are not held for other requests. `key_tokens` None: the API key has no limit.

    `share`: the part of a team's or group's funds that the member's limit still allows, with tokens counted at their
    price; None: no limit.
    """

    allowance_tokens: int
    wallet: Money
    key_tokens: int | None = None
    share: Money | None = None

    def within_share(self, tariff: Tariff) -> "Funds":
        """Return the part of the funds that the member's limit still allows."""
        if self.share is None:
            return self
        share, allowance = max(ZERO, self.share), self.allowance_tokens
        if isinstance(tariff, Flat) and tariff.atto_per_token:
            allowance = min(allowance, share.nanousd * ATTO_PER_NANO // tariff.atto_per_token)
            share -= worth_of(tariff, Charge(allowance_tokens=allowance))
        return replace(self, allowance_tokens=allowance, wallet=min(self.wallet, share))


class Grant(Struct, frozen=True):
    """The size of a hold. `output_tokens`: the limit to send to each quote; 0 if the funds do not cover the quote."""

    allowance_tokens: int
    wallet: Money
    tokens: int
    output_tokens: tuple[int, ...]


class Shortfall(Struct, frozen=True):
    """The reason for a refused hold. `missing`: the wallet money that the smallest answer would still need.

    `is_sponsored`: a team or group was to pay; `member_limited`: only the member's limit there prevented it.
    """

    missing: Money
    funds: Funds
    key_limited: bool = False
    wallet_only: bool = False
    is_sponsored: bool = False
    member_limited: bool = False


Fit: TypeAlias = Grant | Shortfall


def worth_of(tariff: Tariff, charge: Charge) -> Money:
    """Return the amount that a charge takes from a member's limit: wallet money and the price of tokens."""
    if not isinstance(tariff, Flat):
        return charge.wallet
    return charge.wallet + Money.ceil_atto(charge.allowance_tokens * tariff.atto_per_token)


def fit(hold_request: HoldRequest, funds: Funds) -> Fit:
    """Return the hold that `funds` can cover, or the shortfall."""
    sized = _fit(hold_request, funds.within_share(hold_request.tariff))
    if funds.share is None or isinstance(sized, Grant):
        return sized
    return replace(sized, member_limited=isinstance(_fit(hold_request, replace(funds, share=None)), Grant))


def _fit(hold_request: HoldRequest, funds: Funds) -> Fit:
    limits = [_limit(hold_request, ceiling, funds) for ceiling in hold_request.ceilings]
    least = [hold_request.least_of(ceiling) for ceiling in hold_request.ceilings]
    kept = tuple(limit if limit >= need else 0 for limit, need in zip(limits, least, strict=True))
    if not any(kept):
        return _shortfall(hold_request, funds)
    pairs = [(ceiling, limit) for limit, ceiling in zip(kept, hold_request.ceilings, strict=True) if limit]
    tokens = max(hold_request.input_of(ceiling) + hold_request.n * limit for ceiling, limit in pairs)
    if isinstance(hold_request.tariff, Flat):
        allowance = min(tokens, funds.allowance_tokens)
        return Grant(
            allowance, Money.ceil_atto((tokens - allowance) * hold_request.tariff.atto_per_token), tokens, kept
        )
    dearest = max(ceiling.cost_atto(hold_request.input_of(ceiling), hold_request.n * limit) for ceiling, limit in pairs)
    return Grant(0, Money.ceil_atto(dearest, hold_request.tariff.times), tokens, kept)


def settle(tariff: Tariff, grant: Grant, tokens: int, cost_atto: int, spare_allowance_tokens: int) -> Charge:
    """Return the charge for the kept answer: never above its hold, and from the allowance first.

    `spare_allowance_tokens`: allowance that no hold has reserved; it is used before the wallet.
    """
    if isinstance(tariff, Markup):
        return Charge(min(Money.from_atto(cost_atto, tariff.times), grant.wallet))
    billed = min(tokens, grant.tokens)
    allowance = min(billed, grant.allowance_tokens + spare_allowance_tokens)
    wallet = Money.from_atto((billed - allowance) * tariff.atto_per_token)
    return Charge(min(wallet, grant.wallet), allowance)


def _limit(hold_request: HoldRequest, ceiling: Ceiling, funds: Funds) -> int:
    """Return the output tokens per choice that `funds` can pay at this quote; may be negative."""
    limit = ceiling.output_tokens
    if funds.key_tokens is not None:
        limit = min(limit, (funds.key_tokens - hold_request.input_of(ceiling)) // hold_request.n)
    if isinstance(hold_request.tariff, Flat):
        return _flat_limit(hold_request, ceiling, hold_request.tariff, limit, funds)
    times = hold_request.tariff.times
    spend_atto = funds.wallet.nanousd * ATTO_PER_NANO * times.denominator // times.numerator if times else 0
    left_atto = spend_atto - hold_request.input_of(ceiling) * ceiling.input_atto
    if left_atto < 0 and times:
        return 0
    if not ceiling.output_atto or not times:
        return limit
    return min(limit, left_atto // (hold_request.n * ceiling.output_atto))


def _flat_limit(hold_request: HoldRequest, ceiling: Ceiling, tariff: Flat, limit: int, funds: Funds) -> int:
    if not tariff.atto_per_token:
        return limit
    bought = funds.wallet.nanousd * ATTO_PER_NANO // tariff.atto_per_token
    return min(limit, (funds.allowance_tokens + bought - hold_request.input_of(ceiling)) // hold_request.n)


def _shortfall(hold_request: HoldRequest, funds: Funds) -> Shortfall:
    n, least_of = hold_request.n, hold_request.least_of
    least = [hold_request.input_of(ceiling) + n * least_of(ceiling) for ceiling in hold_request.ceilings]
    tokens = min(least, default=hold_request.input_tokens)
    key_limited = funds.key_tokens is not None and funds.key_tokens < tokens
    if isinstance(hold_request.tariff, Flat):
        short = max(0, tokens - funds.allowance_tokens)
        need = Money.ceil_atto(short * hold_request.tariff.atto_per_token)
    else:
        times = hold_request.tariff.times
        costs = [c.cost_atto(hold_request.input_of(c), n * least_of(c)) for c in hold_request.ceilings]
        need = Money.ceil_atto(min(costs, default=0), times)
    missing = max(ZERO, need - funds.wallet)
    return Shortfall(
        missing,
        funds,
        key_limited,
        wallet_only=isinstance(hold_request.tariff, Markup),
        is_sponsored=hold_request.member_id is not None,
    )
