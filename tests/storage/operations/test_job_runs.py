from datetime import timedelta

from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations import job_runs
from tests.storage.books import NOW

LATER = NOW + timedelta(minutes=1)


async def test_run_of_one_time_takes_place_once_and_again_where_it_did_not_end(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert job_runs.begin(conn, "j", NOW, LATER)
        assert job_runs.begin(conn, "j", NOW, LATER)  # its process died, so the run is repeated
        job_runs.finish(conn, "j", 1500, LATER)
        assert not job_runs.begin(conn, "j", NOW, LATER)
        assert job_runs.begin(conn, "j", LATER, LATER)
        assert job_runs.latest(conn)["j"].finished_at is None
        job_runs.finish(conn, "j", 20, LATER, "OSError")
        found = job_runs.latest(conn)["j"]
        assert (found.due_at, found.finished_at, found.error) == (LATER, LATER, "OSError")
        assert (found.runs, found.failures, found.duration_ms, found.lateness_ms) == (2, 1, 20, 0)

    await db.write(unit)


async def test_lateness_is_kept(db: Database) -> None:
    def unit(conn: Connection) -> None:
        job_runs.begin(conn, "j", NOW, LATER)
        assert job_runs.latest(conn)["j"].lateness_ms == 60_000

    await db.write(unit)


async def test_run_stored_in_the_future_does_not_count(db: Database) -> None:
    """The clock ran fast when it was stored."""

    def unit(conn: Connection) -> None:
        ahead = NOW + timedelta(days=1)
        assert job_runs.begin(conn, "j", ahead, ahead)
        job_runs.finish(conn, "j", 20, ahead)
        assert job_runs.begin(conn, "j", LATER, NOW)
        job_runs.finish(conn, "j", 20, NOW)
        assert not job_runs.begin(conn, "j", LATER, NOW)

    await db.write(unit)
