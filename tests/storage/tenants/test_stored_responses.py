from dataclasses import replace
from datetime import timedelta
from typing import Any

from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import stored_responses
from storage.tenants.stored_responses import MOST_TURNS, StoredResponse
from tests.storage.books import NOW


def said(text: str) -> list[Any]:
    return [{"type": "message", "content": text}]


def response(name: str, previous: str | None = None, tenant: int = 1) -> StoredResponse:
    return StoredResponse(name, tenant, previous, said(f"{name}?"), said(f"{name}!"), f'{{"id": "{name}"}}')


def texts(items: list[Any] | None) -> str:
    return " ".join(item["content"] for item in items or [])


async def test_response_is_loaded_by_its_tenant_only(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored_responses.store(conn, response("a"), NOW)
        assert stored_responses.load(conn, 1, "a") == response("a")
        assert stored_responses.load(conn, 2, "a") is None
        assert not stored_responses.delete(conn, 2, "a")
        assert stored_responses.delete(conn, 1, "a")
        assert stored_responses.load(conn, 1, "a") is None
        assert not stored_responses.delete(conn, 1, "a")

    await db.write(unit)


async def test_history_is_the_whole_conversation_oldest_first(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for name, previous in (("a", None), ("b", "a"), ("c", "b"), ("other", "a")):
            stored_responses.store(conn, response(name, previous), NOW)
        assert texts(stored_responses.history(conn, 1, "c")) == "a? a! b? b! c? c!"
        assert texts(stored_responses.history(conn, 1, "other")) == "a? a! other? other!"
        assert stored_responses.history(conn, 2, "c") is None
        assert stored_responses.history(conn, 1, "unknown") is None
        stored_responses.delete(conn, 1, "a")
        assert texts(stored_responses.history(conn, 1, "c")) == "b? b! c? c!"

    await db.write(unit)


async def test_history_does_not_cross_tenants_and_is_bounded(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored_responses.store(conn, response("secret", tenant=2), NOW)
        stored_responses.store(conn, response("mine", "secret"), NOW)
        assert texts(stored_responses.history(conn, 1, "mine")) == "mine? mine!"
        stored_responses.store(conn, response("loop", "loop"), NOW)
        assert len(stored_responses.history(conn, 1, "loop") or []) == 2 * MOST_TURNS

    await db.write(unit)


async def test_old_responses_are_swept_in_chunks(db: Database) -> None:
    def unit(conn: Connection) -> None:
        for number in range(5):
            stored_responses.store(conn, response(f"old-{number}"), NOW - timedelta(days=31))
        stored_responses.store(conn, response("new"), NOW - timedelta(days=29))
        before = NOW - timedelta(days=30)
        assert [stored_responses.sweep(conn, before, 3) for _ in range(3)] == [3, 2, 0]
        assert stored_responses.load(conn, 1, "new") is not None

    await db.write(unit)


async def test_export_and_deletion_concern_one_tenant(db: Database) -> None:
    def unit(conn: Connection) -> None:
        stored_responses.store(conn, response("a"), NOW)
        stored_responses.store(conn, replace(response("b"), tenant_id=2), NOW)
        assert stored_responses.everything(conn, 1) == [{"id": "a", "input": said("a?"), "output": said("a!")}]
        assert stored_responses.forget(conn, 1) == 1
        assert stored_responses.everything(conn, 1) == []
        assert stored_responses.load(conn, 2, "b") is not None

    await db.write(unit)
