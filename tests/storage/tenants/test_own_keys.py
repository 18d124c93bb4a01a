"""The number of API keys that a tenant may make at once and a day."""

from datetime import timedelta

from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import api_keys
from storage.tenants.api_keys import ApiKey, KeySettings, TooManyKeys
from tests.storage.books import NOW, tenant
from tests.storage.conflicts import run_conflicting
from tests.storage.kinds import on_postgresql


async def test_tenant_makes_a_limited_number_of_keys_at_once_and_a_day(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = tenant(conn), tenant(conn)
        for _ in range(api_keys.MAX_LIVE):
            assert isinstance(own(conn, ann), ApiKey)
        assert own(conn, ann) is TooManyKeys.LIVE
        for _ in range(api_keys.MOST_A_DAY - api_keys.MAX_LIVE):
            api_keys.revoke(conn, ann, api_keys.list_for(conn, ann, NOW)[0].id, NOW)
            assert isinstance(own(conn, ann), ApiKey)
        api_keys.revoke(conn, ann, api_keys.list_for(conn, ann, NOW)[0].id, NOW)
        assert own(conn, ann) is TooManyKeys.TODAY
        assert isinstance(own(conn, ann, timedelta(days=1)), ApiKey)
        assert isinstance(own(conn, bao), ApiKey)

    await db.write(unit)


def own(conn: Connection, tenant_id: int, later: timedelta = timedelta(0)) -> ApiKey | TooManyKeys:
    return api_keys.add_own(conn, tenant_id, api_keys.new_key(), KeySettings(), NOW + later)


@on_postgresql
async def test_of_two_calls_at_once_only_one_makes_the_last_key(db: Database) -> None:
    def all_but_one(conn: Connection) -> int:
        ann = tenant(conn)
        for _ in range(api_keys.MAX_LIVE - 1):
            own(conn, ann)
        return ann

    ann = await db.write(all_but_one)
    first, second = await run_conflicting(db, lambda conn: own(conn, ann), lambda conn: own(conn, ann))
    assert isinstance(first, ApiKey)
    assert second is TooManyKeys.LIVE
