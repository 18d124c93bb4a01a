import asyncio
from datetime import timedelta

from engine.money import Money
from storage.database.connection import Connection, day_of
from storage.database.database import Database
from storage.reports.losses import SqlLosses, lost_since
from tests.builders import attempt, journaled, spent
from tests.storage.books import NOW, FixedClock, hold_request, pay, take, tenant

SECOND = timedelta(seconds=1)


def answer(conn: Connection, request: str, cost_atto: int) -> Money:
    """Journal an answer of 2,000 tokens paid by the wallet; return its loss."""
    asked = hold_request(tenant(conn, "1"), request, input_tokens=2_000)
    charge = pay(conn, asked, take(conn, asked), tokens=2_000, cost_atto=cost_atto)
    return Money.from_atto(cost_atto) - charge.wallet


async def test_loss_is_cost_less_charges(db: Database) -> None:
    clock = FixedClock()
    losses = SqlLosses(db, clock)
    assert await losses.lost_today("auto") == Money(0)
    lost = await db.write(lambda conn: answer(conn, "r1", 5 * 10**16))
    assert lost > Money(0)
    assert await losses.lost_today("auto") == Money(0)  # cached from a moment ago
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


async def test_losses_are_read_again_after_a_second(db: Database) -> None:
    clock = FixedClock()
    losses = SqlLosses(db, clock)
    assert await losses.lost_today("auto") == Money(0)
    lost = await db.write(lambda conn: answer(conn, "r1", 5 * 10**16))
    clock.move(SECOND - timedelta(milliseconds=1))
    assert await losses.lost_today("auto") == Money(0)
    clock.move(timedelta(milliseconds=1))
    assert await losses.lost_today("auto") == lost


async def test_recount_finds_attempts_committed_out_of_order(db: Database) -> None:
    def lose(conn: Connection, name: str, cost: int, attempt_id: int) -> None:
        journaled(attempt(tenant_id=None, outcome="cut", request_id=name, cost=Money(cost)))(conn)
        conn.run("UPDATE attempts SET id = :id WHERE request_id = :name", id=attempt_id, name=name)

    clock = FixedClock()
    losses = SqlLosses(db, clock)
    await db.write(lambda conn: lose(conn, "first", 10, 100))
    assert await losses.lost_today("auto") == Money(10)
    await db.write(lambda conn: lose(conn, "late", 7, 50))
    clock.move(60 * SECOND - timedelta(milliseconds=1))
    assert await losses.lost_today("auto") == Money(10)
    clock.move(SECOND)
    assert await losses.lost_today("auto") == Money(17)


async def test_concurrent_readers_add_new_attempts_once(db: Database) -> None:
    clock = FixedClock()
    losses = SqlLosses(db, clock)
    await losses.lost_today("auto")
    lost = await db.write(lambda conn: answer(conn, "r1", 5 * 10**16))
    clock.move(SECOND)
    await asyncio.gather(*(losses.lost_today("auto") for _ in range(5)))
    assert await losses.lost_today("auto") == lost


async def test_losses_are_summed_per_model_and_day(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn)
        for name, asked, days in (("a", "auto", 0), ("b", "auto", 0), ("c", "smart", 0), ("d", "auto", 1)):
            at = NOW + timedelta(days=days)
            spent(ann, Money(3), at, request_id=name, asked=asked, cost=Money(10), allowance_worth=Money(2))(conn)
        everything, last = lost_since(conn, day_of(NOW))
        assert everything == {"auto": Money(10), "smart": Money(5)}
        first = min(each["id"] for each in conn.rows("SELECT id FROM attempts"))
        assert lost_since(conn, day_of(NOW), first) == ({"auto": Money(5), "smart": Money(5)}, last)
        assert lost_since(conn, day_of(NOW), last) == ({}, last)

    await db.write(unit)
