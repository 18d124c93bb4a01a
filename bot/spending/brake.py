"""Spending limits, set by /limit, and the brake: ask first if an answer is expected to exceed a limit or the funds."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from bot.context import Context
from bot.spending.prices import expected_price, price_of
from engine.catalog.catalog import Catalog
from engine.catalog.offers import Model, Quote
from engine.catalog.tariffs import tokens_worth
from engine.chat import ChatRequest
from engine.holds import LEAST_OUTPUT_TOKENS, Ceiling, Funds, Grant, HoldRequest, fit
from engine.money import ZERO, Money
from engine.routing.plan import Route
from engine.tenancy import Charge, Tenant
from storage.database.connection import Connection, day_of
from storage.ledger import shares
from storage.telegram.questions import QuestionRecord
from storage.tenants import tenant_settings

SETTING = "limits"
"""The tenant's setting: the limits that are set, in nano-dollars by name."""
ANSWER, DAY = "answer", "day"
_SPENT = """
SELECT asked, SUM(charge_nanousd) AS charge, SUM(allowance_tokens) AS tokens FROM attempts
WHERE tenant_id = :tenant AND day = :day AND key_id IS NULL GROUP BY asked
"""
_TOLERANCE = 2
"""An agreement to a price also covers this multiple of it, because prices and expected lengths change meanwhile."""


@dataclass(frozen=True, slots=True)
class SpendingLimits:
    """The limits of one person; None: no limit. Tokens from the plan count at their price per token."""

    answer: Money | None = None
    day: Money | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "SpendingLimits":
        """Return the limits in a tenant's settings."""
        stored = settings.get(SETTING) or {}
        return cls(*(Money(stored[name]) if name in stored else None for name in (ANSWER, DAY)))

    def store(self, conn: Connection, tenant_id: int) -> None:
        """Store these as the tenant's limits."""
        by_name = {ANSWER: self.answer, DAY: self.day}
        stored = {name: limit.nanousd for name, limit in by_name.items() if limit is not None}
        tenant_settings.set_setting(conn, tenant_id, SETTING, stored or None)


class Over(StrEnum):
    """The bound that an answer is expected to exceed: the remaining funds, or the limit of an answer or of a day.

    SPONSOR: the funds that a team's or group's wallet has left for the asker.
    """

    FUNDS = "funds"
    SPONSOR = "sponsor"
    ANSWER = "answer"
    DAY = "day"


class AskFirst(Exception):
    """An answer is expected to exceed a bound. Nothing was sent to a provider, and nothing is charged.

    `shorter_tokens`: the longest output that stays within the bound; 0: none that is useful.
    """

    def __init__(self, request: ChatRequest, over: Over, price: Money, bound: Money, shorter_tokens: int) -> None:
        super().__init__(f"{request.id} is expected to pass a bound: {over}")
        self.request, self.over, self.price, self.bound = request, over, price, bound
        self.shorter_tokens = shorter_tokens


@dataclass(frozen=True, slots=True)
class Brake:
    """The bounds of one answer. `agreed`: the price that the asker has agreed to; zero: none.

    `funds`: those of each tenant that may pay; `sponsors`: the tenants that pay for the asker. Plan tokens count at
    their price, in the funds and in the limits.
    """

    request: ChatRequest
    funds: Mapping[int, Funds]
    sponsors: frozenset[int]
    limits: SpendingLimits
    spent: Money = ZERO
    agreed: Money = ZERO

    def check(self, model: Model, route: Route, payer_id: int) -> None:
        """Raise AskFirst if the offer that is tried first is expected to cost more than the lowest bound."""
        quote = route.quotes[0]
        price = expected_price(model.tariff, quote)
        if price.nanousd <= _TOLERANCE * self.agreed.nanousd:
            return
        passed = {over: bound for over, bound in self._bounds(model, payer_id).items() if price > bound}
        if passed:
            over = min(passed, key=passed.__getitem__)
            bound = passed[over]
            raise AskFirst(self.request, over, price, bound, shorter_tokens(model, quote, bound))

    def _bounds(self, model: Model, payer_id: int) -> Mapping[Over, Money]:
        funds = self.funds[payer_id].within_share(model.tariff)
        over = Over.SPONSOR if payer_id in self.sponsors else Over.FUNDS
        bounds = {over: funds.wallet + tokens_worth(model.tariff, max(0, funds.allowance_tokens))}
        if self.limits.answer is not None:
            bounds[Over.ANSWER] = self.limits.answer
        if self.limits.day is not None:
            bounds[Over.DAY] = max(ZERO, self.limits.day - self.spent)
        return bounds


def shorter_tokens(model: Model, quote: Quote, bound: Money) -> int:
    """Return the output limit that keeps an answer within the bound; 0 if it would be below the smallest output."""
    input_atto, output_atto = quote.price.ceiling(quote.input_tokens)
    expected = max(LEAST_OUTPUT_TOKENS, quote.expected_tokens - quote.input_tokens)
    ceiling = Ceiling(input_atto, output_atto, expected)
    fitted = fit(HoldRequest("", 0, 0, model.tariff, quote.input_tokens, (ceiling,)), Funds(0, bound))
    return fitted.output_tokens[0] if isinstance(fitted, Grant) else 0


async def brake_for(
    context: Context, request: ChatRequest, asker: Tenant, record: QuestionRecord | None = None
) -> Brake:
    """Return the bounds for an answer that the asker, or a sponsor, pays for. `record` may have an agreed price."""
    state, services = await context.state(), context.services
    limits, agreed = SpendingLimits.of(state.settings), Money(record.agreed_nanousd if record is not None else 0)
    sponsors, now = frozenset(each.id for each in asker.sponsors), services.clock.now()

    def unit(conn: Connection) -> tuple[dict[int, Funds], Money]:
        funds = {each: shares.funds(conn, each, asker.id, now) for each in sponsors}
        return funds, ZERO if limits.day is None else spent_on(conn, services.market.catalog, state.id, now.date())

    sponsored, spent = await services.db.read(unit) if sponsors or limits.day is not None else ({}, ZERO)
    funds = {
        **sponsored,
        state.id: Funds(state.allowance_left_tokens, max(ZERO, state.wallet - state.held - state.owed)),
    }
    return Brake(request, funds, sponsors, limits, spent, agreed)


def spent_on(conn: Connection, catalog: Catalog, tenant_id: int, day: date) -> Money:
    """Return the price of a tenant's answers in Telegram on a UTC day: wallet money, and the plan's tokens.

    Answers that a team or a group paid for are counted too, answers over API keys are not.
    """
    rows = conn.rows(_SPENT, tenant=tenant_id, day=day_of(day))
    charges = ((row["asked"], Charge(Money(int(row["charge"])), int(row["tokens"]))) for row in rows)
    shared = shares.used_in_chats(conn, tenant_id, day)
    return sum((price_of(catalog, asked, charge) for asked, charge in charges), shared)
