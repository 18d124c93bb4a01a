"""Changes to a tenant's access and settings."""

from datetime import timedelta
from functools import partial

from storage.database.connection import Connection
from storage.database.database import Database, open_database
from storage.tenants import tenant_settings, tenants
from storage.tenants.tenants import TenantState
from tests.storage.books import FREE, NOW, tenant
from tests.storage.conflicts import run_conflicting
from tests.storage.conftest import Server


def pair(conn: Connection) -> tuple[int, int]:
    """Create two tenants with the Telegram ids 1 and 2; return their ids."""
    first, second = (tenants.create(conn, "T", FREE, now=NOW, telegram_user_id=number) for number in (1, 2))
    return first, second


def states(conn: Connection) -> list[TenantState]:
    return tenants.page(conn, 0, 9)


async def test_ban_and_unban_change_one_tenant(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first, _ = pair(conn)
        tenant_settings.set_banned(conn, first, True)
        assert [each.banned for each in states(conn)] == [True, False]
        tenant_settings.set_banned(conn, first, False)
        assert [each.banned for each in states(conn)] == [False, False]

    await db.write(unit)


async def test_decision_about_access_is_reported_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first, _ = pair(conn)
        assert tenant_settings.set_access(conn, first, tenants.DECLINED)
        assert not tenant_settings.set_access(conn, first, tenants.DECLINED)
        assert [each.access for each in states(conn)] == [tenants.DECLINED, tenants.ADMITTED]
        assert tenant_settings.set_access(conn, first, tenants.ADMITTED)
        assert not tenant_settings.set_access(conn, 99, tenants.DECLINED)

    await db.write(unit)


async def test_user_that_blocks_the_bot_is_marked_until_it_unblocks(db: Database) -> None:
    def unit(conn: Connection) -> None:
        pair(conn)
        tenant_settings.set_blocked(conn, 2, True)
        assert [each.blocked for each in states(conn)] == [False, True]
        tenant_settings.set_blocked(conn, 2, False)
        assert [each.blocked for each in states(conn)] == [False, False]

    await db.write(unit)


async def test_time_of_agreement_changes_with_a_new_version_only(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first, _ = pair(conn)
        later = NOW + timedelta(days=1)
        for version, at in (("1", NOW), ("1", later), ("2", later)):
            tenant_settings.agree_terms(conn, first, version, at)
            state, other = states(conn)
            assert state.agreed_terms == version
            assert state.agreed_terms_at == (NOW if version == "1" else later)
            assert other.agreed_terms_at is None

    await db.write(unit)


async def test_name_is_erased(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first, _ = pair(conn)
        conn.run("UPDATE tenants SET username = 'someone'")
        tenant_settings.forget_name(conn, first)
        assert [(each.name, each.username, each.is_nameless) for each in states(conn)] == [
            ("", "", True),
            ("T", "someone", False),
        ]

    await db.write(unit)


async def test_setting_is_stored_replaced_and_reset(db: Database) -> None:
    def unit(conn: Connection) -> None:
        first, _ = pair(conn)
        change = partial(tenant_settings.set_setting, conn, first)
        change("footer", False)
        change("memory", 5)
        change("memory", 6)
        assert [each.settings for each in states(conn)] == [{"footer": False, "memory": 6}, {}]
        change("footer", None)
        change("never set", None)
        assert states(conn)[0].settings == {"memory": 6}

    await db.write(unit)


async def test_two_settings_stored_at_once_are_both_kept(postgres_server: Server, postgres_template: str) -> None:
    url = postgres_server.create(f"{postgres_template}_settings", postgres_template)
    async with open_database(url) as db:
        owner = await db.write(tenant)
        choose = partial(tenant_settings.set_setting, tenant_id=owner)
        footer, language = partial(choose, key="footer", value=True), partial(choose, key="language", value="vi")
        await run_conflicting(db, footer, language)
        state = await db.read(lambda conn: tenants.state(conn, owner))
    assert state is not None
    assert state.settings == {"footer": True, "language": "vi"}
