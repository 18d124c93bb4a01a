"""Providers for operators: states in words, drain, resume and probe; incidents to acknowledge and mute."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from engine.gateway.probes import probe_provider
from engine.gateway.question import Market
from engine.money import Money
from engine.ports import Clock
from engine.routing.health import ProviderState
from engine.routing.provider_health import OfferState, Status
from storage.alerts import incidents
from storage.database.connection import Connection, row_number
from storage.database.database import Database
from storage.operations import operator_actions, provider_state, status_pages
from storage.operations.status_pages import PageStatus
from storage.reports import failures
from web.auth import new_request_id
from web.errors import HttpProblem, not_found
from web.miniapp.access import MiniAppUser, current_operator
from web.miniapp.answers import PRIVATE, app_errors, text, written
from web.miniapp.operators.tenants import by

ByOperator = Annotated[MiniAppUser, Depends(current_operator)]
FAILING_LOOK_BACK = timedelta(hours=6)
MUTE = timedelta(hours=1)
NOTHING_TO_PROBE = HttpProblem(
    409, "None of this provider's models has a price now, so there is nothing to probe.", code="nothing_to_probe"
)


class ShownPriceOut(BaseModel):
    """The prices of a model for a million tokens, as text."""

    model: str
    input: str
    output: str


class ProviderWordsOut(BaseModel):
    """A provider's state as a sentence, and lines about its models that do not answer."""

    name: str
    words: str
    lines: list[str]
    drained: bool
    prices: list[ShownPriceOut]


class DoneOut(BaseModel):
    text: str


@dataclass(frozen=True, slots=True)
class ProviderPages:
    """Describes and changes providers and incidents. Each drain and resume is recorded in the operators' log."""

    db: Database
    clock: Clock
    market: Market

    async def words(self, user: MiniAppUser) -> list[ProviderWordsOut]:
        """Return the states of the configured providers."""
        names = [name for name, provider in self.market.providers.items() if provider.keys]
        now = self.clock.now()
        return await self.db.read(lambda conn: [_Words(conn, self.market, user, now).of(name) for name in names])

    async def drain(self, user: MiniAppUser, name: str, *, drained: bool) -> DoneOut:
        self._check(name)
        now = self.clock.now()
        await self.db.write(partial(operator_actions.drain, by=by(user), provider=name, now=now, drained=drained))
        if drained:
            self.market.health.drain(name)
        else:
            self.market.health.resume(name)
        return DoneOut(text=text(user, "providers.drained" if drained else "providers.resumed", name=name))

    async def probe(self, user: MiniAppUser, name: str) -> DoneOut:
        """End the provider's cooldowns, and send one real prompt of one token at the operator's cost."""
        self._check(name)
        try:
            error = await probe_provider(self.market, name, f"probe:{new_request_id(self.clock.now())}")
        except LookupError:
            raise NOTHING_TO_PROBE.new() from None
        if error is None:
            return DoneOut(text=text(user, "providers.probed", name=name))
        return DoneOut(text=text(user, "providers.probe_failed", name=name, outcome=str(error)))

    async def acknowledge(self, user: MiniAppUser, text_id: str) -> DoneOut:
        number = await self._open_incident(text_id)
        await self.db.write(lambda conn: incidents.acknowledge(conn, [number], by(user).name))
        return DoneOut(text=text(user, "alerts.acknowledged"))

    async def mute(self, user: MiniAppUser, text_id: str) -> DoneOut:
        number, until = await self._open_incident(text_id), self.clock.now() + MUTE
        await self.db.write(lambda conn: incidents.mute(conn, [number], until))
        return DoneOut(text=text(user, "alerts.muted"))

    def _check(self, name: str) -> None:
        provider = self.market.providers.get(name)
        if provider is None or not provider.keys:
            raise not_found(f"There is no provider {name} with a key.")

    async def _open_incident(self, text_id: str) -> int:
        number = row_number(text_id)
        found = await self.db.read(incidents.all_open)
        if number not in {each.id for each in found}:
            raise not_found(f"There is no open incident {text_id}.")
        assert number is not None
        return number


class _Words:
    """Describes the states of providers in one user's language."""

    def __init__(self, conn: Connection, market: Market, user: MiniAppUser, now: datetime) -> None:
        self._conn, self._market, self._user, self._now = conn, market, user, now
        self._drained_by = provider_state.drained_by(conn)
        self._pages: dict[str, PageStatus] = dict(status_pages.current(conn, now))

    def of(self, name: str) -> ProviderWordsOut:
        health = self._market.health
        state, status = health.state(name), health.status_of(name)
        is_drained = status is Status.DRAINED
        offers = [] if is_drained else [health.offer_state(each) for each in self._market.catalog.offers_of(name)]
        lines = [line for line in map(self._offer, offers) if line]
        page = self._pages.get(name)
        if page is not None and not page.is_well:
            lines.append(text(self._user, "providers.page", said=page.said))
        return ProviderWordsOut(
            name=name, words=self._state(state, status), lines=lines, drained=is_drained, prices=self._prices(name)
        )

    def _state(self, state: ProviderState, status: Status) -> str:
        if status is Status.DRAINED:
            who = self._drained_by.get(state.name, "")
            return self._text("providers.is_drained_by", by=who) if who else self._text("providers.is_drained")
        if status is Status.RESTING:
            if self._market.health.is_locked_out(state.name):
                return self._text("providers.is_out")
            until = self._now + timedelta(seconds=state.seconds)
            return self._text("providers.is_resting", until=f"{until:%H:%M:%S}")
        if status is Status.FAILING:
            since = failures.failing_since(self._conn, state.name, self._now - FAILING_LOOK_BACK)
            at = self._text("providers.since", at=f"{since:%H:%M:%S}") if since else ""
            percent = round(100 * state.failure_chance)
            return self._text("providers.is_failing", percent=percent, since=at)
        return self._text("providers.is_answering")

    def _prices(self, name: str) -> list[ShownPriceOut]:
        catalog, found = self._market.catalog, []
        for offer in catalog.offers_of(name):
            price = catalog.book.price(offer.provider, offer.model, self._now)
            if price is not None:
                rates = price.rates(0)
                amounts = (Money.per_mtok(rate) for rate in (rates.input, rates.output))
                given, made = (written(self._user, amount, "price") for amount in amounts)
                found.append(ShownPriceOut(model=offer.model, input=given, output=made))
        return found

    def _offer(self, offer: OfferState) -> str:
        """Return a line about a model that does not answer; "" for any other."""
        if offer.status is Status.FAILING:
            return self._text("providers.offer_fails", model=offer.model)
        if offer.status is not Status.RESTING:
            return ""
        if offer.until is None:
            return self._text("providers.offer_out", model=offer.model)
        return self._text("providers.offer_rests", model=offer.model, until=f"{offer.until:%H:%M:%S}")

    def _text(self, key: str, **values: object) -> str:
        return text(self._user, key, **values)


def router(pages: ProviderPages) -> APIRouter:
    routes = APIRouter(prefix="/app", tags=["mini app"])

    @routes.post("/providers/{name}/drain", summary="For operators: take no more traffic", responses=app_errors(404))
    async def drain(user: ByOperator, name: str, response: Response) -> DoneOut:
        response.headers.update(PRIVATE)
        return await pages.drain(user, name, drained=True)

    @routes.post("/providers/{name}/resume", summary="For operators: take traffic again", responses=app_errors(404))
    async def resume(user: ByOperator, name: str, response: Response) -> DoneOut:
        response.headers.update(PRIVATE)
        return await pages.drain(user, name, drained=False)

    @routes.post("/providers/{name}/probe", summary="For operators: probe now", responses=app_errors(404, 409))
    async def probe(user: ByOperator, name: str, response: Response) -> DoneOut:
        response.headers.update(PRIVATE)
        return await pages.probe(user, name)

    @routes.post(
        "/incidents/{incident_id}/acknowledge", summary="For operators: acknowledge", responses=app_errors(404)
    )
    async def acknowledge(user: ByOperator, incident_id: str, response: Response) -> DoneOut:
        response.headers.update(PRIVATE)
        return await pages.acknowledge(user, incident_id)

    @routes.post("/incidents/{incident_id}/mute", summary="For operators: mute for an hour", responses=app_errors(404))
    async def mute(user: ByOperator, incident_id: str, response: Response) -> DoneOut:
        response.headers.update(PRIVATE)
        return await pages.mute(user, incident_id)

    return routes
