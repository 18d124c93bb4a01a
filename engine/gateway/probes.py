"""Recovery without traffic: after a rest, one real one-token prompt at the house's cost."""

from engine.attempt_record import ANSWERED
from engine.catalog.offers import Offer
from engine.chat import ChatRequest, Role, says
from engine.errors import EmptyAnswer, ProviderError
from engine.gateway.collected import whole_usage
from engine.gateway.market import Market
from engine.gateway.trial import Trial
from engine.routing.health import Permit

PROBE_TOKENS = 1
_PROMPT = says(Role.USER, "Say ok.")


async def probe(market: Market, offer: Offer, request_id: str) -> ProviderError | None:
    """Try `offer` for real, tell its health and journal it. None: it answers, or it may not be asked now."""
    permit = market.health.admit(offer)
    if not isinstance(permit, Permit):
        return None
    request = ChatRequest(request_id, offer.model, (_PROMPT,), max_output_tokens=PROBE_TOKENS)
    quotes, _ = market.catalog.quote(request, market.catalog.model(offer.name), market.clock.now())
    if not quotes:
        market.health.abandoned(permit)
        return None
    trial = Trial(market, None, request, quotes[0], permit, 1, PROBE_TOKENS)
    return await _run(market, trial)


async def _run(market: Market, trial: Trial) -> ProviderError | None:
    try:
        await trial.run(lambda _: None)
    except EmptyAnswer:
        pass  # one token may be a thought: it answered all the same
    except ProviderError as error:
        market.health.failed(trial.permit, error)
        await market.journal.record(trial.lost(error.outcome, error=error))
        return error
    except BaseException:
        market.health.abandoned(trial.permit)
        raise
    limits = trial.provider.limits(trial.permit.key)
    market.health.succeeded(trial.permit, trial.first_token_ms, limits)
    await market.journal.record(trial.lost(ANSWERED, whole_usage(trial.request, trial.collected)))
    return None
