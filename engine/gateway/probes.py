"""Probes: after a rest, a prompt of one token at the operator's cost, so that recovery needs no user's prompt."""

from engine.attempt_record import ANSWERED, AttemptRecord
from engine.catalog.offers import Offer
from engine.chat import ChatRequest, Role, says
from engine.errors import ProviderError, Refused
from engine.gateway.attempt import Attempt
from engine.gateway.free_attempts import at_price_of_key, count_free_request
from engine.gateway.question import Market, Question
from engine.routing.health import Permit
from engine.routing.plan import Route
from engine.routing.provider_health import Status

PROBE_TOKENS = 1
_PROMPT = says(Role.USER, "Say ok.")


async def probe_provider(market: Market, provider: str, request_id: str) -> ProviderError | None:
    """End the provider's cooldowns, and probe one of its offers that is out of service, if there is one.

    Raises LookupError if none of its offers has a price now.
    """
    catalog, health, now = market.catalog, market.health, market.clock.now()
    offers = [each for each in catalog.offers_of(provider) if catalog.book.price(each.provider, each.model, now)]
    if not offers:
        raise LookupError(provider)
    silent = {offer for offer in offers if health.offer_state(offer).status is not Status.ANSWERING}
    health.restore(provider)
    return await probe(market, min(offers, key=lambda each: each not in silent), request_id)


async def probe(market: Market, offer: Offer, request_id: str) -> ProviderError | None:
    """Attempt `offer`, report the result to its health and journal it. None: it answered, or it may not be asked now.

    Offers that take no prompts, such as embedding models, are not asked.
    """
    try:
        model = market.catalog.model(offer.name)
    except Refused:
        return None
    permit = market.health.admit(offer, free=True)
    if not isinstance(permit, Permit):
        return None
    request = ChatRequest(request_id, offer.model, (_PROMPT,), max_output_tokens=PROBE_TOKENS)
    quotes, drops = market.catalog.quote(request, model, market.clock.now())
    quote = at_price_of_key(market, quotes[0], permit) if quotes else None
    if quote is None:
        market.health.abandoned(permit)
        return None
    count_free_request(market, quote, permit)
    question = Question(None, request, Route(quotes, drops), quotes[0].input_ceiling_tokens)
    attempt = Attempt(market, question, quote, permit, 1, PROBE_TOKENS)
    try:
        error = await attempt.outcome()
    except BaseException:
        market.health.abandoned(permit)
        await attempt.close()
        raise
    return await _report(attempt, error)


async def _report(attempt: Attempt, error: ProviderError | None) -> ProviderError | None:
    market = attempt.market
    if error is not None:
        market.health.failed(attempt.permit, error)
        await _journal(market, attempt.wasted(error.outcome, error=error))
        return error
    limits = attempt.provider.limits(attempt.permit.key)
    market.health.succeeded(attempt.permit, attempt.first_token_ms, limits)
    await _journal(market, attempt.wasted(ANSWERED, attempt.usage()))
    return None


async def _journal(market: Market, record: AttemptRecord) -> None:
    await market.journal.record(record)
    market.observe(record)
