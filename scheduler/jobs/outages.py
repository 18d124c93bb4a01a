"""Alerts about providers and offers that are down or avoided, from the journal of all processes.

An offer is down if its attempts would open its breaker, a provider if the failures concern all its offers. Refused keys
and an empty balance are separate incidents, reported at once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from engine.catalog.offers import Offer
from scheduler.admin_notices import tell_admins_once
from scheduler.context import JobContext
from scheduler.everything_down import RECENT, report_everything_down
from scheduler.incidents import REPLY, close_silently, report, resolve
from scheduler.job import Job, Misfire
from scheduler.journal_replay import OfferReplay, ProviderReplay, RecentAttempts, longest_answer, replay
from scheduler.outage_facts import (
    AVOIDED_WINDOW,
    OFFER_AVOIDED,
    OFFER_DOWN,
    OUTAGE_KINDS,
    PROVIDER_DOWN,
    PROVIDER_KINDS,
    avoided_facts,
    is_in_service,
    is_listed,
    minutes_between,
    outage_facts,
    recovery_values,
)
from scheduler.publishing import publish
from storage.alerts import clock_changes, incidents
from storage.alerts.incidents import Incident
from storage.database.connection import Connection
from storage.reports import attempt_order, journal

LOOK_BACK = timedelta(hours=6)
AVOIDED_LEAST, AVOIDED_SHARE = 20, 0.05
"""Attempts within AVOIDED_WINDOW, and the share of them whose failure makes an offer avoided."""
OF_PROVIDERS = (*OUTAGE_KINDS, OFFER_AVOIDED, "balance_low", "offer_slow")
"""The kinds of incidents whose subject is a provider or an offer."""
OVER_LEAST = 10
"""The number of attempts within AVOIDED_WINDOW that can show that an offer is no longer avoided."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A provider's health, derived from the journal. All attempts that began until `complete_until` are journaled."""

    name: str
    found: ProviderReplay
    complete_until: datetime


async def run(context: JobContext) -> None:
    """Report each provider with its offers, then all providers together, then rate limits that fell."""
    now = context.clock.now()
    if await context.db.read(partial(clock_changes.are_ahead, now=now)):
        await context.db.write(partial(clock_changes.pull_back, now=now))
    await _close_removed(context, now)
    known = [each for each in await context.db.read(incidents.all_open) if each.kind in (*OUTAGE_KINDS, OFFER_AVOIDED)]
    for name in context.market.providers:
        own = [each for each in known if each.subject.partition("/")[0] == name]
        reading = await context.db.read(lambda conn, name=name, own=own: _read(context, conn, name, own, now))  # type: ignore[misc]
        if reading is not None:
            await _report_provider(context, reading, own, now)
    await report_everything_down(context, now)
    await publish(context, now)
    await _report_limits(context, now)


async def _close_removed(context: JobContext, now: datetime) -> None:
    """Close the incidents of providers and offers that are no longer configured, and say so."""
    for each in await context.db.read(incidents.all_open):
        was_listed = each.facts.get("listed", False)
        if each.kind not in OF_PROVIDERS or (
            is_in_service(context, each.subject) and (not was_listed or is_listed(context, each.subject))
        ):
            continue
        await resolve(context, each.kind, each.subject, {"subject": each.subject, REPLY: "alert.removed"}, now)


def _read(context: JobContext, conn: Connection, name: str, known: list[Incident], now: datetime) -> Reading | None:
    """Replay the journal of a provider; None if nothing failed recently and no incident is open."""
    models = set(journal.failing_models(conn, name, now - RECENT))
    if not models and not known:
        return None
    models |= {each.subject.partition("/")[2] for each in known} - {""}
    attempts = attempt_order.attempts_of(conn, name, sorted(models), now - LOOK_BACK, now)
    requests = journal.open_requests(conn, now - longest_answer(attempts, context.market.policy))
    found = replay(attempts, requests, context.failures_to_open, context.market.policy)
    return Reading(name, found, min((each.began_at for each in requests), default=now))


async def _report_provider(context: JobContext, reading: Reading, known: list[Incident], now: datetime) -> None:
    name, found = reading.name, reading.found
    if not context.market.providers[name].keys:
        return
    kind = _provider_kind(context, reading)
    if kind is not None:
        offers = [each for each in known if each.kind == OFFER_DOWN and kind == PROVIDER_DOWN]
        facts = await outage_facts(context, name, found.failures(), now)
        await report(context, kind, name, facts, now, grown_from=min(offers, key=lambda each: each.id, default=None))
        return
    await _report_single_keys(context, name, now)
    if found.has_recovered:
        for each in known:
            if each.kind in PROVIDER_KINDS:
                await _resolve_outage(context, each, found.good_at, now)
    for each in known:
        if each.kind == OFFER_AVOIDED and each.subject.partition("/")[2] not in found.offers:
            await close_silently(context, each.kind, each.subject, now)
    for model, offer in found.offers.items():
        own = [each for each in known if each.subject == f"{name}/{model}"]
        await _report_offer(context, reading, Offer(name, model), offer, own, now)


def _provider_kind(context: JobContext, reading: Reading) -> str | None:
    """Return the kind of the provider's incident; None if the failures don't concern all its offers."""
    refused = reading.found.refused
    if refused and len(refused) >= context.market.providers[reading.name].keys:
        return refused[-1].outcome
    return PROVIDER_DOWN if reading.found.is_down else None


async def _report_offer(
    context: JobContext, reading: Reading, offer: Offer, found: OfferReplay, known: list[Incident], now: datetime
) -> None:
    """Report that an offer is down or avoided, or that this has ended."""
    if found.is_down:
        if not known and not found.has_failed_since(reading.found.health.breaker.closed_at):
            return  # the failures were part of its provider's outage, which has ended; a probe follows soon
        facts = await outage_facts(context, offer.name, reading.found.failures(offer.model), now)
        await report(context, OFFER_DOWN, offer.name, facts, now)
        return
    for each in known:
        if each.kind == OFFER_DOWN and found.has_recovered:
            await _resolve_outage(context, each, found.good_at, now)
    recent = found.recent(now - AVOIDED_WINDOW, reading.complete_until)
    if _is_avoided(recent) and not reading.found.was_down_since(offer.model, now - AVOIDED_WINDOW):
        await report(context, OFFER_AVOIDED, offer.name, await avoided_facts(context, offer, recent, now), now)
    elif any(each.kind == OFFER_AVOIDED for each in known) and _is_over(recent):
        (opened_at,) = (each.opened_at for each in known if each.kind == OFFER_AVOIDED)
        values = {"offer": offer.name, "minutes": minutes_between(opened_at, now)}
        await resolve(context, OFFER_AVOIDED, offer.name, values, now)


def _is_avoided(recent: RecentAttempts) -> bool:
    return recent.count >= AVOIDED_LEAST and recent.failed_between > AVOIDED_SHARE * recent.count


def _is_over(recent: RecentAttempts) -> bool:
    return recent.count >= OVER_LEAST and recent.failed <= AVOIDED_SHARE * recent.count


async def _resolve_outage(context: JobContext, known: Incident, good_at: datetime | None, now: datetime) -> None:
    back_at = max(good_at or now, known.opened_at)
    await resolve(context, known.kind, known.subject, await recovery_values(context, known, back_at), now)


async def _report_single_keys(context: JobContext, name: str, now: datetime) -> None:
    """Report, once a day, a key that fails while the provider's other keys work."""
    if context.market.providers[name].keys < 2:  # noqa: PLR2004 - with one key it is an outage
        return
    for outcome in await context.db.read(lambda conn: journal.operator_failures(conn, name, now - RECENT)):
        key = f"key:{name}:{outcome}:{now:%Y-%m-%d}"
        await tell_admins_once(context, key, "alert.one_key", {"provider": name, "error": outcome})


async def _report_limits(context: JobContext, now: datetime) -> None:
    """Report a rate limit that fell, once a day even if several replicas have learned it."""
    for fact in context.market.health.limit_facts():
        offer = f"{fact.provider}/{fact.model}"
        key = f"limit:{offer}:{fact.now_per_minute}:{now:%Y-%m-%d}"
        values = {"offer": offer, "now": fact.now_per_minute, "before": fact.before_per_minute}
        await tell_admins_once(context, key, "alert.limit_fell", values)


JOB = Job("outages", "outages", run, Misfire.SKIP)
