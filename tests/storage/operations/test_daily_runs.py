from datetime import UTC, datetime

from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations import daily_runs


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


async def test_job_that_never_ran_is_due_at_any_hour(db: Database) -> None:
    assert await db.read(lambda conn: daily_runs.due(conn, "backup", at(24, 0)))


async def test_run_recorded_by_a_clock_that_was_ahead_does_not_count(db: Database) -> None:
    def unit(conn: Connection) -> None:
        daily_runs.record(conn, "backup", at(26, 0))
        assert daily_runs.due(conn, "backup", at(24, 23))
        assert not daily_runs.due(conn, "backup", at(25, 23, 59))  # the clock of another replica may differ

    await db.write(unit)


async def test_job_is_due_once_a_utc_day_from_three_on(db: Database) -> None:
    def unit(conn: Connection) -> None:
        daily_runs.record(conn, "backup", at(24, 1))
        assert not daily_runs.due(conn, "backup", at(24, 23, 59))
        assert not daily_runs.due(conn, "backup", at(25, 2, 59))
        assert daily_runs.due(conn, "backup", at(25, 3))
        assert daily_runs.due(conn, "backup", at(30, 23, 59))
        daily_runs.record(conn, "backup", at(25, 3))
        assert not daily_runs.due(conn, "backup", at(25, 3))
        assert daily_runs.due(conn, "audit", at(25, 0))

    await db.write(unit)
