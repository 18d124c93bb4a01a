"""/jobs: the latest run of each job."""

from datetime import UTC, datetime, timedelta

from storage.alerts import tenant_notices
from storage.alerts.tenant_notices import TenantNotice
from storage.database.connection import Connection
from storage.operations import job_runs
from tests.bot.commands.conftest import OLGA, Chat


async def test_admin_command_is_unknown_to_others(chat: Chat) -> None:
    assert "I don't know that command" in await chat.say("/jobs")


async def test_no_run_yet(chat: Chat) -> None:
    assert await chat.say("/jobs", OLGA) == "No job has run yet."


async def test_runs_are_shown_with_duration_lateness_and_failure(chat: Chat) -> None:
    now = chat.clock.now()

    def unit(conn: Connection) -> None:
        job_runs.begin(conn, "audit", now, now)
        job_runs.finish(conn, "audit", 120, now)
        job_runs.begin(conn, "digest", now - timedelta(seconds=7), now)
        job_runs.begin(conn, "prices", now, now)
        job_runs.finish(conn, "prices", 3, now, "OSError: *no* network")

    await chat.write(unit)
    assert (await chat.say("/jobs", OLGA)).splitlines()[2:] == [
        f"🟢 audit: {now:%H:%M:%S} UTC, took 120 ms",
        f"🔵 digest: {now:%H:%M:%S} UTC, running, 7 s late",
        f"🔴 prices: {now:%H:%M:%S} UTC, failed: OSError: *no* network",
    ]


async def test_notices_that_wait_are_counted(chat: Chat) -> None:
    notices = [TenantNotice(user, "alert.lapsed", {"plan": "pro"}) for user in (1, 2)]
    await chat.write(lambda conn: tenant_notices.queue(conn, notices, datetime(2026, 11, 24, 12, tzinfo=UTC)))
    assert (await chat.say("/jobs", OLGA)).splitlines()[-1] == (
        "2 notices to users wait for delivery, the oldest since 24 Nov 2026, 12:00 UTC."
    )
