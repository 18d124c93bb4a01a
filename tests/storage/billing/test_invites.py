import asyncio

from storage.billing import invites
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenants
from tests.storage.books import FREE, NOW


def stranger(conn: Connection, user: int) -> int:
    return tenants.create(conn, "Stranger", FREE, now=NOW, telegram_user_id=user, access=tenants.PENDING)


def is_in(conn: Connection, tenant_id: int) -> bool:
    state = tenants.state(conn, tenant_id)
    assert state is not None
    return state.is_in


async def test_an_invitation_lets_one_stranger_in(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = stranger(conn, 1), stranger(conn, 2)
        (code,) = invites.make(conn, 1, made_by=9, now=NOW)
        assert invites.enter(conn, ann, code, NOW).amount is not None
        assert invites.enter(conn, bao, code, NOW).amount is None
        assert (is_in(conn, ann), is_in(conn, bao)) == (True, False)

    await db.write(unit)


async def test_of_ten_strangers_who_race_one_comes_in(db: Database) -> None:
    ids = [await db.write(lambda conn, n=n: stranger(conn, n)) for n in range(1, 11)]  # type: ignore[misc]
    (code,) = await db.write(lambda conn: invites.make(conn, 1, made_by=9, now=NOW))
    await asyncio.gather(*(db.write(lambda conn, each=each: invites.enter(conn, each, code, NOW)) for each in ids))  # type: ignore[misc]
    assert sum([await db.read(lambda conn, each=each: is_in(conn, each)) for each in ids]) == 1  # type: ignore[misc]


async def test_who_waits_is_shut_out_of_the_engine_and_not_banned(db: Database) -> None:
    def unit(conn: Connection) -> None:
        state = tenants.state(conn, stranger(conn, 1))
        assert state is not None
        assert not state.banned
        assert state.tenant({"free": FREE}).banned

    await db.write(unit)


async def test_an_invitation_fits_a_deep_link(db: Database) -> None:
    (code,) = await db.write(lambda conn: invites.make(conn, 1, made_by=9, now=NOW))
    assert len(code) <= 64
    assert code.isalnum()
