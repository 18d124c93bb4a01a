"""The brake: before the first call of a provider, ask where an answer is expected to cost more than it may."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.context import Context
from bot.spending.limits import SpendingLimits, spent_on
from bot.spending.prices import expected_price
from engine.catalog.offers import Model, Quote
from engine.catalog.tariffs import tokens_worth
from engine.chat import ChatRequest
from engine.holds import LEAST_OUTPUT_TOKENS, Ceiling, Funds, Grant, HoldRequest, fit
from engine.money import ZERO, Money
from engine.routing.plan import Route
from storage.telegram.questions import QuestionRecord

_TOLERANCE = 2
"""An agreement to a price holds up to so many times of it: prices and expected lengths change between two asks."""


class Over(StrEnum):
    """The bound that an answer is expected to pass: the funds that are left, or the limit of an answer or of a day."""

    FUNDS = "funds"
    ANSWER = "answer"
    DAY = "day"


class AskFirst(Exception):
    """An answer is expected to cost more than it may: nothing was sent to a provider, and nothing is charged.

    `shorter_tokens` is the longest output that the bound pays for; 0: none that is worth it.
    """

    def __init__(self, request: ChatRequest, over: Over, price: Money, bound: Money, shorter_tokens: int) -> None:
        super().__init__(f"{request.id} is expected to pass a bound: {over}")
        self.request, self.over, self.price, self.bound = request, over, price, bound
        self.shorter_tokens = shorter_tokens


@dataclass(frozen=True, slots=True)
class Brake:
    """The bounds of one answer. `agreed` is the price that the asker has agreed to; zero: none.

    Tokens from the plan count at their price, in the funds as in the limits.
    """

    request: ChatRequest
    wallet: Money
    allowance_tokens: int
    limits: SpendingLimits
    spent: Money = ZERO
    agreed: Money = ZERO

    def check(self, model: Model, route: Route) -> None:
        """Raise AskFirst where the offer that is attempted first is expected to cost more than the lowest bound."""
        quote = route.quotes[0]
        price = expected_price(model.tariff, quote)
        if price.nanousd <= _TOLERANCE * self.agreed.nanousd:
            return
        passed = {over: bound for over, bound in self._bounds(model).items() if price > bound}
        if passed:
            over = min(passed, key=passed.__getitem__)
            bound = passed[over]
            raise AskFirst(self.request, over, price, bound, shorter_tokens(model, quote, bound))

    def _bounds(self, model: Model) -> Mapping[Over, Money]:
        bounds = {Over.FUNDS: self.wallet + tokens_worth(model.tariff, max(0, self.allowance_tokens))}
        if self.limits.answer is not None:
            bounds[Over.ANSWER] = self.limits.answer
        if self.limits.day is not None:
            bounds[Over.DAY] = max(ZERO, self.limits.day - self.spent)
        return bounds


def shorter_tokens(model: Model, quote: Quote, bound: Money) -> int:
    """Return the output limit that keeps an answer within the bound; 0 where it would be under the least output."""
    input_atto, output_atto = quote.price.ceiling(quote.input_tokens)
    expected = max(LEAST_OUTPUT_TOKENS, quote.expected_tokens - quote.input_tokens)
    ceiling = Ceiling(input_atto, output_atto, expected)
    fitted = fit(HoldRequest("", 0, 0, model.tariff, quote.input_tokens, (ceiling,)), Funds(0, bound))
    return fitted.output_tokens[0] if isinstance(fitted, Grant) else 0


async def brake_for(context: Context, record: QuestionRecord, request: ChatRequest) -> Brake:
    """Return the bounds of an answer that the user pays for."""
    state, services = await context.state(), context.services
    limits, agreed = SpendingLimits.of(state.settings), Money(record.agreed_nanousd)
    spent, catalog, today = ZERO, services.market.catalog, services.clock.now().date()
    if limits.day is not None:
        spent = await services.db.read(lambda conn: spent_on(conn, catalog, state.id, today))
    return Brake(request, state.wallet - state.held, state.allowance_left_tokens, limits, spent, agreed)
