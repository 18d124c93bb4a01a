"""Changes by operators, each with its entry in the log."""

from engine.money import Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.operations import operator_actions, operator_log, provider_state
from storage.operations.operator_log import Operator
from storage.tenants import tenant_settings, tenants
from tests.storage.books import FREE, NOW

OLGA = Operator(9001, "Olga")


def logged(conn: Connection) -> list[tuple[str, int | None, str]]:
    return [(each.action, each.tenant_id, each.detail) for each in reversed(operator_log.latest(conn, 10))]


def is_banned(conn: Connection, tenant: int) -> bool:
    state = tenants.state(conn, tenant)
    assert state is not None
    return state.banned


async def test_ban_and_its_end_are_logged(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenants.create(conn, "Ann", FREE, now=NOW)
        operator_actions.ban(conn, OLGA, ann, NOW)
        assert is_banned(conn, ann)
        assert not operator_actions.unban(conn, OLGA, ann, NOW)
        tenant_settings.set_access(conn, ann, tenants.PENDING)
        assert operator_actions.unban(conn, OLGA, ann, NOW)
        assert not is_banned(conn, ann)
        assert logged(conn) == [("ban", ann, ""), ("unban", ann, ""), ("unban", ann, "")]

    await db.write(unit)


async def test_wallet_is_adjusted_once_for_a_reference(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, five = tenants.create(conn, "Ann", FREE, now=NOW), Money.usd("5")
        assert operator_actions.adjust_wallet(conn, OLGA, ann, five, NOW, ref="r")
        assert not operator_actions.adjust_wallet(conn, OLGA, ann, five, NOW, ref="r")
        assert operator_actions.was_adjusted(conn, OLGA, five, ref="r")
        assert not operator_actions.was_adjusted(conn, OLGA, Money.usd("6"), ref="r")
        assert not operator_actions.was_adjusted(conn, Operator(1, ""), five, ref="r")
        assert conn.rows("SELECT balance_nanousd FROM accounts")[0]["balance_nanousd"] == five.nanousd
        assert logged(conn) == [("credit", ann, "5.00")]

    await db.write(unit)


async def test_drained_provider_names_its_operator(db: Database) -> None:
    def unit(conn: Connection) -> None:
        operator_actions.drain(conn, OLGA, "deepseek", NOW, drained=True)
        assert provider_state.drained_by(conn) == {"deepseek": "Olga"}
        operator_actions.drain(conn, OLGA, "deepseek", NOW, drained=False)
        assert provider_state.drained(conn) == frozenset()
        assert logged(conn) == [("drain", None, "deepseek"), ("resume", None, "deepseek")]

    await db.write(unit)
