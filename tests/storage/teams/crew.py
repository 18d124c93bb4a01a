"""A team for tests: its owner Ann, and Bao as a member."""

from engine.money import Money
from storage.database.connection import Connection
from storage.ledger import transfers
from storage.teams import members, teams
from storage.tenants import tenants
from tests.storage.books import FREE, NOW


def crew(conn: Connection, usd: str = "0", *, limit: str | None = None) -> tuple[int, int, int]:
    """Return the ids of a team with this much money, of its owner, and of a member with this limit."""
    ann = tenants.create(conn, "Ann", FREE, now=NOW, telegram_user_id=1001)
    bao = tenants.create(conn, "Bao", FREE, now=NOW, telegram_user_id=1002)
    team = teams.create(conn, ann, "Tea house", FREE, NOW)
    assert team is not None
    assert members.join(conn, team, bao, None if limit is None else Money.usd(limit), NOW)
    if usd != "0":
        transfers.credit(conn, team, Money.usd(usd), ref=f"gift:{team}", reason="test", now=NOW)
    return team, ann, bao
