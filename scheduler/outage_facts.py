"""The values of the messages about a provider's outage: errors, traffic, the next offer, the recovery."""

from datetime import datetime, timedelta
from fractions import Fraction
from functools import partial

from engine.catalog.defaults import USUAL_REQUEST
from engine.catalog.offers import Model, Offer
from engine.chat import Usage
from engine.errors import EngineError
from engine.gateway.gateway import loses
from engine.money import ZERO, Money
from engine.routing.plan import plan
from scheduler.context import JobContext
from scheduler.incidents import IncidentFacts
from storage.database.connection import day_of
from storage.operations import incidents
from storage.operations.incidents import Incident
from storage.reports import journal
from storage.reports.journal import NEEDS_OPERATOR, Detour, Streak
from storage.reports.losses import lost_since

PROVIDER_DOWN = "provider_down"
OUTAGE_KINDS = (PROVIDER_DOWN, *NEEDS_OPERATOR)
SHARE_WINDOW = timedelta(hours=1)


async def providers_out(context: JobContext) -> set[str]:
    """Return the providers that have an open outage."""
    return {each.subject for each in await context.db.read(incidents.all_open) if each.kind in OUTAGE_KINDS}


async def outage_facts(context: JobContext, streak: Streak, now: datetime) -> IncidentFacts:
    """Return the facts of an outage that are stored with its incident."""
    since = streak.since or now
    share = await context.db.read(lambda conn: journal.share(conn, streak.provider, since - SHARE_WINDOW, since))
    offer, usd = await _next_offer(context, streak.provider, now)
    return {
        "provider": streak.provider,
        "error": streak.last_outcome,
        "count": streak.failures,
        "limited": streak.rate_limited,
        "status": streak.last_status,
        "since": f"{since:%H:%M:%S}",
        "share": round(share * 100),
        "offer": offer.name if offer else "",
        "usd": usd,
    }


def outage_values(facts: IncidentFacts) -> dict[str, object]:
    """Return the message's values; a sentence without a fact is left out."""
    status, limited, returned = facts["status"], facts["limited"], facts.get("returned", 0)
    now = {"key": "alert.now", "values": {"offer": facts["offer"], "usd": facts["usd"]}}
    return {
        **facts,
        "status": f" ({status})" if status else "",
        "limited": {"key": "alert.limited", "values": {"n": limited}} if limited else "",
        "mend": {"key": f"alert.{facts['error']}", "values": {}} if facts["error"] in NEEDS_OPERATOR else "",
        "returned": {"key": "alert.returned", "values": {"n": returned}} if returned else "",
        "now": now if facts["offer"] else {"key": "alert.nobody", "values": {}},
    }


async def recovery_values(context: JobContext, known: Incident, back_at: datetime) -> dict[str, object]:
    """Return duration, prompts that other providers answered, their cost, and the extra cost over this provider's."""
    found = await context.db.read(lambda conn: journal.detour(conn, known.subject, known.opened_at, back_at))
    extra = _extra_cost(context, known.subject, found, back_at)
    return {
        "provider": known.subject,
        "minutes": minutes_between(known.opened_at, back_at),
        "prompts": found.prompts,
        "cost": str(found.cost),
        "more": {"key": "alert.more", "values": {"usd": str(extra)}} if extra is not None else "",
    }


def minutes_between(start: datetime, end: datetime) -> int:
    """Return whole minutes, at least 1."""
    return max(1, round((end - start).total_seconds() / 60))


def _extra_cost(context: JobContext, provider: str, found: Detour, at: datetime) -> Money | None:
    """Return the cost beyond that of the same tokens at `provider`; None where it has no price for the model."""
    price = context.market.catalog.book.price(provider, found.model, at) if found.model else None
    if price is None or not found.prompts:
        return None
    return found.cost - Money.from_atto(price.cost_atto(Usage(found.input_tokens, found.output_tokens)))


async def _next_offer(context: JobContext, down: str, now: datetime) -> tuple[Offer | None, str]:
    """Return the offer that answers `auto` now, and the cost of a usual prompt there in USD."""
    catalog, health = context.market.catalog, context.market.health
    try:
        model = catalog.model("auto")
    except EngineError:
        return None, ""
    out = await providers_out(context) | {down}
    quotes, drops = catalog.quote(USUAL_REQUEST, model, now)
    may_lose = await _may_lose(context, model, now)
    asked = [q for q in quotes if q.offer.provider not in out and (may_lose or not loses(q, model.tariff))]
    route = plan(asked, drops, health.status, Fraction(0))
    return (route.quotes[0].offer, str(route.quotes[0].expected)) if route.quotes else (None, "")


async def _may_lose(context: JobContext, model: Model, now: datetime) -> bool:
    """Return False once the model's losses of the day have reached max_loss_usd_per_day."""
    most = model.max_loss_per_day
    if most is None:
        return True
    lost, _ = await context.db.read(partial(lost_since, day=day_of(now)))
    return lost.get(model.name, ZERO) < most
