"""Chats as Procrastinate's jobs: dead workers, deleted workers. test_chat_queue.py tests the queue's promises."""

import asyncio
import gc
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.telegram.chat_jobs import ChatJobs
from tests.storage.conftest import Server


class Worked:
    """The chats for which the worker was called; each call lasts until `free` is set."""

    def __init__(self) -> None:
        self.chats: list[str] = []
        self.free = asyncio.Event()

    async def __call__(self, chat_key: str) -> None:
        self.chats.append(chat_key)
        await self.free.wait()


@pytest.fixture
async def db(postgres_server: Server, postgres_template: str) -> AsyncIterator[Database]:
    url = postgres_server.create(f"t{uuid.uuid4().hex}", postgres_template)
    async with open_database(url) as opened:
        yield opened


@pytest.fixture
async def jobs(db: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[ChatJobs, Worked]]:
    monkeypatch.setattr("storage.telegram.chat_jobs.RESTART_SECONDS", 0.01)
    worked, started = Worked(), ChatJobs(db.url)
    await started.start(worked)
    yield started, worked
    worked.free.set()
    await started.stop()


async def until(condition: Any, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def test_chat_has_one_waiting_job_and_one_running(db: Database, jobs: tuple[ChatJobs, Worked]) -> None:
    queue, worked = jobs
    await db.write(lambda conn: queue.enqueue(conn, ["10:0"]))
    await until(lambda: worked.chats == ["10:0"])

    def unit(conn: Connection) -> None:
        for _ in range(3):
            queue.enqueue(conn, ["10:0", "11:0", "10:0"])

    await db.write(unit)
    await until(lambda: worked.chats == ["10:0", "11:0"])
    worked.free.set()
    await until(lambda: sorted(worked.chats) == ["10:0", "10:0", "11:0"])
    await until(lambda: not queue._worker or not queue._worker._running_jobs)
    assert await db.read(lambda conn: conn.rows("SELECT * FROM procrastinate_jobs")) == []


async def test_failed_transaction_queues_nothing(db: Database, jobs: tuple[ChatJobs, Worked]) -> None:
    queue, worked = jobs

    def unit(conn: Any) -> None:
        queue.enqueue(conn, ["10:0"])
        raise ValueError("rolled back")

    with pytest.raises(ValueError, match="rolled back"):
        await db.write(unit)
    await db.write(lambda conn: queue.enqueue(conn, ["11:0"]))
    await until(lambda: worked.chats == ["11:0"])


async def test_jobs_of_a_dead_worker_are_deleted_once(db: Database, jobs: tuple[ChatJobs, Worked]) -> None:
    queue, worked = jobs
    await db.write(lambda conn: queue.enqueue(conn, ["10:0"]))
    await until(lambda: worked.chats == ["10:0"])
    await db.write(
        lambda conn: conn.run("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'")
    )
    assert await queue.rescue() == 1
    assert await queue.rescue() == 0


async def test_freed_chat_may_be_worked_on_at_once(db: Database, jobs: tuple[ChatJobs, Worked]) -> None:
    queue, worked = jobs
    await db.write(lambda conn: queue.enqueue(conn, ["10:0"]))
    await until(lambda: worked.chats == ["10:0"])

    def unit(conn: Connection) -> None:
        queue.free(conn, ["10:0"])
        queue.enqueue(conn, ["10:0"])

    await db.write(unit)
    await until(lambda: worked.chats == ["10:0", "10:0"])


async def test_worker_whose_row_was_deleted_starts_again(db: Database, jobs: tuple[ChatJobs, Worked]) -> None:
    queue, worked = jobs
    worked.free.set()
    await db.write(lambda conn: queue.enqueue(conn, ["10:0"]))
    await until(lambda: worked.chats == ["10:0"])
    await db.write(lambda conn: conn.run("DELETE FROM procrastinate_workers"))
    await db.write(lambda conn: queue.enqueue(conn, ["11:0"]))
    await until(lambda: worked.chats == ["10:0", "11:0"])


async def test_end_of_a_job_that_another_replica_deleted_is_no_error(
    db: Database, jobs: tuple[ChatJobs, Worked], caplog: pytest.LogCaptureFixture
) -> None:
    queue, worked = jobs
    errors: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
    await db.write(lambda conn: queue.enqueue(conn, ["10:0"]))
    await until(lambda: worked.chats == ["10:0"])
    await db.write(lambda conn: queue.free(conn, ["10:0"]))
    worked.free.set()
    await until(lambda: not queue._worker or not queue._worker._running_jobs)
    gc.collect()
    assert errors == []
    assert caplog.messages == []
