"""The alert that no answers are possible: a prompt failed at every offer, or every offer of a model is out."""

from datetime import datetime, timedelta
from functools import partial

from engine.catalog.offers import Model, Offer
from engine.routing.early_attempts import MOST_EARLY_WAIT_SECONDS
from engine.routing.health import State
from scheduler.context import JobContext
from scheduler.incidents import IncidentFacts, report, resolve
from scheduler.outage_facts import OUTAGE_KINDS, minutes_between, subjects_out
from storage.alerts import incidents
from storage.reports import journal
from storage.reports.attempt_order import MOST_SKEW
from storage.reports.journal import Unanswered

ALL_DOWN, ALL = "everything_down", "all"
RECENT = timedelta(minutes=10)


async def report_everything_down(context: JobContext, now: datetime) -> None:
    """Report prompts that failed at every provider since the last answer, and models whose offers are all out."""
    until = now + MOST_SKEW
    last_answer, number = await context.db.read(partial(journal.last_answer, until=until))
    since = max(now - RECENT, last_answer or now - RECENT)
    after = 0 if last_answer is not None else number  # the clock was set back since that answer
    unanswered = await _without_an_answer(context, since, until, after)
    failed = sum(each.count for each in unanswered)
    first = min((each.first_at for each in unanswered), default=since)
    models = await _models_out(context)
    if failed or models:
        facts = {
            "count": failed,
            "since": first,
            "states": await _states(context),
            "models": "" if len(models) == len(context.market.catalog.models) else ", ".join(models),
        }
        await report(context, ALL_DOWN, ALL, facts, now)
        return
    known = await context.db.read(partial(incidents.find_open, kind=ALL_DOWN, subject=ALL))
    if known is None:
        return
    has_answered = last_answer is not None and last_answer > known.opened_at
    if has_answered or not known.facts["count"]:
        back_at = last_answer if has_answered and last_answer is not None else now
        await resolve(context, ALL_DOWN, ALL, {"minutes": minutes_between(known.opened_at, back_at)}, now)


async def _without_an_answer(context: JobContext, since: datetime, until: datetime, after: int) -> list[Unanswered]:
    """Return the prompts in [since, until), journaled after the attempt `after`, that failed everywhere.

    A prompt that names a single offer shows only that this offer is out. Such prompts count only if they failed at
    every provider in service.
    """
    found = await context.db.read(partial(journal.failed_everywhere, since=since, until=until, after=after))
    configured = context.market.catalog.models
    chains = [each for each in found if each.asked in configured]
    tried = frozenset[str]().union(*(each.providers for each in found))
    in_service = {name for name, provider in context.market.providers.items() if provider.keys}
    out = {subject for subject in await subjects_out(context) if "/" not in subject}
    drained = {name for name in in_service if context.market.health.state(name).state is State.DRAINED}
    return found if in_service - drained - out <= tried else chains


async def _models_out(context: JobContext) -> list[str]:
    """Return the models with no offer in service, judged by open incidents and by this process's health."""
    out = await subjects_out(context)

    def is_out(model: Model) -> bool:
        offers = [offer for offer in model.offers if _is_in_service(context, offer)]
        return bool(offers) and all({offer.provider, offer.name} & out or _rests(context, offer) for offer in offers)

    return [name for name, model in context.market.catalog.models.items() if is_out(model)]


def _is_in_service(context: JobContext, offer: Offer) -> bool:
    provider = context.market.providers.get(offer.provider)
    return bool(provider and provider.keys) and context.market.health.offer_state(offer).state is not State.DRAINED


def _rests(context: JobContext, offer: Offer) -> bool:
    """Return whether the offer rests for longer than a prompt would wait for it."""
    found = context.market.health.offer_state(offer)
    if found.state not in {State.OPEN, State.RESTING}:
        return False
    return found.until is None or found.until > context.clock.now() + timedelta(seconds=MOST_EARLY_WAIT_SECONDS)


async def _states(context: JobContext) -> str:
    """Return the reason why each provider is out, without seconds, which would change the message with every run."""
    health = context.market.health
    names = [name for name, provider in context.market.providers.items() if provider.keys]
    errors = {
        each.subject: str(each.facts.get("error", "")).replace("_", " ")
        for each in await context.db.read(incidents.all_open)
        if each.kind in OUTAGE_KINDS
    }
    lines = []
    for name in names:
        reason = health.state(name).reason.partition(",")[0]
        own = [f"{subject}: {error}" for subject, error in errors.items() if subject.partition("/")[0] == name]
        lines += own or [f"{name}: {reason or health.status_of(name).value}"]
    return "\n".join(lines)


def all_down_values(facts: IncidentFacts) -> dict[str, object]:
    """Return the values of the message."""
    if facts["count"]:
        key = "alert.failed_everywhere"
    else:
        key = "alert.model_rests" if facts.get("models") else "alert.all_rest"
    values = {name: facts.get(name, "") for name in ("count", "since", "models")}
    return {**facts, "what": {"key": key, "values": values}}
