"""The `quote` sub-command: the current cost of a prompt at each offer, cheapest first."""

import sys
from decimal import Decimal
from typing import Any

import httpx

from engine.catalog.offers import Offer
from engine.chat import ChatRequest, Role, says
from engine.errors import EngineError
from engine.gateway.question import Market
from engine.money import exact
from engine.routing.permits import OfferStatus
from engine.routing.plan import Route, plan
from main.clock import SystemClock
from main.container import build_market, ensure_schema
from main.settings import Settings
from storage.database.database import open_database

ProviderStates = dict[str, dict[str, Any]]
"""Rows of GET /providers, by provider."""


async def run_quote(settings: Settings, prompt: str, model_name: str) -> int:
    """Print price, expected cost, health, limit and choice per offer.

    Return 0, 1 without an offer, 2 if the database can't be read. Health and limits come from the Farthing that serves
    HOST:PORT; without one they are unknown.
    """
    try:
        await ensure_schema(settings)
    except OSError as error:
        print(error, file=sys.stderr)
        return 2
    async with open_database(settings.env.database_url) as db:
        market = await build_market(settings, db, SystemClock())
    try:
        return await _quote(settings, market, ChatRequest("quote", model_name, (says(Role.USER, prompt),)))
    except EngineError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        for provider in market.providers.values():
            await provider.aclose()


async def _quote(settings: Settings, market: Market, request: ChatRequest) -> int:
    model = market.catalog.model(request.model)
    states = await _served_states(settings)
    quotes, drops = market.catalog.quote(request, model, market.clock.now())
    delay = exact(settings.config.routing.delay_usd_per_second)
    route = plan(quotes, drops, lambda offer: status_of(market, states, offer), delay)
    _print_route(route, market, states)
    return 0 if route.quotes else 1


async def _served_states(settings: Settings) -> ProviderStates:
    """Ask the Farthing that serves HOST:PORT; return {} if none answers."""
    if not settings.admin_key:
        return {}
    url = f"http://{settings.env.host}:{settings.env.port}/providers"
    headers = {"authorization": f"Bearer {settings.admin_key}"}
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=2) as http:
            rows = (await http.get(url, headers=headers)).raise_for_status().json()["data"]
    except (httpx.HTTPError, ValueError, KeyError):
        return {}
    return {row["name"]: row for row in rows}


def status_of(market: Market, states: ProviderStates, offer: Offer) -> OfferStatus:
    """Return the offer's status in the serving process, or else in this process."""
    row = states.get(offer.provider)
    if row is None:
        return market.health.status(offer)
    is_out = row["state"] in {"open", "resting", "drained"}
    return OfferStatus(row["reason"] or row["state"] if is_out else "", row["chance_of_failure"], 1.0)


def _print_route(route: Route, market: Market, states: ProviderStates) -> None:
    print(f"{'offer':40} {'in $/1M':>9} {'out $/1M':>9} {'expected $':>13}  {'health':10} {'limit':22}")
    for number, quote in enumerate(route.quotes):
        rates = quote.price.rates(0)
        note = "chosen" if number == 0 else "last resort" if quote.last_resort else ""
        health, limit = _health_and_limit(market, states, quote.offer)
        print(
            f"{quote.offer.name:40} {_mtok(rates.input):>9} {_mtok(rates.output):>9} {quote.expected!s:>13}"
            f"  {health:10} {limit:22} {note}"
        )
    for drop in route.drops:
        print(f"{drop.offer.name:40} {'-':>9} {'-':>9} {'-':>13}  {drop.reason}")


def _health_and_limit(market: Market, states: ProviderStates, offer: Offer) -> tuple[str, str]:
    """Return the health and learned limit from the serving process, or the rest of a free tier from the journal."""
    row = states.get(offer.provider, {})
    left = market.catalog.free.left(offer, market.clock.now())
    limits = [f"{row['requests_per_minute']}/min learned"] if row.get("requests_per_minute") else []
    limits += [f"free: {left.today} left today"] if left is not None else []
    return str(row.get("state", "-")).replace("_", "-"), ", ".join(limits) or "-"


def _mtok(atto_per_token: int) -> str:
    return f"{Decimal(atto_per_token) / 10**12:.4f}"
