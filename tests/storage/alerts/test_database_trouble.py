"""Trouble with the database, stored after its end."""

from datetime import timedelta

import pytest

from storage.alerts import alert_messages, incidents
from storage.alerts.database_trouble import KIND, SUBJECT, DatabaseTrouble
from storage.database.database import Database
from tests.storage.books import NOW

END = NOW + timedelta(minutes=3)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("database or disk is full", "database or disk is full"),
        ("\n connection `x` failed\nmore\n", "connection 'x' failed"),
        ("", "no answer"),
        ("x" * 300, "x" * 200),
    ],
)
def test_reason_is_one_short_line(error: str, reason: str) -> None:
    assert DatabaseTrouble.begun(NOW, error).reason == reason


async def test_trouble_is_an_incident_that_has_ended_with_the_messages_that_told_it(db: Database) -> None:
    trouble = DatabaseTrouble(NOW, "full", told={9001: 7})
    await db.write(lambda conn: trouble.store(conn, {"recovery": {"minutes": 3}}, END))
    (found,) = await db.read(lambda conn: incidents.opened_in(conn, NOW, END))
    assert (found.kind, found.subject, found.opened_at, found.closed_at) == (KIND, SUBJECT, NOW, END)
    assert found.facts == {"since": NOW, "reason": "full", "recovery": {"minutes": 3}}
    messages = await db.read(lambda conn: alert_messages.of_admin(conn, 9001, [found.id]))
    assert (messages[found.id].message, messages[found.id].reply) == (7, None)


async def test_incident_of_another_process_is_left_alone(db: Database) -> None:
    await db.write(lambda conn: incidents.begin(conn, KIND, SUBJECT, {"reason": "other"}, NOW))
    await db.write(lambda conn: DatabaseTrouble(NOW, "full").store(conn, {}, END))
    (found,) = await db.read(incidents.all_open)
    assert found.facts == {"reason": "other"}
