"""Stored notices to tenants: written in the transaction that decides them, claimed by one process at a time."""

from datetime import timedelta
from functools import partial

import pytest

from engine.money import Money
from storage.alerts import tenant_notices
from storage.alerts.admin_notices import CLAIM, FIRST_PAUSE, KEPT
from storage.alerts.tenant_notices import QueuedNotice, TenantNotice
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import notices
from tests.storage.books import NOW

MS = timedelta(milliseconds=1)
LOW = TenantNotice(5, "alert.wallet_low", {"wallet": Money(7), "at": NOW}, (("button.topup", "topup", "open"),))


async def claimed(db: Database, after: timedelta = timedelta(0), most: int = 20) -> list[QueuedNotice]:
    return await db.write(partial(tenant_notices.claim, now=NOW + after, most=most))


async def queue(db: Database, *found: TenantNotice) -> None:
    await db.write(partial(tenant_notices.queue, found=found, now=NOW))


async def test_notices_are_read_as_they_were_stored_oldest_first(db: Database) -> None:
    await queue(db, LOW, TenantNotice(6, "b", {}))
    await queue(db)
    first, second = await claimed(db)
    assert (first.notice, first.tries, first.made_at) == (LOW, 0, NOW)
    assert second.notice == TenantNotice(6, "b", {})


async def test_notice_is_stored_once_under_its_name(db: Database) -> None:
    def store(conn: Connection, *names: str) -> int:
        return tenant_notices.queue_once(conn, [TenantNotice(5, name, {}, once=name) for name in names], NOW)

    assert await db.write(partial(store)) == 0
    assert [await db.write(lambda conn: store(conn, "x", "y")), await db.write(lambda conn: store(conn, "y", "z"))] == [
        2,
        1,
    ]
    assert [each.notice.key for each in await claimed(db)] == ["x", "y", "z"]


async def test_notice_and_the_fact_that_it_is_told_are_stored_together(db: Database) -> None:
    def fails(conn: Connection) -> None:
        tenant_notices.queue_once(conn, [TenantNotice(5, "x", {}, once="x")], NOW)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await db.write(fails)
    assert not await db.read(lambda conn: notices.is_known(conn, "x"))
    assert await claimed(db) == []


async def test_claimed_notice_is_left_to_its_process_for_a_while(db: Database) -> None:
    await queue(db, LOW, TenantNotice(6, "b", {}))
    assert [each.notice.user_id for each in await claimed(db, most=1)] == [5]
    assert [each.notice.user_id for each in await claimed(db, CLAIM - MS)] == [6]
    assert [each.notice.user_id for each in await claimed(db, CLAIM)] == [5]


async def test_notice_that_was_put_off_comes_after_the_others(db: Database) -> None:
    await queue(db, LOW, TenantNotice(6, "b", {}))
    (first,) = await claimed(db, most=1)
    assert await db.write(partial(tenant_notices.put_off, queued=first, now=NOW))
    assert [each.notice.user_id for each in await claimed(db, FIRST_PAUSE - MS)] == [6]
    assert [(each.notice.user_id, each.tries) for each in await claimed(db, FIRST_PAUSE)] == [(5, 1)]


async def test_notice_is_given_up_after_a_day(db: Database) -> None:
    await queue(db, LOW)
    (found,) = await claimed(db)
    assert not await db.write(partial(tenant_notices.put_off, queued=found, now=NOW + KEPT))
    assert await claimed(db, KEPT + KEPT) == []


async def test_delivered_notice_is_deleted(db: Database) -> None:
    await queue(db, LOW)
    (found,) = await claimed(db)
    await db.write(partial(tenant_notices.delete, queued=found))
    assert await claimed(db, CLAIM) == []


async def test_waiting_notices_are_counted_since_the_oldest(db: Database) -> None:
    assert await db.read(tenant_notices.waiting) == (0, None)
    await queue(db, LOW, LOW)
    assert await db.read(tenant_notices.waiting) == (2, NOW)


async def test_notices_of_one_user_are_exported_and_deleted(db: Database) -> None:
    await queue(db, LOW, TenantNotice(6, "b", {}))
    exported = await db.read(lambda conn: tenant_notices.everything(conn, 5))
    assert exported == [{"notice": LOW.key, "values": LOW.values, "made_at": NOW}]
    await db.write(lambda conn: tenant_notices.forget(conn, 5))
    assert [each.notice.user_id for each in await claimed(db)] == [6]
