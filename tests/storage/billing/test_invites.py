import asyncio

from storage.billing import invites
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenants
from tests.storage.books import FREE, NOW


def pending_tenant(conn: Connection, user: int) -> int:
    return tenants.create(conn, "Pending", FREE, now=NOW, telegram_user_id=user, access=tenants.PENDING)


def has_access(conn: Connection, tenant_id: int) -> bool:
    state = tenants.state(conn, tenant_id)
    assert state is not None
    return state.is_admitted


async def test_invite_gives_access_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = pending_tenant(conn, 1), pending_tenant(conn, 2)
        (code,) = invites.make(conn, 1, made_by=9, now=NOW)
        assert invites.enter(conn, ann, code, NOW).amount is not None
        assert invites.enter(conn, bao, code, NOW).amount is None
        assert (has_access(conn, ann), has_access(conn, bao)) == (True, False)

    await db.write(unit)


async def test_of_ten_racing_tenants_one_gets_access(db: Database) -> None:
    ids = [await db.write(lambda conn, n=n: pending_tenant(conn, n)) for n in range(1, 11)]  # type: ignore[misc]
    (code,) = await db.write(lambda conn: invites.make(conn, 1, made_by=9, now=NOW))
    await asyncio.gather(*(db.write(lambda conn, each=each: invites.enter(conn, each, code, NOW)) for each in ids))  # type: ignore[misc]
    assert sum([await db.read(lambda conn, each=each: has_access(conn, each)) for each in ids]) == 1  # type: ignore[misc]


async def test_pending_tenant_is_refused_but_not_banned(db: Database) -> None:
    def unit(conn: Connection) -> None:
        state = tenants.state(conn, pending_tenant(conn, 1))
        assert state is not None
        assert not state.banned
        assert state.tenant({"free": FREE}).banned

    await db.write(unit)


async def test_invite_fits_a_deep_link(db: Database) -> None:
    (code,) = await db.write(lambda conn: invites.make(conn, 1, made_by=9, now=NOW))
    assert len(code) <= 64
    assert code.isalnum()
