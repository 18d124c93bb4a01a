"""Alerts about offers that have become slow, compared with their own times to the first token of the last week."""

from datetime import datetime, timedelta
from functools import partial

from engine.catalog.offers import Offer
from scheduler.context import JobContext
from scheduler.incidents import close_silently, report, resolve
from scheduler.job import Job, Misfire
from scheduler.outage_facts import minutes_between
from storage.alerts import incidents
from storage.alerts.incidents import Incident
from storage.reports.latency import Latency, active_offers, latency

SLOW = "offer_slow"
RECENT, WEEK, QUIET = timedelta(minutes=10), timedelta(days=7), timedelta(hours=1)
LEAST_RECENT, LEAST_BASELINE = 20, 100
"""The least numbers of answers in the recent span and in the baseline."""
TIMES_SLOWER, LEAST_EXTRA_MS = 2, 1000
"""An offer is slow if its 95th percentile is this multiple of its baseline, and at least this much above it."""
TIMES_OVER = 1.5
"""An offer is no longer slow if its 95th percentile is at most this multiple of its baseline."""


async def run(context: JobContext) -> None:
    now = context.clock.now()
    known = {each.subject: each for each in await context.db.read(incidents.all_open) if each.kind == SLOW}
    active = await context.db.read(partial(active_offers, since=now - RECENT))
    for name in dict.fromkeys([*known, *(Offer(*each).name for each in active)]):
        await _check(context, Offer.named(name), known.get(name), now)


async def _check(context: JobContext, offer: Offer, known: Incident | None, now: datetime) -> None:
    before = min(now, known.opened_at if known else now) - RECENT
    of_offer = partial(latency, provider=offer.provider, model=offer.model)
    baseline = await context.db.read(partial(of_offer, start=before - WEEK, end=before))
    recent = await context.db.read(partial(of_offer, start=now - RECENT, end=now))
    if known is not None and (recent is None or recent.answers < LEAST_RECENT or baseline is None):
        if now - known.seen_at >= QUIET:
            await close_silently(context, SLOW, offer.name, now)
        return
    if baseline is None or recent is None or baseline.answers < LEAST_BASELINE or recent.answers < LEAST_RECENT:
        return
    facts = {"offer": offer.name, "now_ms": recent.p95_ms, "usual_ms": baseline.p95_ms}
    if _is_slow(recent, baseline):
        await report(context, SLOW, offer.name, facts, now)
    elif known is not None and recent.p95_ms <= TIMES_OVER * baseline.p95_ms:
        values = {"offer": offer.name, "minutes": minutes_between(known.opened_at, now)}
        await resolve(context, SLOW, offer.name, values, now)


def _is_slow(recent: Latency, baseline: Latency) -> bool:
    return recent.p95_ms >= max(TIMES_SLOWER * baseline.p95_ms, baseline.p95_ms + LEAST_EXTRA_MS)


JOB = Job("slowness", "slowness", run, Misfire.SKIP)
