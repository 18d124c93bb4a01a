"""Failures of a tenant, and of a provider since its last answer."""

from datetime import timedelta
from functools import partial

from storage.database.database import Database
from storage.reports.failures import TenantFailure, failing_since, last_failure_of
from tests.builders import attempt, journaled
from tests.storage.books import NOW

MINUTE = timedelta(minutes=1)


async def attempted(db: Database, outcome: str, minutes_ago: int, tenant: int = 1, model: str = "m") -> None:
    await db.write(
        journaled(
            attempt(
                outcome=outcome,
                kept=outcome == "answered",
                tenant_id=tenant,
                provider="deepseek",
                model=model,
                request_id=f"{outcome}{minutes_ago}{tenant}",
                started_at=NOW - minutes_ago * MINUTE,
            )
        )
    )


async def test_failures_since_the_last_answer(db: Database) -> None:
    since = partial(failing_since, provider="deepseek", since=NOW - 60 * MINUTE)
    await attempted(db, "timeout", 30)
    assert await db.read(since) == NOW - 30 * MINUTE
    await attempted(db, "answered", 20)
    assert await db.read(since) is None
    await attempted(db, "bad_request", 15)
    await attempted(db, "overloaded", 10)
    await attempted(db, "key_refused", 5)
    assert await db.read(since) == NOW - 10 * MINUTE
    assert await db.read(partial(failing_since, provider="deepseek", since=NOW - 7 * MINUTE)) == NOW - 5 * MINUTE
    assert await db.read(partial(failing_since, provider="gemini", since=NOW - 60 * MINUTE)) is None


async def test_last_failure_of_a_tenant(db: Database) -> None:
    assert await db.read(partial(last_failure_of, tenant_id=1)) is None
    await attempted(db, "timeout", 9)
    await attempted(db, "answered", 8)
    await attempted(db, "overloaded", 7, tenant=2)
    found = await db.read(partial(last_failure_of, tenant_id=1))
    assert isinstance(found, TenantFailure)
    assert (found.provider, found.model, found.outcome, found.at) == ("deepseek", "m", "timeout", NOW - 9 * MINUTE)
