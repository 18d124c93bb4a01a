from datetime import timedelta

from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports import attempt_order
from storage.reports.journal import JournaledAttempt
from tests.storage.reports.attempts import NOON, attempt, write

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


async def test_attempts_before_a_step_of_the_clock_end_before_the_later_ones(db: Database) -> None:
    def unit(conn: Connection) -> list[JournaledAttempt]:
        write(conn, attempt("first", started_at=NOON + 2 * HOUR))
        write(conn, attempt("second", started_at=NOON + 2 * HOUR + SECOND))
        write(conn, attempt("third", started_at=NOON))
        return attempt_order.attempts_of(conn, "deepseek", ("deepseek-v4-flash",), NOON - HOUR, NOON + 5 * SECOND)

    first, second, third = await db.write(unit)
    assert [each.request_id for each in (first, second, third)] == ["first", "second", "third"]
    assert third.began_at == NOON
    assert first.ended_at < second.ended_at <= third.began_at
    assert second.began_at - first.began_at == SECOND
    assert second.first_token_at is not None
    assert (second.first_token_at - second.began_at).total_seconds() == 0.3


async def test_times_that_differ_little_are_kept(db: Database) -> None:
    """The clocks of replicas differ, and an answer may last long."""

    def unit(conn: Connection) -> list[JournaledAttempt]:
        write(conn, attempt("ahead", started_at=NOON + 20 * SECOND))
        write(conn, attempt("long", started_at=NOON - 90 * SECOND, duration_ms=90_000))
        return attempt_order.attempts_of(conn, "deepseek", (), NOON - HOUR, NOON)

    assert [each.began_at for each in await db.write(unit)] == [NOON + 20 * SECOND, NOON - 90 * SECOND]
