"""Answers that no chat accepts."""

from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import outbox, undelivered
from tests.storage.books import NOW, hold_request, pay, take, tenant

ANN = 1001


def charged(conn: Connection, *, shown: bool) -> None:
    asked = hold_request(tenant(conn, "1"))
    pay(conn, asked, take(conn, asked), tokens=150)
    outbox.put(conn, "r1", ANN, ["{}", "{}"], "lease", NOW, user_id=ANN, shown=shown)


def states(conn: Connection) -> list[str]:
    return [each["state"] for each in conn.rows("SELECT state FROM outbox ORDER BY seq")]


async def test_answer_of_which_nothing_was_shown_is_given_back_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        charged(conn, shown=False)
        assert undelivered.give_up(conn, "r1", NOW)
        assert not undelivered.give_up(conn, "r1", NOW)
        assert states(conn) == ["dropped", "dropped"]
        assert outbox.held(conn, ANN) == []

    await db.write(unit)


async def test_answer_of_which_some_was_shown_is_paid_and_kept(db: Database) -> None:
    def unit(conn: Connection) -> None:
        charged(conn, shown=True)
        assert not undelivered.give_up(conn, "r1", NOW)
        assert states(conn) == ["held", "held"]
        assert outbox.held(conn, ANN) == ["r1"]
        assert outbox.release(conn, "r1", ANN + 1, "mine") == 0
        assert outbox.release(conn, "r1", ANN, "mine") == 2
        assert outbox.release(conn, "r1", ANN, "mine") == 0

    await db.write(unit)


async def test_answer_whose_first_part_was_sent_counts_as_shown(db: Database) -> None:
    def unit(conn: Connection) -> None:
        charged(conn, shown=False)
        first, _ = outbox.parts(conn, "r1", "lease")
        outbox.finish(conn, first.id, "sent", NOW)
        assert not undelivered.give_up(conn, "r1", NOW)
        assert states(conn) == ["sent", "held"]

    await db.write(unit)


async def test_forgotten_answers_are_deleted(db: Database) -> None:
    def unit(conn: Connection) -> None:
        charged(conn, shown=True)
        undelivered.give_up(conn, "r1", NOW)
        outbox.forget(conn, ANN)
        assert states(conn) == ["dropped", "dropped"]

    await db.write(unit)
