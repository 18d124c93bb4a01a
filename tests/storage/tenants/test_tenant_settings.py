"""Changes to a tenant's access and settings."""

from functools import partial

from storage.database.database import open_database
from storage.tenants import tenant_settings, tenants
from tests.storage.books import tenant
from tests.storage.conflicts import run_conflicting
from tests.storage.conftest import Server


async def test_two_settings_stored_at_once_are_both_kept(postgres_server: Server, postgres_template: str) -> None:
    url = postgres_server.create(f"{postgres_template}_settings", postgres_template)
    async with open_database(url) as db:
        owner = await db.write(tenant)
        choose = partial(tenant_settings.set_setting, tenant_id=owner)
        await run_conflicting(
            db, partial(choose, key="footer", value=True), partial(choose, key="language", value="vi")
        )
        state = await db.read(lambda conn: tenants.state(conn, owner))
    assert state is not None
    assert state.settings == {"footer": True, "language": "vi"}
