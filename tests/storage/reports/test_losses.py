from datetime import timedelta

from engine.money import Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.reports.losses import SqlLosses
from tests.builders import spent
from tests.storage.books import NOW, FixedClock, hold_request, pay, take, tenant

SECOND = timedelta(seconds=1)


def answer(conn: Connection, request: str, cost_atto: int) -> Money:
    """An answer of 2,000 tokens from the wallet; what it lost."""
    asked = hold_request(tenant(conn, "1"), request, input_tokens=2_000)
    charge = pay(conn, asked, take(conn, asked), tokens=2_000, cost_atto=cost_atto)
    return Money.from_atto(cost_atto) - charge.wallet


async def test_loss_is_cost_less_charges(db: Database) -> None:
    clock = FixedClock()
    losses = SqlLosses(db, clock)
    assert await losses.lost_today("auto") == Money(0)
    lost = await db.write(lambda conn: answer(conn, "r1", 5 * 10**16))
    assert lost > Money(0)
    assert await losses.lost_today("auto") == Money(0)  # looked up a moment ago
    clock.move(SECOND)
    assert await losses.lost_today("auto") == lost
    more = await db.write(lambda conn: answer(conn, "r2", 0))
    clock.move(SECOND)
    assert await losses.lost_today("auto") == lost + more
    assert await losses.lost_today("smart") == Money(0)


async def test_waste_is_a_loss_and_allowance_tokens_are_revenue(db: Database) -> None:
    def unit(conn: Connection) -> None:
        pro = tenant(conn)
        conn.run("UPDATE tenants SET plan = 'pro' WHERE id = :id", id=pro)
        asked = hold_request(pro)
        pay(conn, asked, take(conn, asked), tokens=150, cost_atto=0)
        spent(pro, Money(0), NOW, request_id="w", cost=Money(7_000))(conn)

    await db.write(unit)
    sold = Money(round(150 * 29 * 10**9 / 7_000_000))
    assert await SqlLosses(db, FixedClock()).lost_today("auto") == Money(7_000) - sold


async def test_recount_changes_nothing_and_a_new_day_starts_at_zero(db: Database) -> None:
    clock = FixedClock()
    losses = SqlLosses(db, clock)
    lost = await db.write(lambda conn: answer(conn, "r1", 5 * 10**16))
    for _ in range(4):
        clock.move(timedelta(seconds=31))
        assert await losses.lost_today("auto") == lost
    clock.move(timedelta(days=1))
    assert await losses.lost_today("auto") == Money(0)
