from datetime import timedelta

from storage.database.connection import Connection, row
from storage.database.database import Database
from storage.telegram import outbox
from tests.storage.books import NOW
from tests.storage.telegram.test_questions import answered, found, made

MS = timedelta(milliseconds=1)


def payloads(conn: Connection, request_id: str, lease_id: str) -> list[str]:
    return [part.payload for part in outbox.parts(conn, request_id, lease_id)]


async def test_parts_of_an_answer_are_stored_once_and_in_order(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for _ in range(2):
            outbox.put(conn, "r", 9, ["one", "two"], "L", NOW)
        first, second = outbox.parts(conn, "r", "L")
        assert (first.payload, second.payload, first.chat_id, first.request_id) == ("one", "two", 9, "r")

    await db.write(unit)


async def test_finished_part_is_not_sent_again_and_has_no_payload(db: Database) -> None:
    def unit(conn: Connection) -> None:
        outbox.put(conn, "r", 9, ["one", "two", "three"], "L", NOW)
        first, second, _ = outbox.parts(conn, "r", "L")
        outbox.finish(conn, first.id, "sent", NOW)
        outbox.finish(conn, second.id, "dropped", NOW)
        assert payloads(conn, "r", "L") == ["three"]
        for part, state in ((first, "sent"), (second, "dropped")):
            found = row(conn, "SELECT * FROM outbox WHERE id = :id", id=part.id)
            assert found is not None
            assert (found["state"], found["payload"]) == (state, "")

    await db.write(unit)


async def test_parts_are_those_of_one_answer_and_process(db: Database) -> None:
    def unit(conn: Connection) -> None:
        outbox.put(conn, "a", 9, ["one"], "L", NOW)
        outbox.put(conn, "b", 9, ["two"], "L", NOW)
        assert payloads(conn, "a", "L") == ["one"]
        assert payloads(conn, "a", "other") == []

    await db.write(unit)


async def test_only_unsent_answers_of_dead_processes_are_adopted(db: Database) -> None:
    def is_dead(lease_id: str) -> bool:
        return lease_id.startswith("dead")

    def unit(conn: Connection) -> None:
        outbox.put(conn, "later", 9, ["left"], "dead2", NOW)
        outbox.put(conn, "first", 9, ["left", "too"], "dead1", NOW)
        outbox.put(conn, "sent", 9, ["gone"], "dead1", NOW)
        outbox.put(conn, "living", 9, ["going out"], "alive", NOW)
        (sent,) = outbox.parts(conn, "sent", "dead1")
        outbox.finish(conn, sent.id, "sent", NOW)
        assert outbox.adopt(conn, is_dead, "own") == ["later", "first"]
        assert outbox.adopt(conn, is_dead, "other") == []
        assert payloads(conn, "first", "own") == ["left", "too"]
        assert payloads(conn, "living", "alive") == ["going out"]

    await db.write(unit)


async def test_answers_of_this_process_are_not_adopted(db: Database) -> None:
    def unit(conn: Connection) -> list[str]:
        outbox.put(conn, "r", 9, ["one"], "own", NOW)
        return outbox.adopt(conn, lambda _: True, "own")

    assert await db.write(unit) == []


async def test_only_finished_parts_are_swept_after_their_time(db: Database) -> None:
    def unit(conn: Connection) -> None:
        outbox.put(conn, "r", 9, ["one", "two", "unsent"], "L", NOW)
        for part in outbox.parts(conn, "r", "L")[:2]:
            outbox.finish(conn, part.id, "sent", NOW)
        assert outbox.sweep(conn, NOW) == 0
        assert [outbox.sweep(conn, NOW + MS, limit=1) for _ in range(3)] == [1, 1, 0]
        assert payloads(conn, "r", "L") == ["unsent"]

    await db.write(unit)


async def test_look_finds_unsent_answers_of_other_processes(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert not outbox.has_others(conn, "L")
        outbox.put(conn, "r", 9, ["one"], "L", NOW)
        assert not outbox.has_others(conn, "L")
        assert outbox.has_others(conn, "another")
        outbox.finish(conn, outbox.parts(conn, "r", "L")[0].id, "sent", NOW)
        assert not outbox.has_others(conn, "another")

    await db.write(unit)


async def test_messages_of_the_answer_that_stands_are_noted(db: Database) -> None:
    def unit(conn: Connection) -> None:
        record = made(conn)
        answered(conn, record, 1)
        for message in (20, 21, 20):
            outbox.note_message(conn, "tg:7:1", message)
        outbox.note_message(conn, "tg:7:404", 22)
        assert found(conn, record).answer_message_ids == (20, 21)
        answered(conn, record, 2)
        assert found(conn, record).answer_message_ids == ()

    await db.write(unit)
