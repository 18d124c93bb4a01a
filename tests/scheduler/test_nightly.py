from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from engine.chat import Role, says
from engine.gateway.market import Market
from locales.button import Button
from scheduler.context import JobContext
from scheduler.jobs import audit as audit_job
from scheduler.jobs import backup as backup_job
from scheduler.jobs import prune
from scheduler.ports import LoggingNotifier, Sent
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.operations import idempotency
from storage.operations.audit import audited_point
from storage.telegram import conversations, inbox, outbox
from storage.telegram.inbox import IncomingUpdate
from tests.storage.books import DOUBLE, NOW, FixedClock, bid, pay, take, tenant
from tests.storage.shop import STAR


class Remembers(LoggingNotifier):
    """What the admins were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Mapping[str, object]]] = []

    async def tell_admins(self, key: str, values: Mapping[str, object], buttons: Sequence[Button] = ()) -> list[Sent]:
        assert not buttons
        self.told.append((key, values))
        return []


def desk_of(db: Database, clock: FixedClock, **more: Any) -> tuple[JobContext, Remembers]:
    notifier = Remembers()
    market = cast(Market, None)  # no job of the night asks for it
    desk = JobContext(db, market, {}, notifier, clock, "L", per_star=STAR, payout_per_star=STAR, **more)
    return desk, notifier


def answered(conn: Connection) -> int:
    asked = bid(tenant(conn, "1"), tariff=DOUBLE)
    pay(conn, asked, take(conn, asked))
    return asked.tenant_id


async def test_a_clean_night_says_nothing_and_moves_the_audited_point(db: Database) -> None:
    await db.write(answered)
    desk, notifier = desk_of(db, FixedClock(NOW + timedelta(hours=1)))
    await audit_job.run(desk)
    assert notifier.told == []
    assert (await db.read(audited_point)).transfer == 2


async def test_unsound_books_are_told_once_a_day_and_the_point_stays(db: Database) -> None:
    owner = await db.write(answered)
    await db.write(
        lambda conn: conn.run(
            "UPDATE accounts SET balance_nanousd = balance_nanousd + 1 WHERE tenant_id = :id", id=owner
        )
    )
    clock = FixedClock(NOW + timedelta(hours=1))
    desk, notifier = desk_of(db, clock)
    for _ in range(3):
        await audit_job.run(desk)
    assert [key for key, _ in notifier.told] == ["alert.audit"]
    assert (await db.read(audited_point)).transfer == 0
    clock.move(timedelta(days=1))
    await audit_job.run(desk)
    assert len(notifier.told) == 2


async def test_one_backup_a_night(db: Database, tmp_path: Path) -> None:
    clock, folder = FixedClock(), tmp_path / "backups"
    desk, notifier = desk_of(db, clock, backup_folder=folder)
    for _ in range(3):
        await backup_job.run(desk)
    clock.move(timedelta(days=1))
    await backup_job.run(desk)
    assert notifier.told == []
    assert len(list(folder.glob("*.db"))) == (2 if db.dialect == "sqlite" else 0)


async def test_a_backup_that_failed_is_told(db: Database, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    desk, notifier = desk_of(db, FixedClock(), backup_folder=tmp_path / "file")
    await backup_job.run(desk)
    assert [key for key, _ in notifier.told] == (["alert.backup"] if db.dialect == "sqlite" else [])


async def test_only_what_is_over_is_pruned_chunk_by_chunk(db: Database) -> None:
    old, young = NOW - timedelta(days=40), NOW - timedelta(hours=1)

    def fill(conn: Connection) -> None:
        owner = tenant(conn)
        for chat, ended in ((1, old), (2, young), (3, None)):
            said = (says(Role.USER, "hello"), says(Role.ASSISTANT, "good day"))
            for number in range(120):
                conversations.append(conn, chat, 0, owner, f"{chat}-{number}", said, old)
            if ended is not None:
                conversations.reset(conn, chat, 0, ended)
        for number, at in ((1, old), (2, young)):
            inbox.store(conn, 7, [IncomingUpdate(number, "c", "now", "words")], at)
            claimed = inbox.claim(conn, 7, number, "L")
            assert claimed is not None
            inbox.finish(conn, claimed.id, claimed.epoch, at)
            outbox.put(conn, f"r{number}", 1, ["words"], "L", at)
            outbox.finish(conn, outbox.parts(conn, f"r{number}", "L")[0].id, "sent", at)
            idempotency.begin(
                conn, owner, f"k{number}", body_sha256="x", lease_id="L", holder_is_dead=False, request_id="r", now=at
            )
        inbox.store(conn, 7, [IncomingUpdate(3, "c", "now", "an old prompt that waits")], old)

    await db.write(fill)
    desk, _ = desk_of(db, FixedClock())
    await prune.run(desk)

    def left(conn: Connection) -> dict[str, int]:
        tables = ("messages", "conversations", "inbox", "outbox", "idempotency")
        return {table: int(scalar(conn, f"SELECT count(*) AS n FROM {table}")) for table in tables}

    assert await db.read(left) == {"messages": 480, "conversations": 2, "inbox": 2, "outbox": 1, "idempotency": 1}
