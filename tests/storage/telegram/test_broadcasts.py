from storage.database.connection import Connection
from storage.database.database import Database
from storage.telegram import broadcasts
from storage.tenants import tenant_settings, tenants
from tests.storage.books import FREE, NOW, tenant


def person(conn: Connection, user: int, access: str = tenants.ADMITTED) -> int:
    return tenants.create(conn, f"P{user}", FREE, now=NOW, telegram_user_id=user, access=access)


async def test_broadcast_goes_to_all_reachable_tenants(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ids = [person(conn, user) for user in (1, 2, 3, 4)]
        person(conn, 5, tenants.PENDING)
        tenant_settings.set_blocked(conn, 2, True)
        tenant_settings.set_banned(conn, ids[2], True)
        tenant(conn)  # a tenant without Telegram
        assert broadcasts.recipient_count(conn) == 2
        assert broadcasts.next_recipients(conn, 0, 10) == [(ids[0], 1), (ids[3], 4)]

    await db.write(unit)


async def test_broadcast_continues_after_the_last_recipient_and_ends_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ids = [person(conn, user) for user in (1, 2)]
        number = broadcasts.draft(conn, "Hello", 9, NOW)
        assert broadcasts.sending(conn) is None
        assert broadcasts.decide(conn, number, "sending")
        assert not broadcasts.decide(conn, number, "dropped")
        broadcasts.record_delivery(conn, number, ids[0], arrived=True)
        under_way = broadcasts.sending(conn)
        assert under_way is not None
        assert broadcasts.next_recipients(conn, under_way.after_id, 10) == [(ids[1], 2)]
        broadcasts.record_delivery(conn, number, ids[1], arrived=False)
        done = broadcasts.finish(conn, number)
        assert done is not None
        assert (done.sent, done.missed, done.missed_ids) == (1, 1, (ids[1],))
        assert broadcasts.missed_names(conn, done) == ["P2"]
        assert broadcasts.finish(conn, number) is None

    await db.write(unit)


async def test_only_the_first_missed_tenants_are_named(db: Database) -> None:
    def unit(conn: Connection) -> None:
        number = broadcasts.draft(conn, "Hello", 9, NOW)
        broadcasts.decide(conn, number, "sending")
        for number_of in (*range(1, broadcasts.MOST_NAMED + 4), 1):
            broadcasts.record_delivery(conn, number, number_of, arrived=False)
        done = broadcasts.finish(conn, number)
        assert done is not None
        assert (done.missed, done.missed_ids) == (broadcasts.MOST_NAMED + 4, tuple(range(1, broadcasts.MOST_NAMED + 1)))

    await db.write(unit)
