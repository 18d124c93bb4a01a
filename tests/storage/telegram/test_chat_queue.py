"""The promises of the intake, in both forms: one process with SQLite, and replicas with PostgreSQL's jobs.

Each update is handled once and in the order of its chat, even if replicas die or are frozen meanwhile.
"""

import asyncio
import shutil
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.context import claimed_update
from bot.updates.intake import Intake
from storage.database.connection import Connection, ms, scalar
from storage.database.database import Database, open_database
from storage.database.leases import Lease
from storage.telegram import inbox
from storage.telegram.chat_jobs import ChatJobs
from tests.storage.conftest import Server, postgres_server, postgres_template, sqlite_template

__all__ = ["postgres_server", "postgres_template", "sqlite_template"]

BOT, CHATS, EACH = 1, 4, 5


class Now:
    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    @staticmethod
    def monotonic() -> float:
        return time.monotonic()


def message(number: int, chat: int, **more: Any) -> dict[str, Any]:
    return {"update_id": number, "message": {"chat": {"id": chat}, "from": {"id": chat}, "text": f"n{number}", **more}}


@dataclass
class Answers:
    """The committed answers, in order: (replica, chat, update)."""

    made: list[tuple[str, int, int]] = field(default_factory=list)
    begun: list[tuple[str, int]] = field(default_factory=list)

    def of(self, chat: int) -> list[int]:
        return [update for _, of_chat, update in self.made if of_chat == chat]


@dataclass
class Replica:
    """An intake with a lease of its own. A handler commits its answer with the update, like the bot."""

    name: str
    db: Database
    answers: Answers
    jobs: ChatJobs | None
    seconds: float = 0.01
    hangs: asyncio.Event | None = None

    async def start(self) -> None:
        self.lease = Lease(self.db, Now(), lease_seconds=600)  # not renewed
        await self.lease.renew()
        self.intake = Intake(self.db, BOT, self.lease.id, Now(), self._handle, lambda _: None, self.jobs)
        await self.intake.start()

    async def _handle(self, update: dict[str, Any]) -> None:
        claimed = claimed_update.get()
        assert claimed is not None
        self.answers.begun.append((self.name, claimed.update_id))
        if self.hangs is not None:
            await self.hangs.wait()
        await asyncio.sleep(self.seconds)
        if await self.db.write(lambda conn: inbox.finish_all(conn, claimed, Now.now())):
            chat = update.get("message", {}).get("chat", {}).get("id", 0)
            self.answers.made.append((self.name, chat, claimed.update_id))

    async def stop(self) -> None:
        self.intake.close()
        if self.hangs is not None:
            self.hangs.set()
        await self.intake.finish()

    async def expire(self) -> None:
        """Let the lease expire, as if the process were frozen and took no job."""
        if self.jobs is not None:
            self.jobs.close()
        gone = ms(Now.now() - timedelta(minutes=1))
        await self.db.write(
            lambda conn: conn.run("UPDATE leases SET expires_at = :at WHERE id = :id", at=gone, id=self.lease.id)
        )


New = Callable[[str], Awaitable[Replica]]


@pytest.fixture(params=["sqlite", "postgresql", "postgresql jobs"])
async def replica(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[New]:
    """Yield a function that starts a replica by name; all are stopped at the end."""
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "bot.db")
        url = f"sqlite:///{tmp_path}/bot.db"
    else:
        server: Server = request.getfixturevalue("postgres_server")
        url = server.create(f"t{uuid.uuid4().hex}", request.getfixturevalue("postgres_template"))
    started: list[Replica] = []
    answers = Answers()
    async with open_database(url) as db:

        async def new(name: str) -> Replica:
            jobs = ChatJobs(url) if request.param == "postgresql jobs" else None
            started.append(Replica(name, db, answers, jobs))
            await started[-1].start()
            return started[-1]

        yield new
        for each in started:
            await each.stop()


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def undone(db: Database) -> int:
    def count(conn: Connection) -> int:
        return int(scalar(conn, "SELECT count(*) FROM inbox WHERE state <> 'done'"))

    return await db.read(count)


async def test_each_update_is_answered_once_and_in_order_whichever_replica_stored_it(replica: New) -> None:
    one, two = await replica("one"), await replica("two")
    answers = one.answers
    for number in range(CHATS * EACH):
        update = message(number, 10 + number % CHATS)
        await asyncio.gather(*(each.intake.store([update]) for each in (one, two)))  # Telegram has repeated it
    while await undone(one.db):
        await asyncio.gather(one.intake.take_up(), two.intake.take_up())
        await asyncio.sleep(0.02)
    await until(lambda: len(answers.made) >= CHATS * EACH)  # an answer is noted a moment after its commit
    for chat in range(CHATS):
        assert answers.of(10 + chat) == list(range(chat, CHATS * EACH, CHATS))
    assert len(answers.begun) == CHATS * EACH


async def test_update_that_arrives_while_its_chat_is_busy_is_handled_next(replica: New) -> None:
    one, two = await replica("one"), await replica("two")
    one.hangs = two.hangs = asyncio.Event()
    await one.intake.store([message(1, 10)])
    await until(lambda: bool(one.answers.begun))
    await two.intake.store([message(2, 10)])
    await asyncio.sleep(0.05)
    assert len(one.answers.begun) == 1
    one.hangs.set()
    await until(lambda: one.answers.of(10) == [1, 2])


async def test_payments_and_stop_do_not_wait_for_the_chat(replica: New) -> None:
    one = await replica("one")
    one.hangs = asyncio.Event()
    await one.intake.store([message(1, 10), message(2, 10, successful_payment={}), {"update_id": 3}])
    await until(lambda: {update for _, update in one.answers.begun} == {1, 2, 3})


async def test_updates_of_a_dead_replica_are_answered_by_another(replica: New) -> None:
    one = await replica("one")
    one.hangs = asyncio.Event()
    await one.intake.store([message(1, 10), message(2, 10), message(3, 11)])
    await until(lambda: len(one.answers.begun) == 2)
    await one.expire()
    two = await replica("two")
    await two.intake.take_up()
    await until(lambda: two.answers.of(10) == [1, 2] and two.answers.of(11) == [3])
    assert {name for name, _, _ in two.answers.made} == {"two"}


async def test_replica_that_stood_still_answers_nothing_that_another_took_over(replica: New) -> None:
    one = await replica("one")
    one.hangs = asyncio.Event()
    await one.intake.store([message(1, 10)])
    await until(lambda: bool(one.answers.begun))
    await one.expire()
    two = await replica("two")
    await two.intake.take_up()
    await until(lambda: two.answers.of(10) == [1])
    one.hangs.set()  # it continues before it notices
    await asyncio.sleep(0.05)
    assert one.answers.made == [("two", 10, 1)]


async def test_handling_that_was_taken_over_is_cancelled_and_the_rest_goes_on(replica: New) -> None:
    one = await replica("one")
    one.hangs = asyncio.Event()
    await one.intake.store([message(1, 10), message(2, 11)])
    await until(lambda: len(one.answers.begun) == 2)
    await one.db.write(lambda conn: conn.run("UPDATE inbox SET state = 'new' WHERE update_id = 1"))
    await one.intake.drop_lost()
    one.hangs.set()
    await until(lambda: one.answers.of(11) == [2])
    await until(lambda: not one.intake._workers)
    assert one.answers.of(10) == []


async def test_update_whose_process_died_after_the_commit_is_answered(replica: New) -> None:
    one = await replica("one")
    one.intake.close()
    await one.intake.store([message(1, 10)])
    two = await replica("two")
    await two.intake.take_up()
    await until(lambda: two.answers.of(10) == [1])
