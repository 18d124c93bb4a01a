from datetime import timedelta

from storage.alerts import admin_notices, clock_changes, incidents
from storage.alerts.admin_notices import LONGEST_PAUSE
from storage.database.connection import Connection
from storage.database.database import Database
from tests.storage.books import NOW

HOUR = timedelta(hours=1)


async def test_times_in_the_future_become_the_present(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ahead = NOW + 2 * HOUR
        closed = incidents.begin(conn, "provider_down", "gemini", {}, ahead)
        assert closed is not None
        incidents.close(conn, closed, ahead)
        number = incidents.begin(conn, "provider_down", "deepseek", {}, ahead)
        assert number is not None
        incidents.mute(conn, [number], ahead + HOUR)
        admin_notices.queue(conn, "alert.one_key", {}, ahead)
        assert admin_notices.claim(conn, NOW) == []
        assert clock_changes.are_ahead(conn, NOW)
        clock_changes.pull_back(conn, NOW)
        assert not clock_changes.are_ahead(conn, NOW)
        (found,) = incidents.all_open(conn)
        assert (found.opened_at, found.seen_at, found.muted_until) == (NOW, NOW, NOW + HOUR)
        assert incidents.latest_closed(conn, "provider_down", "gemini", NOW) is not None
        assert len(admin_notices.claim(conn, NOW)) == 1

    await db.write(unit)


async def test_usual_times_after_the_present_stay(db: Database) -> None:
    def unit(conn: Connection) -> None:
        number = incidents.begin(conn, "provider_down", "deepseek", {}, NOW)
        assert number is not None
        incidents.mute(conn, [number], NOW + HOUR)
        admin_notices.queue(conn, "alert.one_key", {}, NOW + LONGEST_PAUSE)
        assert not clock_changes.are_ahead(conn, NOW)

    await db.write(unit)
