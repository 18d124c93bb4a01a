"""The messages of incidents by admin."""

from datetime import timedelta
from functools import partial

from storage.alerts import alert_messages, incidents
from storage.alerts.admin_notices import CLAIM, FIRST_PAUSE
from storage.alerts.alert_messages import AlertMessage, unsent
from storage.database.connection import Connection
from storage.database.database import Database
from tests.storage.books import NOW

MS = timedelta(milliseconds=1)


async def found(db: Database, admin: int = 1) -> dict[int, AlertMessage]:
    return await db.read(partial(alert_messages.of_admin, admin=admin, incidents=[5, 7]))


async def claims(db: Database, after: timedelta = timedelta(0), admin: int = 1) -> bool:
    return await db.write(partial(alert_messages.claim, incident=5, admin=admin, now=NOW + after))


async def test_one_process_claims_a_delivery_for_a_while(db: Database) -> None:
    assert await claims(db)
    assert await claims(db, admin=2)
    assert not await claims(db, CLAIM - MS)
    assert await claims(db, CLAIM)


async def test_message_and_reply_are_stored(db: Database) -> None:
    def unit(conn: Connection) -> None:
        alert_messages.claim(conn, 5, 1, NOW)
        alert_messages.sent(conn, 5, 1, 44, "text")
        alert_messages.replied(conn, 5, 1, 45, "reply")

    await db.write(unit)
    assert await found(db) == {5: AlertMessage(5, 1, 44, "text", 45, "reply", is_lost=False, tries=0)}
    assert await found(db, admin=2) == {}
    assert await claims(db)


async def test_failed_delivery_waits_and_a_lost_admin_is_marked(db: Database) -> None:
    await claims(db)
    await db.write(partial(alert_messages.failed, known=unsent(5, 1), now=NOW))
    assert not await claims(db, FIRST_PAUSE - MS)
    assert await claims(db, FIRST_PAUSE)
    assert (await found(db))[5].tries == 1
    await db.write(partial(alert_messages.lost, incident=5, admin=1))
    assert (await found(db))[5].is_lost
    assert await db.write(partial(alert_messages.retry_lost, admin=1)) == 0, "the incident is over"
    await db.write(lambda conn: [incidents.begin(conn, "k", f"{n}", {}, NOW) for n in range(5)])
    assert await db.write(partial(alert_messages.retry_lost, admin=2)) == 0
    assert await db.write(partial(alert_messages.retry_lost, admin=1)) == 1
    assert (await found(db))[5] == unsent(5, 1)
    assert await claims(db)


async def test_lost_end_of_an_incident_that_was_told_is_sent_again(db: Database) -> None:
    await claims(db)
    await db.write(partial(alert_messages.sent, incident=5, admin=1, message=44, shown="text"))
    await db.write(partial(alert_messages.lost, incident=5, admin=1))
    assert await db.write(partial(alert_messages.retry_lost, admin=1)) == 1


async def test_no_incident_has_no_messages(db: Database) -> None:
    assert await db.read(partial(alert_messages.of_admin, admin=1, incidents=[])) == {}
