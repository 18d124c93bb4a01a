"""Two processes on one PostgreSQL exchange the facts that they learned, with notifications and without."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from main.replicas import exchange as module
from main.replicas.exchange import Exchange
from storage.database.database import Database, open_database
from storage.operations import shared_facts
from tests.storage.conftest import Server, postgres_server, postgres_template

__all__ = ["postgres_server", "postgres_template"]


@dataclass
class Notes:
    """A part whose changes are the notes in `new`."""

    new: list[str] = field(default_factory=list)
    heard: list[tuple[str, float]] = field(default_factory=list)

    def take(self) -> Any:
        new, self.new = self.new, []
        return new

    def apply(self, told: Any, age_seconds: float) -> None:
        self.heard += [(note, age_seconds) for note in told]

    @property
    def words(self) -> list[str]:
        return [note for note, _ in self.heard]


@pytest.fixture
async def db(postgres_server: Server, postgres_template: str) -> AsyncIterator[Database]:
    url = postgres_server.create(f"t{uuid.uuid4().hex}", postgres_template)
    async with open_database(url) as opened:
        yield opened


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_SECONDS", 0.02)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_news_reach_the_others_once_and_not_their_author(db: Database) -> None:
    one, two = Notes(), Notes()
    first = Exchange(db, "one", frozenset({"web", "bot"}), {"notes": one})
    counts: list[int] = []
    second = Exchange(db, "two", frozenset({"bot"}), {"notes": two}, counts.append)
    await first.start()
    await second.start()
    one.new.append("a")
    await until(lambda: two.words == ["a"])
    two.new.append("b")
    await until(lambda: one.words == ["b"])
    await until(lambda: second.count("bot") == 2)
    await asyncio.sleep(0.05)
    assert (one.words, two.words) == (["b"], ["a"])
    assert (second.count("web"), second.count("clock")) == (1, 0)
    assert counts[-1] == 2
    for each in (first, second):
        await each.stop()


async def test_process_that_starts_hears_the_past_and_does_not_repeat_it(db: Database) -> None:
    await db.write(lambda conn: shared_facts.tell(conn, "gone", {"notes": ["old"], "unknown part": 5}))
    notes = Notes()
    late = Exchange(db, "late", frozenset(), {"notes": notes})
    await late.start()
    assert notes.words == ["old"]
    assert 0 <= notes.heard[0][1] < 60
    await late.stop()


async def test_news_arrive_by_polling_where_no_notification_does(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(shared_facts, "CHANNEL", "farthing_deaf")
    notes = Notes()
    deaf = Exchange(db, "deaf", frozenset(), {"notes": notes})
    await deaf.start()
    monkeypatch.setattr(shared_facts, "CHANNEL", "farthing_facts")
    await db.write(lambda conn: shared_facts.tell(conn, "other", {"notes": ["a"]}))
    await until(lambda: notes.words == ["a"])
    await deaf.stop()


async def test_news_are_told_once_the_database_is_back(
    db: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    notes = Notes()
    told = Exchange(db, "one", frozenset(), {"notes": notes})
    await told.start()
    real = shared_facts.tell

    def failing(*_: Any, **__: Any) -> None:
        raise OSError("away")

    monkeypatch.setattr(shared_facts, "tell", failing)
    notes.new.append("late")
    await until(lambda: "could not be sent to the other replicas" in caplog.text)
    monkeypatch.setattr(shared_facts, "tell", real)
    notes.new.append("in time")
    await until(lambda: not notes.new and not told._untold)
    await told.stop()
    found = await db.read(lambda conn: shared_facts.told(conn, "two", 60))
    assert [each.facts["notes"] for each in found if "notes" in each.facts] == [["late"], ["in time"]]


async def test_old_facts_are_deleted(db: Database) -> None:
    await db.write(lambda conn: shared_facts.tell(conn, "one", {"notes": ["a"]}))
    assert await db.write(lambda conn: shared_facts.sweep(conn, 60)) == 0
    await db.write(lambda conn: conn.run("UPDATE shared_facts SET at = at - 61000"))
    assert await db.write(lambda conn: shared_facts.sweep(conn, 60)) == 1
