"""The end of a provider's outage, for its offers and for the incident itself."""

from dataclasses import replace
from typing import cast

import pytest

from engine.catalog.offers import Offer
from engine.ports import Provider
from scheduler.context import JobContext
from scheduler.jobs import outages
from storage.alerts import incidents
from tests.scheduler.conftest import ADMIN, HandClock, Journal, Notifications, StandInProvider


def first_lines(notifier: Notifications) -> list[str]:
    return [text.splitlines()[0] for text in notifier.texts]


async def test_failures_of_a_provider_that_is_back_open_no_incident_of_its_offers(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await journal.failed("openai", times=5)
    await journal.failed("openai", times=5, model="other")
    await outages.run(context)
    await journal.answered("openai")
    await outages.run(context)
    alert, back = notifier.messages.values()
    assert back.reply_to == (ADMIN, 1)
    assert (alert.text.split(":")[0], back.text[:16]) == ("🔴 openai is down", "🟢 openai is back")
    await journal.failed("openai", model="other")
    await outages.run(context)
    assert first_lines(notifier)[2] == "🔴 openai/other is down: overloaded, 6 failures"


async def test_incident_of_a_provider_without_a_key_is_closed(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    await journal.failed("deepseek", times=5)
    await outages.run(context)
    sellers = {**context.market.providers, "deepseek": cast("Provider", StandInProvider("deepseek", keys=0))}
    await outages.run(replace(context, market=replace(context.market, providers=sellers)))
    assert await context.db.read(incidents.all_open) == []
    _, ended = notifier.messages.values()
    assert ended.reply_to == (ADMIN, 1)
    assert ended.text == "⚪ deepseek/m is no longer configured. Its incident is closed."


@pytest.mark.parametrize("minutes", [0, 5, 30, 120])
@pytest.mark.parametrize("subject", ["gemini", "gemini/other"])
async def test_incident_of_an_offer_or_a_provider_that_was_removed_is_closed_for_good(
    context: JobContext, journal: Journal, notifier: Notifications, clock: HandClock, subject: str, minutes: int
) -> None:
    """A later failure, of a prompt that asks for it by its name, continues the outage from before the removal."""
    market = context.market
    auto = market.catalog.models["auto"]
    offers = (*auto.offers, Offer("gemini", "other"))
    listing = replace(
        context, market=replace(market, catalog=replace(market.catalog, models={"auto": replace(auto, offers=offers)}))
    )
    if "/" in subject:
        await journal.answered("gemini")
        await journal.failed("gemini", times=5, model="other")
    else:
        await journal.failed("gemini", "unreachable", times=5, status=None)
    await outages.run(listing)
    assert [each.subject for each in await context.db.read(incidents.all_open)] == [subject]
    kept = tuple(offer for offer in offers if subject not in (offer.name, offer.provider))
    smaller = {"auto": replace(auto, offers=kept)}
    removed = replace(context, market=replace(market, catalog=replace(market.catalog, models=smaller)))
    await outages.run(removed)
    clock.move(minutes=minutes)
    if "/" in subject:
        await journal.failed("gemini", model="other")
    else:
        await journal.failed("gemini", "unreachable", status=None)
    await outages.run(removed)
    _, ended = notifier.texts
    assert ended.startswith(f"⚪ {subject} is no longer configured.")


async def test_incident_of_an_offer_that_was_never_listed_stays_open(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    """A tenant asks for it by its name."""
    await journal.answered("gemini")
    await journal.failed("gemini", times=5, model="named")
    for _ in range(2):
        await outages.run(context)
    assert [each.subject for each in await context.db.read(incidents.all_open)] == ["gemini/named"]
    assert len(notifier.texts) == 1
