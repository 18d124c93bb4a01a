"""Probes after a cooldown without traffic: one real prompt of one token, or a free call for a refused key.

An outage that this process has not noticed is probed too: after a restart no provider rests here, and without traffic
the end of the outage would remain unnoticed.
"""

import logging
import uuid

from engine.catalog.offers import Offer
from engine.gateway.probes import probe
from engine.routing.provider_health import State
from scheduler.context import JobContext
from scheduler.job import Job, Misfire
from scheduler.outage_facts import OUTAGE_KINDS
from storage.alerts import incidents

log = logging.getLogger(__name__)


async def run(context: JobContext) -> None:
    await _probe_refused_keys(context)
    for name in context.market.health.locked_out():
        await _probe_locked_out(context, name)
    due = context.market.health.due_probes()
    for offer in (*due, *[each for each in await _reported_out(context) if each not in due]):
        await _probe(context, offer)


async def _reported_out(context: JobContext) -> list[Offer]:
    """Return the offers with an open incident that this process's health counts as in service."""
    health, providers = context.market.health, context.market.providers
    known = [each for each in await context.db.read(incidents.all_open) if each.kind in OUTAGE_KINDS]
    offers = {_offer_of(context, each.subject) for each in known if each.subject.partition("/")[0] in providers}
    return [each for each in offers if each is not None and health.offer_state(each).state is State.CLOSED]


def _offer_of(context: JobContext, subject: str) -> Offer | None:
    """Return the offer of an incident, or its provider's cheapest offer."""
    return Offer.named(subject) if "/" in subject else cheapest_offer(context, subject)


async def _probe_locked_out(context: JobContext, name: str) -> None:
    """Probe, for free, a provider without a key in service; if that succeeds, send a real prompt."""
    try:
        await context.market.providers[name].probe(0)
    except Exception as error:  # noqa: BLE001 - any error means that it still refuses
        log.debug("%s still refuses: %s", name, error)
        return
    context.market.health.restore(name)
    offer = cheapest_offer(context, name)
    if offer is not None:
        await _probe(context, offer)


async def _probe(context: JobContext, offer: Offer) -> None:
    failed = await probe(context.market, offer, f"probe:{uuid.uuid4().hex}")
    log.info("probed %s: %s", offer.name, failed or "answers")


async def _probe_refused_keys(context: JobContext) -> None:
    """Probe, for free, each refused key of a provider whose other keys work; use it again once it is accepted."""
    health, providers = context.market.health, context.market.providers
    for name, key in health.refused_keys():
        if health.is_locked_out(name):
            continue
        try:
            await providers[name].probe(key)
        except Exception as error:  # noqa: BLE001 - any error means that it still refuses
            log.debug("%s still refuses a key: %s", name, error)
        else:
            health.restore(name, key)


def cheapest_offer(context: JobContext, provider: str) -> Offer | None:
    """Return the cheapest offer of `provider`; None if no price is known."""
    catalog, now = context.market.catalog, context.clock.now()
    priced = [
        (price.rates(0).input + price.rates(0).output, offer.model, offer)
        for offer in catalog.offers_of(provider)
        if (price := catalog.book.price(offer.provider, offer.model, now)) is not None
    ]
    return min(priced)[2] if priced else None


JOB = Job("probe_providers", "probes", run, Misfire.SKIP)
