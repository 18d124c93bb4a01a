"""Gateway: admits, routes and holds each request before its Answer makes the first network call."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from msgspec import structs

from engine.attempt_record import unanswered
from engine.catalog.embedding_models import checked_dimensions, embedding_model, quote_embeddings
from engine.catalog.offers import Drop, Model, Quote
from engine.chat import WHOLE, ChatRequest
from engine.embeddings import EmbeddingRequest
from engine.errors import (
    Closing,
    DailyAnswersUsed,
    ExcludedBySettings,
    NoProvider,
    RequestRejected,
    SpendingCapReached,
)
from engine.gateway.admission import Admission, Held, expected_output, hold_requests
from engine.gateway.answer import Answer
from engine.gateway.embeddings.run import Embedded, EmbeddingFinisher, EmbeddingRun
from engine.gateway.question import Approval, Finisher, Market, Question, Siblings
from engine.holds import Ceiling, HoldRequest
from engine.ports import AdmissionCheck, Ledger, Losses, RequestWindows
from engine.privacy import LEFT_OUT, NONE
from engine.routing.plan import Route, plan, with_early
from engine.tenancy import Charge, Flat, Plan, Tariff, Tenant, seconds_left_today

_ABORT_SECONDS = 5  # time that aborted answers have to void their holds


class Gateway:
    """Answers requests from the cheapest available offers, and charges each answer exactly once."""

    def __init__(
        self,
        market: Market,
        ledger: Ledger,
        *,
        admission_checks: Sequence[AdmissionCheck] = (),
        losses: Losses | None = None,
        request_windows: RequestWindows | None = None,
    ) -> None:
        """`request_windows` counts requests per minute for all processes that serve the same tenants."""
        self.market = market
        self._ledger = ledger
        self._admission_checks, self._losses = tuple(admission_checks), losses
        self.admission, self._request_windows = Admission(market.clock), request_windows
        self._answers: set[Answer | EmbeddingRun] = set()
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
        approve: Approval | None = None,
        siblings: Siblings | None = None,
    ) -> AsyncIterator[Answer]:
        """Admit, plan and hold before any network call; read the Answer within the context.

        Raises a Refused, NoProvider, RequestRejected (no offer can serve it) or HoldLost (it was answered before).
        Leaving the context early captures the delivered part. `can_restart`: the reader can replace content that it has
        shown. `approve` may refuse the route by raising an exception, which is passed on. `siblings`: answers that are
        kept together with this one or not at all.
        """
        model = await self._model(request.model)
        request = structs.replace(request, exclusions=tenant.exclusions) if tenant.exclusions != NONE else request
        if request.is_side_call:
            self.admission.check_model(tenant, model.name)
        else:
            await self._admit(tenant, model.name)
        route = await self._route_or_journal(tenant, model, request)
        async with Held(self._ledger, _hold_requests(tenant, model, request, route)) as (hold_request, hold):
            payer, member = hold_request.tenant_id, hold_request.member_id
            if approve is not None:
                approve(model, route, payer)
            ceiling, tariff = hold_request.input_tokens, hold_request.tariff
            question = Question(payer, request, route, ceiling, finish, can_restart, siblings, member, tariff)
            answer = Answer(self.market, question, hold)
            self._enter(answer)
            try:
                yield answer
            finally:
                try:
                    await answer.leave()
                finally:
                    self._exit(answer)

    async def embed(
        self, tenant: Tenant, request: EmbeddingRequest, finish: EmbeddingFinisher
    ) -> tuple[Embedded, Charge]:
        """Admit, plan, hold and embed: return the vectors of one offer, kept and charged.

        Raises a Refused, NoProvider, RequestRejected or HoldLost. Cancelling the caller does not end the embedding; it
        is awaited.
        """
        model = await self._checked(embedding_model(self.market.catalog, request.model))
        dimensions = checked_dimensions(model, request.dimensions)
        request = replace(request, dimensions=dimensions, exclusions=tenant.exclusions)
        await self._admit(tenant, model.name)
        may_lose = await self._may_lose(model)
        quotes, drops = quote_embeddings(self.market.catalog, request, model, self.market.clock.now())
        try:
            route = self._planned(model, quotes, drops, may_lose=may_lose)
        except NoProvider:
            await self._journal_unanswered(tenant, request)
            raise
        hold_request = HoldRequest(
            request_id=request.id,
            epoch=request.epoch,
            tenant_id=tenant.id,
            tariff=model.tariff,
            input_tokens=max(quote.input_ceiling_tokens for quote in route.quotes),
            ceilings=tuple(Ceiling(quote.price.ceiling(quote.input_ceiling_tokens)[0], 0, 1) for quote in route.quotes),
            key_id=request.key_id,
            is_shown_at_end=True,
        )

        def sized(plan: Plan) -> HoldRequest:
            return structs.replace(hold_request, answers_per_day=plan.answers_per_day)

        async with Held(self._ledger, hold_requests(tenant, model.name, sized)) as (paid, hold):
            run = EmbeddingRun(self.market, paid.tenant_id, request, route, hold, finish)
            self._enter(run)
            try:
                return await run.whole()
            finally:
                self._exit(run)

    async def check_admission(self, tenant: Tenant, model: str) -> None:
        """Raise the Refused that an answer would raise now, apart from its price: for a side call before the answer."""
        self.admission.check(tenant, (await self._model(model)).name)
        limit = 0 if tenant.sponsors else tenant.plan.answers_per_day
        if limit and await self._ledger.answers_today(tenant.id) >= limit:
            raise DailyAnswersUsed(limit, seconds_left_today(self.market.clock.now()))

    async def count_request(self, tenant: Tenant) -> None:
        """Count one request of the tenant that gets no answer, such as one with a file that can't be read."""
        if self._request_windows is None:
            self.admission.count(tenant)
        else:
            await self.admission.count_together(tenant, self._request_windows)

    async def _admit(self, tenant: Tenant, model: str) -> None:
        """Count one request of the tenant. Raises the errors of `Admission.check`."""
        if self._request_windows is None:
            self.admission.admit(tenant, model)
        else:
            await self.admission.admit_together(tenant, model, self._request_windows)

    async def _model(self, name: str) -> Model:
        """Return the model called `name`. Raises UnknownModel, Closing, or the Refused of an admission check."""
        return await self._checked(self.market.catalog.model(name))

    async def _checked(self, model: Model) -> Model:
        """Return `model`. Raises Closing, or the Refused of an admission check."""
        if self._closing:
            raise Closing
        for check in self._admission_checks:
            await check.check()
        return model

    def route(
        self, model: Model, request: ChatRequest, tenant_id: int | None = None, *, may_lose: bool = True
    ) -> Route:
        """Return the offers for this request at this minute, in the order of attempts.

        `may_lose` False leaves out offers that are expected to cost more than they charge. Raises SpendingCapReached if
        only such offers are left, ExcludedBySettings if the tenant excludes every suitable one, RequestRejected if no
        offer is suitable, NoProvider if no suitable one is available soon. If all suitable ones rest for a short while,
        they are the route, because one may be back in a moment.
        """
        quotes, drops = self.market.catalog.quote(request, model, self.market.clock.now(), tenant_id)
        return self._planned(model, quotes, drops, may_lose=may_lose)

    def _planned(self, model: Model, quotes: tuple[Quote, ...], drops: tuple[Drop, ...], *, may_lose: bool) -> Route:
        """Return the route for these quotes. Raises the errors of `route`."""
        if not quotes and (left_out := [drop.offer.provider for drop in drops if drop.reason == LEFT_OUT]):
            raise ExcludedBySettings(model.name, tuple(dict.fromkeys(left_out)))
        if not may_lose:
            quotes, drops = _without_losses(quotes, drops, model.tariff)
        route = plan(quotes, drops, self.market.health.status, self.market.delay_usd_per_second)
        if route.quotes:
            return with_early(route, self.market.health)
        if route.resting:
            return structs.replace(route, quotes=route.resting)
        reasons = {drop.reason for drop in drops if self.market.catalog.configured(drop.offer.provider)}
        if not quotes and reasons:
            raise RequestRejected(model.name, "no model here can take this request: " + "; ".join(sorted(reasons)))
        raise NoProvider(self.market.health.smallest_rest_seconds(), left_out=route.left_out)

    async def _route_or_journal(self, tenant: Tenant, model: Model, request: ChatRequest) -> Route:
        may_lose = await self._may_lose(model)
        try:
            return self.route(model, request, tenant.id, may_lose=may_lose)
        except NoProvider:
            await self._journal_unanswered(tenant, request)
            raise

    async def _journal_unanswered(self, tenant: Tenant, request: ChatRequest | EmbeddingRequest) -> None:
        await self.market.journal.record(unanswered(tenant.id, request, ordinal=1, now=self.market.clock.now()))

    async def _may_lose(self, model: Model) -> bool:
        most = model.max_loss_per_day
        return most is None or self._losses is None or await self._losses.lost_today(model.name) < most

    async def close(self, grace_seconds: float = 30) -> None:
        """Accept no new work; give the running answers `grace_seconds`, then abort the rest."""
        self._closing = True
        try:
            async with asyncio.timeout(grace_seconds):
                await self._idle.wait()
        except TimeoutError:
            for answer in tuple(self._answers):
                answer.abort()
            async with asyncio.timeout(_ABORT_SECONDS):
                await self._idle.wait()

    @property
    def in_flight(self) -> int:
        """The number of answers that are running."""
        return len(self._answers)

    @property
    def attempts_in_flight(self) -> int:
        """The number of provider calls that are running for these answers."""
        return sum(answer.attempts_in_flight for answer in self._answers)

    def _enter(self, answer: Answer | EmbeddingRun) -> None:
        self._answers.add(answer)
        self._idle.clear()

    def _exit(self, answer: Answer | EmbeddingRun) -> None:
        self._answers.discard(answer)
        if not self._answers:
            self._idle.set()


def loses(quote: Quote, tariff: Tariff) -> bool:
    """Return True if an answer is expected to cost more than its tariff charges."""
    if isinstance(tariff, Flat):
        return quote.expected_atto > quote.expected_tokens * tariff.atto_per_token
    return tariff.times < 1 and quote.expected_atto > 0


def _without_losses(
    quotes: tuple[Quote, ...], drops: tuple[Drop, ...], tariff: Tariff
) -> tuple[tuple[Quote, ...], tuple[Drop, ...]]:
    losing = [quote for quote in quotes if loses(quote, tariff)]
    kept = tuple(quote for quote in quotes if quote not in losing)
    if losing and not kept:
        raise SpendingCapReached("day")
    reason = "costs more than it charges, and today has lost enough"
    return kept, (*drops, *(Drop(quote.offer, reason) for quote in losing))


def _hold_requests(tenant: Tenant, model: Model, request: ChatRequest, route: Route) -> list[HoldRequest]:
    input_tokens = max(quote.input_ceiling_tokens for quote in route.quotes)

    def sized(plan: Plan) -> HoldRequest:
        return HoldRequest(
            request_id=request.id,
            epoch=request.epoch,
            tenant_id=tenant.id,
            tariff=model.tariff,
            input_tokens=input_tokens,
            ceilings=tuple(_ceiling(quote, plan, request) for quote in route.quotes),
            n=request.n,
            key_id=request.key_id,
            answers_per_day=plan.answers_per_day,
            is_shown_at_end=request.pace is WHOLE,
        )

    return hold_requests(tenant, model.name, sized, expected_output(route.quotes) // request.n)


def _ceiling(quote: Quote, plan: Plan, request: ChatRequest) -> Ceiling:
    """Bound the output by the smallest limit of request, plan, model and the space left in the model's context."""
    limits = (request.max_output_tokens, plan.max_output_tokens, quote.max_output_tokens, quote.room_tokens)
    input_tokens = quote.input_ceiling_tokens
    input_atto, output_atto = quote.price.ceiling(input_tokens)
    return Ceiling(input_atto, output_atto, min(limit for limit in limits if limit is not None), input_tokens)
