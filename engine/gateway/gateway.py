"""Gateway: the one road of a prompt: admit, quote, plan, hold, then an Answer that walks the route."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from engine.attempt_record import unanswered
from engine.catalog.offers import Drop, Model, Quote
from engine.chat import ChatRequest
from engine.errors import Closing, NoProvider, RequestRejected, SpendingCapReached
from engine.gateway.admission import Admission
from engine.gateway.answer import Answer, Finisher, Question
from engine.gateway.market import Market
from engine.holds import Ceiling, HoldRequest
from engine.ports import AdmissionCheck, Ledger, Losses
from engine.routing.plan import Route
from engine.tenancy import Flat, Tariff, Tenant


class Gateway:
    """Answers requests from the cheapest offers that are up, and books each exactly once."""

    def __init__(
        self, market: Market, ledger: Ledger, *, gates: Sequence[AdmissionCheck] = (), losses: Losses | None = None
    ) -> None:
        self.market = market
        self._ledger = ledger
        self._gates, self._losses = tuple(gates), losses
        self._admission = Admission(market.clock)
        self._live: set[Answer] = set()
        self._closing = False
        self._idle = asyncio.Event()
        self._idle.set()

    @asynccontextmanager
    async def answer(
        self,
        tenant: Tenant,
        request: ChatRequest,
        *,
        finish: Finisher | None = None,
        can_restart: bool = True,
    ) -> AsyncIterator[Answer]:
        """Admit, plan and hold, all before any network; the Answer is then read within the context.

        Raises a Refused, NoProvider, RequestRejected (nobody is able) or HoldLost (answered before). Leaving
        early captures what was delivered. `can_restart` says whether the reader can take words back.
        """
        model = await self._open_to(request.model)
        self._admission.admit(tenant, model.name)
        route = await self._route_or_note(tenant, model, request)
        hold_request = self._bid(tenant, model, request, route)
        async with self._ledger.hold(hold_request) as hold:
            question = Question(tenant, request, route, hold_request.input_tokens, finish, can_restart)
            answer = Answer(self.market, question, hold)
            self._enter(answer)
            try:
                yield answer
            finally:
                try:
                    await answer.leave()
                finally:
                    self._exit(answer)

    async def may_ask(self, tenant: Tenant, model: str) -> None:
        """Raise what would refuse an answer now, but for its price: for a side call that comes before one."""
        self._admission.check(tenant, (await self._open_to(model)).name)

    async def _open_to(self, name: str) -> Model:
        if self._closing:
            raise Closing
        model = self.market.catalog.model(name)
        for gate in self._gates:
            await gate.check()
        return model

    def route(
        self, model: Model, request: ChatRequest, tenant_id: int | None = None, *, may_lose: bool = True
    ) -> Route:
        """The offers for this request at this minute, in the order to try; raises when there is none.

        `may_lose` False: without those that are expected to cost more than they charge.
        """
        catalog, health = self.market.catalog, self.market.health
        quotes, drops = catalog.quote(request, model, self.market.clock.now(), tenant_id)
        if not may_lose:
            losing = [quote for quote in quotes if loses(quote, model.tariff)]
            quotes = tuple(quote for quote in quotes if quote not in losing)
            if losing and not quotes:
                raise SpendingCapReached("day")
            drops = (
                *drops,
                *(Drop(quote.offer, "costs more than it charges, and today has lost enough") for quote in losing),
            )
        route = self.market.plan(quotes, drops)
        if len(quotes) == 1 and (seconds := health.status(quotes[0].offer).over_limit_seconds) > 0:
            raise NoProvider(seconds)  # with nobody else to ask, only staying under its limit helps
        if route.quotes:
            return route
        if not quotes and any(catalog.is_configured(drop.offer.provider) for drop in drops):
            reasons = sorted({drop.reason for drop in drops if catalog.is_configured(drop.offer.provider)})
            raise RequestRejected(model.name, "no model here can take this request: " + "; ".join(reasons))
        raise NoProvider(health.smallest_rest_seconds())

    async def _route_or_note(self, tenant: Tenant, model: Model, request: ChatRequest) -> Route:
        may_lose = await self._may_lose(model)
        try:
            return self.route(model, request, tenant.id, may_lose=may_lose)
        except NoProvider:
            await self.market.journal.record(unanswered(tenant, request, ordinal=1, now=self.market.clock.now()))
            raise

    async def _may_lose(self, model: Model) -> bool:
        most = model.max_loss_per_day
        return most is None or self._losses is None or await self._losses.lost_today(model.name) < most

    async def close(self, grace_seconds: float = 30) -> None:
        """Take no new work, give the answers in flight `grace_seconds`, then void what is left."""
        self._closing = True
        try:
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        except TimeoutError:
            for answer in tuple(self._live):
                answer.abort()
            async with asyncio.timeout(5):
                await self._idle.wait()

    @property
    def in_flight(self) -> int:
        """How many answers are being given."""
        return len(self._live)

    def _enter(self, answer: Answer) -> None:
        self._live.add(answer)
        self._idle.clear()

    def _exit(self, answer: Answer) -> None:
        self._live.discard(answer)
        if not self._live:
            self._idle.set()

    def _bid(self, tenant: Tenant, model: Model, request: ChatRequest, route: Route) -> HoldRequest:
        input_tokens = max(quote.input_ceiling_tokens for quote in route.quotes)
        return HoldRequest(
            request_id=request.id,
            epoch=request.epoch,
            tenant_id=tenant.id,
            tariff=model.tariff,
            input_tokens=input_tokens,
            ceilings=tuple(_ceiling(quote, tenant, request, input_tokens) for quote in route.quotes),
            n=request.n,
            key_id=request.key_id,
        )


def _ceiling(quote: Quote, tenant: Tenant, request: ChatRequest, input_tokens: int) -> Ceiling:
    """The least of request, plan, model and what its context has room for bounds the output."""
    limits = (request.max_output_tokens, tenant.plan.max_output_tokens, quote.max_output_tokens, quote.room_tokens)
    input_atto, output_atto = quote.price.ceiling(input_tokens)
    return Ceiling(input_atto, output_atto, min(limit for limit in limits if limit is not None))


def loses(quote: Quote, tariff: Tariff) -> bool:
    """True where an answer is expected to cost more than its tariff charges, whoever pays."""
    if isinstance(tariff, Flat):
        return quote.expected_atto > quote.expected_tokens * tariff.atto_per_token
    return tariff.times < 1 and quote.expected_atto > 0
