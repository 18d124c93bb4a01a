"""The rows of GET /providers and of the Mini App's operator page."""

from typing import Any

from engine.gateway.question import Market
from engine.money import Money
from engine.ports import Provider
from engine.routing.provider_health import OfferState


def provider_rows(market: Market, *, admin: bool) -> list[dict[str, Any]]:
    """Return the state of every provider; prices and limits only for the operator (`admin`)."""
    return [_row(market, name, provider, admin=admin) for name, provider in market.providers.items()]


def any_configured(market: Market) -> bool:
    """Return True if at least one provider has an API key or needs none."""
    return any(provider.keys > 0 for provider in market.providers.values())


def _row(market: Market, name: str, provider: Provider, *, admin: bool) -> dict[str, Any]:
    state = market.health.state(name)
    row: dict[str, Any] = {
        "name": name,
        "configured": provider.keys > 0,
        "state": state.state.value,
        "status": market.health.status_of(name).value,
        "since": state.since.isoformat(),
        "p50_first_token_ms": state.p50_first_token_ms,
        "offers": [_offer(market.health.offer_state(offer)) for offer in market.catalog.offers_of(name)],
    }
    if admin:
        row |= {
            "reason": state.reason,
            "retry_after_seconds": round(state.seconds, 1),
            "requests_per_minute": state.requests_per_minute,
            "failures": state.failures,
            "chance_of_failure": round(state.failure_chance, 3),
            "prices": _prices(market, name),
            "free": _free_tiers(market, name),
        }
    return row


def _offer(state: OfferState) -> dict[str, Any]:
    return {
        "model": state.model,
        "state": state.state.value,
        "status": state.status.value,
        "until": state.until.isoformat(timespec="milliseconds") if state.until else None,
    }


def _prices(market: Market, provider: str) -> list[dict[str, Any]]:
    now = market.clock.now()
    rows = []
    for offer in market.catalog.offers_of(provider):
        price = market.catalog.book.price(offer.provider, offer.model, now)
        if price is not None:
            rates = price.rates(0)
            rows.append(
                {
                    "model": offer.model,
                    "input_usd_per_mtok": str(Money.per_mtok(rates.input)),
                    "cached_input_usd_per_mtok": str(Money.per_mtok(rates.cached_input)),
                    "output_usd_per_mtok": str(Money.per_mtok(rates.output)),
                    "source": price.source,
                }
            )
    return rows


def _free_tiers(market: Market, provider: str) -> list[dict[str, Any]]:
    """Return the remaining requests of each free tier of `provider`."""
    free, now = market.catalog.free, market.clock.now()
    found = ((offer, free.left(offer, now)) for offer in free.allowed if offer.provider == provider)
    return [
        {"model": offer.model, "left_this_minute": left.this_minute, "left_today": left.today}
        for offer, left in found
        if left is not None
    ]
