"""Alerts about contradictory usage reports."""

from functools import partial

from engine.attempt_record import ANSWERED, AttemptRecord
from engine.chat import Usage
from scheduler.context import JobContext
from scheduler.jobs import disputed_usage
from storage.ledger import journal
from tests.scheduler.conftest import HandClock, Notifications, context_over


async def answered(context: JobContext, model: str, request_id: str, *, is_disputed: bool) -> None:
    attempt = AttemptRecord(
        request_id=request_id,
        ordinal=1,
        tenant_id=None,
        key_id=None,
        asked="auto",
        provider="groq",
        model=model,
        outcome=ANSWERED,
        started_at=context.clock.now(),
        duration_ms=1,
        usage=Usage(9, 103, is_disputed=is_disputed),
        kept=True,
    )
    await context.db.write(partial(journal.record, attempt=attempt))


async def test_each_offer_is_alerted_once(context: JobContext, clock: HandClock, notifier: Notifications) -> None:
    await answered(context, "right", "a", is_disputed=False)
    await disputed_usage.run(context)
    assert notifier.texts == []
    await answered(context, "wrong", "b", is_disputed=True)
    await answered(context, "wrong", "c", is_disputed=True)
    twin = context_over(context.db, clock, notifier)
    for each in (context, twin, context):
        await disputed_usage.run(each)
    (text,) = notifier.texts
    assert "groq/wrong reports usage that contradicts itself" in text
    assert "2 answers" in text
    await answered(context, "other", "d", is_disputed=True)
    await answered(context, "wrong", "e", is_disputed=True)
    await disputed_usage.run(context)
    assert len(notifier.texts) == 2
    assert "groq/other" in notifier.texts[1]


async def test_older_reports_are_not_alerted(context: JobContext, clock: HandClock, notifier: Notifications) -> None:
    await answered(context, "wrong", "a", is_disputed=True)
    clock.move(hours=1, seconds=1)
    await disputed_usage.run(context)
    assert notifier.texts == []
