from datetime import timedelta

import pytest

from engine.attempt_record import ABANDONED, ANSWERED, CLOSING, NO_OFFER, NO_PROVIDER, STOPPED
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports import outcomes, rollups
from storage.reports.outcomes import Outcome
from storage.reports.rollups import BUCKETS_MS
from tests.storage.reports.attempts import NOON, attempt, failure, write

TODAY = NOON.date()
DAY = timedelta(days=1)


def outcome(name: str, provider: str = "deepseek") -> Outcome:
    return Outcome(provider, name, 1, 0, 0, (0,) * len(BUCKETS_MS))


@pytest.mark.parametrize("name", ["overloaded", "timeout", "rate_limited", "key_refused", "cut"])
def test_failures_of_a_provider_are_failures(name: str) -> None:
    assert outcome(name).is_failure
    assert not outcome(name).is_unanswered
    assert outcome(name, NO_OFFER).is_unanswered
    assert not outcome(name, NO_OFFER).is_failure


@pytest.mark.parametrize(
    "name", [ANSWERED, STOPPED, ABANDONED, CLOSING, "bad_request", "unable", "context_too_long", "too_big"]
)
def test_answers_and_faults_of_the_request_are_no_failures(name: str) -> None:
    for provider in ("deepseek", NO_OFFER):
        assert not outcome(name, provider).is_failure
        assert not outcome(name, provider).is_unanswered


@pytest.mark.parametrize("rolled_up", [False, True])
async def test_outcomes_are_counted_per_provider(db: Database, rolled_up: bool) -> None:
    def unit(conn: Connection) -> None:
        for number, first_token_ms in enumerate((250, 251, 10_000, 10_001, None)):
            write(conn, attempt(f"a{number}", first_token_ms=first_token_ms))
        write(conn, failure("b"), failure("c", NO_PROVIDER, provider=NO_OFFER))
        write(conn, attempt("yesterday", started_at=NOON - DAY), attempt("tomorrow", started_at=NOON + DAY))

    await db.write(unit)
    if rolled_up:
        await rollups.catch_up(db)
    assert await db.read(lambda conn: outcomes.rows(conn, TODAY, TODAY)) == [
        Outcome("deepseek", ANSWERED, 5, 4, 20_502, (1, 2, 2, 2, 2, 3)),
        Outcome("deepseek", "overloaded", 1, 0, 0, (0, 0, 0, 0, 0, 0)),
        Outcome(NO_OFFER, NO_PROVIDER, 1, 0, 0, (0, 0, 0, 0, 0, 0)),
    ]
    both = await db.read(lambda conn: outcomes.rows(conn, TODAY - DAY, TODAY + DAY))
    assert both[0].attempts == 7
