import asyncio
from datetime import timedelta

import pytest

from storage.alerts import incidents
from storage.alerts.incidents import Incident
from storage.database.connection import Connection
from storage.database.database import Database
from tests.storage.books import NOW

MINUTE, MS = timedelta(minutes=1), timedelta(milliseconds=1)


def begin(conn: Connection, subject: str = "deepseek", minutes: int = 0) -> int:
    number = incidents.begin(conn, "provider_down", subject, {"failures": 5}, NOW + minutes * MINUTE)
    assert number is not None
    return number


def opened(conn: Connection, subject: str = "deepseek") -> Incident:
    found = incidents.find_open(conn, "provider_down", subject)
    assert found is not None
    return found


async def test_incident_is_read_as_it_was_begun(db: Database) -> None:
    def unit(conn: Connection) -> None:
        number = begin(conn)
        found = opened(conn)
        assert (found.id, found.facts) == (number, {"failures": 5})
        assert (found.opened_at, found.seen_at, found.closed_at) == (NOW, NOW, None)
        assert (found.acknowledged, found.muted_until < NOW) == (False, True)

    await db.write(unit)


async def test_one_incident_is_open_per_kind_and_subject(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first = begin(conn)
        assert incidents.begin(conn, "provider_down", "deepseek", {}, NOW) is None
        second = begin(conn, "gemini")
        assert incidents.begin(conn, "key_refused", "deepseek", {}, NOW) is not None
        assert [each.id for each in incidents.all_open(conn)][:2] == [first, second]
        assert incidents.find_open(conn, "key_refused", "gemini") is None

    await db.write(unit)


async def test_of_racing_processes_one_opens_the_incident(db: Database) -> None:
    def open_incident(conn: Connection) -> int | None:
        return incidents.begin(conn, "all_down", "", {}, NOW)

    numbers = await asyncio.gather(*(db.write(open_incident) for _ in range(10)))
    assert sum(number is not None for number in numbers) == 1


async def test_changes_are_stored(db: Database) -> None:
    def unit(conn: Connection) -> Incident:
        number = begin(conn)
        incidents.update(conn, number, {"failures": 9}, NOW + MINUTE)
        incidents.mute(conn, [number], NOW + 60 * MINUTE)
        incidents.acknowledge(conn, [number], "Olga")
        incidents.acknowledge(conn, [number], "Max")
        return opened(conn)

    found = await db.write(unit)
    assert (found.facts, found.seen_at, found.opened_at) == ({"failures": 9}, NOW + MINUTE, NOW)
    assert found.acknowledged
    assert found.muted_until == NOW + 60 * MINUTE


async def test_incident_is_closed_and_reopened_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        number = begin(conn)
        assert not incidents.reopen(conn, number)
        assert incidents.close(conn, number, NOW + MINUTE)
        assert not incidents.close(conn, number, NOW + 2 * MINUTE)
        assert incidents.find_open(conn, "provider_down", "deepseek") is None
        assert incidents.all_open(conn) == []
        assert incidents.reopen(conn, number)
        assert not incidents.reopen(conn, number)
        assert opened(conn).closed_at is None

    await db.write(unit)


@pytest.mark.parametrize(("after", "found"), [(timedelta(0), True), (-MS, True), (MS, False)])
async def test_only_recently_closed_incident_is_the_same(db: Database, after: timedelta, found: bool) -> None:
    def unit(conn: Connection) -> Incident | None:
        incidents.close(conn, begin(conn), NOW)
        assert incidents.latest_closed(conn, "provider_down", "gemini", NOW) is None
        return incidents.latest_closed(conn, "provider_down", "deepseek", NOW + after)

    assert (await db.write(unit) is not None) is found


async def test_open_incident_is_not_the_latest_closed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first = begin(conn)
        incidents.close(conn, first, NOW)
        second = begin(conn)
        assert incidents.close(conn, second, NOW + MINUTE)
        third = begin(conn)
        latest = incidents.latest_closed(conn, "provider_down", "deepseek", NOW)
        assert latest is not None
        assert (latest.id, opened(conn).id) == (second, third)

    await db.write(unit)


async def test_incidents_are_listed_by_their_opening(db: Database) -> None:
    def unit(conn: Connection) -> None:
        numbers = [begin(conn, name, minutes) for minutes, name in enumerate(("a", "b", "c"))]
        incidents.close(conn, numbers[0], NOW)
        span = (NOW, NOW + 2 * MINUTE)
        assert [each.id for each in incidents.opened_in(conn, *span)] == numbers[:2]
        assert [each.id for each in incidents.opened_in(conn, NOW + MS, NOW + 2 * MINUTE + MS)] == numbers[1:]

    await db.write(unit)
