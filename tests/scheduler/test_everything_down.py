"""The alert that no provider answers."""

from dataclasses import replace

from engine.catalog.offers import Model, Offer
from engine.errors import RateLimited, Unreachable
from engine.routing.health import Permit
from engine.tenancy import Flat
from scheduler.context import JobContext
from scheduler.everything_down import report_everything_down
from scheduler.jobs import outages
from scheduler.publishing import publish
from tests.builders import attempt, journaled
from tests.scheduler.conftest import NAMES, HandClock, Journal, Notifications


async def check(context: JobContext) -> None:
    await report_everything_down(context, context.clock.now())
    await publish(context, context.clock.now())


def selling(context: JobContext, **models: str) -> JobContext:
    """Return a context that sells these models, each with one offer."""
    sold = {name: Model(name, (Offer.named(offer),), Flat(10**12)) for name, offer in models.items()}
    return replace(context, market=replace(context.market, catalog=replace(context.market.catalog, models=sold)))


def fail(context: JobContext, error: Exception, *names: str, times: int = 1) -> None:
    health = context.market.health
    for name in names:
        for _ in range(times):
            permit = health.admit(Offer(name, "m"))
            assert isinstance(permit, Permit)
            health.failed(permit, error)  # type: ignore[arg-type]


async def test_prompt_that_failed_everywhere_is_reported_within_one_run(
    context: JobContext, journal: Journal, clock: HandClock, notifier: Notifications
) -> None:
    await journal.failed("none", "no_provider", status=None)
    first = clock.now()
    clock.move(minutes=1)
    await check(context)
    (alert,) = notifier.texts
    assert alert.startswith(
        f"🚨 Everything is down: 1 prompt failed at every provider since {first:%d %b %Y, %H:%M} UTC."
    )
    clock.move(minutes=3)
    await journal.answered("gemini")
    await check(context)
    assert "answered again, after 3 min" in notifier.texts[1]


async def test_all_providers_resting_is_reported_without_traffic(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    fail(context, Unreachable("gone"), *NAMES, times=5)
    await check(context)
    await check(context)
    (alert,) = notifier.texts
    assert "every provider is resting or out of service" in alert
    clock.move(seconds=90)
    await check(context)
    assert "answered again" in notifier.texts[1]


async def test_offers_that_are_down_by_the_journal_are_all_a_model_has(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    """This process has attempted nothing itself."""
    for name, outcome in zip(NAMES, ("key_refused", "overloaded", "overloaded"), strict=True):
        await journal.failed(name, outcome, times=5)
    await outages.run(context)
    down = [text for text in notifier.texts if "Everything is down" in text]
    assert len(down) == 1
    assert "deepseek: key refused\ngemini/m: overloaded\nopenai/m: overloaded" in down[0]
    await journal.answered("gemini")
    await outages.run(context)
    assert len([text for text in notifier.texts if "answered again" in text]) == 1


async def test_one_model_without_an_offer_is_named(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    context = selling(context, smart="openai/m", auto="gemini/m")
    await journal.failed("openai", times=5)
    await journal.answered("openai", model="other")
    await outages.run(context)
    down, outage = notifier.texts
    assert outage.startswith("🔴 openai/m is down: overloaded, 5 failures")
    assert down.startswith("🚨 Everything is down: every offer of smart is resting or out of service.")


async def test_rest_that_prompts_wait_for_is_not_everything_down(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    context = selling(context, auto="openai/m")
    fail(context, RateLimited(retry_after_seconds=1), "openai")
    await check(context)
    assert notifier.texts == []
    clock.move(minutes=1)
    fail(context, RateLimited(retry_after_seconds=30), "openai")
    await check(context)
    assert len(notifier.texts) == 1


async def test_drained_offer_is_not_in_service(context: JobContext, notifier: Notifications) -> None:
    context = selling(context, auto="openai/m")
    context.market.health.drain("openai")
    await check(context)
    assert notifier.texts == []


async def test_prompt_for_a_single_offer_that_failed_is_not_everything(
    context: JobContext, journal: Journal, notifier: Notifications
) -> None:
    async def failed_everywhere(provider: str) -> None:
        number = journal.number + 1
        journal.number = number
        for ordinal, name in enumerate((provider, "none")):
            record = attempt(
                request_id=f"r{number}",
                asked=f"{provider}/m",
                provider=name,
                outcome="overloaded",
                started_at=journal.clock.at,
                ordinal=ordinal,
            )
            await journal.db.write(journaled(record))

    await failed_everywhere("openai")
    await check(context)
    assert notifier.texts == []
    for provider in NAMES:
        await failed_everywhere(provider)
    await check(context)
    assert notifier.texts[0].startswith("🚨 Everything is down: 4 prompts failed")
