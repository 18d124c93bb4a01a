"""Recovery without traffic: where a rest is over and nobody has tried since, one real one-token prompt."""

import logging
import uuid

from engine.catalog.offers import Offer
from engine.gateway.probes import probe
from scheduler.context import JobContext
from scheduler.job import Job

log = logging.getLogger(__name__)


async def run(desk: JobContext) -> None:
    health, providers = desk.market.health, desk.market.providers
    await _refused_keys(desk)
    for name in health.due_probes():
        offer = cheapest(desk, name)
        if offer is None:
            continue
        if health.is_locked_out(name):
            # A refused key is asked about for free first: a real prompt only when that says it is mended.
            try:
                await providers[name].probe(0)
            except Exception as error:  # noqa: BLE001 - not mended yet, whatever it says
                log.debug("%s is not mended yet: %s", name, error)
                continue
            health.restore(name)
        failed = await probe(desk.market, offer, f"probe:{uuid.uuid4().hex}")
        log.info("probed %s: %s", name, failed or "answers")


async def _refused_keys(desk: JobContext) -> None:
    """One refused key of several: asked about for free, back in turn when it is mended."""
    health, providers = desk.market.health, desk.market.providers
    for name, key in health.refused_keys():
        if health.is_locked_out(name):
            continue
        try:
            await providers[name].probe(key)
        except Exception as error:  # noqa: BLE001 - not mended yet, whatever it says
            log.debug("a key of %s is not mended yet: %s", name, error)
        else:
            health.restore(name, key)


def cheapest(desk: JobContext, provider: str) -> Offer | None:
    """What a probe costs least with."""
    catalog, now = desk.market.catalog, desk.clock.now()
    priced = [
        (price.rates(0).input + price.rates(0).output, offer.model, offer)
        for offer in catalog.offers_of(provider)
        if (price := catalog.book.price(offer.provider, offer.model, now)) is not None
    ]
    return min(priced)[2] if priced else None


JOB = Job("probe_providers", "probes", run)
