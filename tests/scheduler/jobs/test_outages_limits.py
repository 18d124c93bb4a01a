"""The alert about a rate limit that fell."""

from engine.catalog.offers import Offer
from engine.errors import RateLimited
from engine.routing.health import Health, Permit
from scheduler.context import JobContext
from scheduler.jobs import outages
from tests.scheduler.conftest import HandClock, Notifications


async def test_fallen_limit_names_its_offer_once(
    context: JobContext, clock: HandClock, notifier: Notifications
) -> None:
    health = context.market.health
    for accepted in (20, 10):
        for _ in range(accepted):
            health.succeeded(_permit(health), 100)
        clock.move(seconds=1)
        if accepted == 10:
            health.failed(_permit(health), RateLimited(retry_after_seconds=1))
        clock.move(seconds=61)
    for _ in range(2):
        await outages.run(context)
    (text,) = notifier.texts
    assert text.startswith("📉 deepseek/m answers 429 at 10 requests/min; it took 20 before.")


def _permit(health: Health) -> Permit:
    permit = health.admit(Offer("deepseek", "m"))
    assert isinstance(permit, Permit)
    return permit
