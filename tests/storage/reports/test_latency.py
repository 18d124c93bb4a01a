"""The 95th percentile of the times to the first token."""

from datetime import timedelta
from functools import partial

import pytest

from engine.chat import Usage
from engine.money import Money
from storage.database.database import Database
from storage.reports.latency import Latency, active_offers, latency
from tests.builders import attempt, journaled, spent
from tests.storage.books import NOW

MINUTE = timedelta(minutes=1)


async def answered(db: Database, *waits: int, model: str = "m", ago: timedelta = MINUTE) -> None:
    for number, wait in enumerate(waits):
        await db.write(
            spent(
                1,
                Money(1),
                NOW - ago,
                outcome="answered",
                request_id=f"{model}{ago}{number}",
                provider="deepseek",
                model=model,
                usage=Usage(1, 1),
                cost=Money(1),
                first_token_ms=wait,
                duration_ms=wait,
            )
        )


async def measured(db: Database, start: timedelta = 10 * MINUTE, end: timedelta = timedelta(0)) -> Latency | None:
    return await db.read(partial(latency, provider="deepseek", model="m", start=NOW - start, end=NOW - end))


@pytest.mark.parametrize(("count", "p95"), [(1, 1), (19, 19), (20, 19), (21, 20), (40, 38)])
async def test_one_answer_of_twenty_waits_longer(db: Database, count: int, p95: int) -> None:
    await answered(db, *range(1, count + 1))
    assert await measured(db) == Latency(p95, count)


async def test_only_this_offers_answers_of_the_span_count(db: Database) -> None:
    await answered(db, 100)
    await answered(db, 900, model="other")
    await answered(db, 900, ago=11 * MINUTE)
    await db.write(
        journaled(
            attempt(
                outcome="cut",
                kept=False,
                started_at=NOW - MINUTE,
                request_id="f",
                provider="deepseek",
                model="m",
                first_token_ms=900,
            )
        )
    )
    assert await measured(db) == Latency(100, 1)
    assert await measured(db, MINUTE - timedelta(seconds=1)) is None
    assert await measured(db, end=MINUTE) is None


async def test_offers_that_answered_lately(db: Database) -> None:
    await answered(db, 1)
    await answered(db, 1, model="old", ago=11 * MINUTE)
    assert await db.read(partial(active_offers, since=NOW - 10 * MINUTE)) == [("deepseek", "m")]
