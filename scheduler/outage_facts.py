"""The values of the messages about outages and avoided offers: errors, traffic, the next offer, extra cost."""

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
from locales.formats import as_code
from scheduler.context import JobContext
from scheduler.incidents import IncidentFacts
from scheduler.journal_replay import Failures, RecentAttempts
from storage.alerts import incidents
from storage.alerts.incidents import Incident
from storage.database.connection import day_of
from storage.operations import status_pages
from storage.reports import journal
from storage.reports.journal import NEEDS_OPERATOR, Detour
from storage.reports.losses import lost_since

PROVIDER_DOWN, OFFER_DOWN, OFFER_AVOIDED = "provider_down", "offer_down", "offer_avoided"
PROVIDER_KINDS = (PROVIDER_DOWN, *NEEDS_OPERATOR)
OUTAGE_KINDS = (*PROVIDER_KINDS, OFFER_DOWN)
SHARE_WINDOW = timedelta(hours=1)
AVOIDED_WINDOW = timedelta(minutes=5)
"""The span in which the failures of an avoided offer and the cost of the detour are counted."""
A_DAY = timedelta(days=1)
DIGITS = 2
"""The significant digits of an extrapolated cost."""


async def subjects_out(context: JobContext) -> set[str]:
    """Return the names of the providers and offers with an open outage."""
    return {each.subject for each in await context.db.read(incidents.all_open) if each.kind in OUTAGE_KINDS}


def is_in_service(context: JobContext, subject: str) -> bool:
    """Return whether the provider of this provider or offer is configured with a key."""
    provider = context.market.providers.get(subject.partition("/")[0])
    return bool(provider and provider.keys)


def is_listed(context: JobContext, subject: str) -> bool:
    """Return whether a configured model lists this offer, or an offer of this provider."""
    offers = [offer for model in context.market.catalog.models.values() for offer in model.offers]
    return any(subject in (offer.name, offer.provider) for offer in offers)


async def outage_facts(context: JobContext, subject: str, failures: Failures, now: datetime) -> IncidentFacts:
    """Return the facts about the outage of a provider or an offer that are stored with its incident."""
    since = failures.since or now
    provider, _, model = subject.partition("/")
    share = await context.db.read(lambda conn: journal.share(conn, provider, since - SHARE_WINDOW, since, model))
    offer, usd = await _next_offer(context, subject, now)
    return {
        "provider": subject,
        "error": failures.last_outcome,
        "count": failures.count,
        "limited": failures.rate_limited,
        "status": failures.last_status,
        "since": since,
        "share": round(share * 100),
        "offer": offer.name if offer else "",
        "usd": usd,
        "page": await _status_page(context, provider, now),
        "listed": is_listed(context, subject),
    }


async def _status_page(context: JobContext, provider: str, now: datetime) -> str:
    """Return the sentence on the provider's public status page; empty if none is known."""
    found = (await context.db.read(partial(status_pages.current, now=now))).get(provider)
    return "" if found is None else found.said


async def avoided_facts(context: JobContext, offer: Offer, recent: RecentAttempts, now: datetime) -> IncidentFacts:
    """Return the facts about an offer that fails too often to be preferred, but not often enough to rest."""
    price = context.market.catalog.book.price(offer.provider, offer.model, now)
    start = now - AVOIDED_WINDOW
    cost = await context.db.read(lambda conn: journal.waste(conn, offer.provider, offer.model, start))
    if price is not None:
        for each in await context.db.read(lambda conn: journal.detours(conn, offer.provider, offer.model, start, now)):
            here = Money.from_atto(price.cost_atto(Usage(each.input_tokens, each.output_tokens)))
            cost += max(ZERO, each.cost - here)
    return {
        "offer": offer.name,
        "error": recent.usual_outcome,
        "percent": round(100 * recent.failed / recent.count),
        "since": start,
        "listed": is_listed(context, offer.name),
        "usd": str(Money(cost.nanousd * (A_DAY // AVOIDED_WINDOW)).significant(DIGITS)),
    }


def avoided_values(facts: IncidentFacts) -> dict[str, object]:
    """Return the message's values; a sentence whose fact is missing is left out."""
    returned = facts.get("returned", 0)
    usd = Money.usd(facts["usd"])
    return {**facts, "usd": usd, "returned": {"key": "alert.returned", "values": {"n": returned}} if returned else ""}


def outage_values(facts: IncidentFacts) -> dict[str, object]:
    """Return the message's values; a sentence whose fact is missing is left out."""
    status, limited, returned = facts["status"], facts["limited"], facts.get("returned", 0)
    usd = Money.usd(facts["usd"]) if facts["usd"] else ZERO
    mend = f"alert.{facts['error']}" if facts["error"] in NEEDS_OPERATOR else "alert.returns"
    now = {"key": "alert.now", "values": {"offer": facts["offer"], "usd": usd.significant(DIGITS)}}
    return {
        **facts,
        "status": f" ({status})" if status else "",
        "limited": {"key": "alert.limited", "values": {"n": limited}} if limited else "",
        "page": {"key": "alert.page", "values": {"said": as_code(facts["page"])}} if facts.get("page") else "",
        "mend": {"key": mend, "values": {}},
        "returned": {"key": "alert.returned", "values": {"n": returned}} if returned else "",
        "now": now if facts["offer"] else {"key": "alert.nobody", "values": {}},
    }


async def recovery_values(context: JobContext, known: Incident, back_at: datetime) -> dict[str, object]:
    """Return duration, prompts that others answered, their cost, and how much more that is than the subject's cost."""
    provider, _, model = known.subject.partition("/")
    found = await context.db.read(lambda conn: journal.detour(conn, provider, known.opened_at, back_at, model))
    extra = _extra_cost(context, provider, found, back_at)
    return {
        "provider": known.subject,
        "minutes": minutes_between(known.opened_at, back_at),
        "prompts": found.prompts,
        "cost": found.cost,
        "more": {"key": "alert.more", "values": {"usd": extra}} if extra is not None else "",
    }


def minutes_between(start: datetime, end: datetime) -> int:
    """Return whole minutes, at least 1."""
    return max(1, round((end - start).total_seconds() / 60))


def _extra_cost(context: JobContext, provider: str, found: Detour, at: datetime) -> Money | None:
    """Return how much this cost exceeds that of `provider` for the same tokens; None if it has no price."""
    price = context.market.catalog.book.price(provider, found.model, at) if found.model else None
    if price is None or not found.prompts:
        return None
    return found.cost - Money.from_atto(price.cost_atto(Usage(found.input_tokens, found.output_tokens)))


async def _next_offer(context: JobContext, down: str, now: datetime) -> tuple[Offer | None, str]:
    """Return the offer that answers `auto` now, and its cost of a typical prompt in USD."""
    catalog, health = context.market.catalog, context.market.health
    try:
        model = catalog.model("auto")
    except EngineError:
        return None, ""
    out = await subjects_out(context) | {down}
    quotes, drops = catalog.quote(USUAL_REQUEST, model, now)
    may_lose = await _may_lose(context, model, now)
    asked = [
        q for q in quotes if not {q.offer.provider, q.offer.name} & out and (may_lose or not loses(q, model.tariff))
    ]
    route = plan(asked, drops, health.status, Fraction(0))
    return (route.quotes[0].offer, str(route.quotes[0].expected)) if route.quotes else (None, "")


async def _may_lose(context: JobContext, model: Model, now: datetime) -> bool:
    """Return False once the model's losses of the day have reached max_loss_usd_per_day."""
    most = model.max_loss_per_day
    if most is None:
        return True
    lost, _ = await context.db.read(partial(lost_since, day=day_of(now)))
    return lost.get(model.name, ZERO) < most
