"""Shared wallets: accounts without free tokens."""

from storage.database.connection import Connection
from storage.database.database import Database
from storage.groups import wallets
from storage.tenants import shared_wallets
from tests.storage.books import FREE, NOW, tenant
from tests.storage.teams.crew import crew


async def test_wallets_of_teams_and_groups_are_shared_and_those_of_people_are_not(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, _ = crew(conn)
        group = wallets.open_wallet(conn, -5, "Tea room", FREE, NOW)
        shared = [shared_wallets.is_shared(conn, each) for each in (team, group.wallet_id, ann, tenant(conn))]
        assert shared == [True, True, False, False]

    await db.write(unit)
