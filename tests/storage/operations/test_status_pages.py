"""The stored statuses of the providers' public pages."""

from datetime import timedelta
from functools import partial

from storage.database.database import Database
from storage.operations.status_pages import CURRENT, PageStatus, current, store
from tests.storage.books import NOW

MAJOR = PageStatus("major", "Elevated errors")


async def test_status_is_current_for_a_while(db: Database) -> None:
    await db.write(partial(store, provider="deepseek", status=MAJOR, now=NOW))
    assert await db.read(partial(current, now=NOW + CURRENT)) == {"deepseek": MAJOR}
    assert await db.read(partial(current, now=NOW + CURRENT + timedelta(seconds=1))) == {}


async def test_page_that_cant_be_read_has_no_status(db: Database) -> None:
    await db.write(partial(store, provider="deepseek", status=MAJOR, now=NOW))
    await db.write(partial(store, provider="deepseek", status=None, now=NOW))
    assert await db.read(partial(current, now=NOW)) == {}


def test_only_no_indicator_is_well() -> None:
    assert PageStatus("none", "").is_well
    assert not MAJOR.is_well
