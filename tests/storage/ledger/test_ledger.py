"""Credits and debits, and a hold that is always given back."""

import asyncio
from functools import partial
from typing import Any

import pytest

from engine.errors import InsufficientFunds
from engine.money import Money
from engine.tenancy import Charge
from storage.database.connection import Connection, row, scalar
from storage.database.database import Database
from storage.database.leases import Lease
from storage.ledger import expiry
from storage.ledger.journal import SqlJournal
from storage.ledger.ledger import SqlLedger
from storage.ledger.transfers import credit, debit_or_owe
from tests.storage.books import (
    DOUBLE,
    NOW,
    RATES,
    FixedClock,
    account,
    bill,
    check_books,
    hold_request,
    pay,
    take,
    tenant,
)


async def test_a_credit_counts_once_and_pays_what_is_owed_first(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        debit_or_owe(conn, owner, Money.usd("3"), kind="debit", to="house:x", ref="x", reason="x", now=NOW)
        assert account(conn, owner)["owed_nanousd"] == 2 * 10**9
        assert credit(conn, owner, Money.usd("5"), ref="c1", reason="x", now=NOW)
        assert not credit(conn, owner, Money.usd("5"), ref="c1", reason="x", now=NOW)
        books = account(conn, owner)
        assert (books["balance_nanousd"], books["owed_nanousd"]) == (3 * 10**9, 0)
        check_books(conn)

    await db.write(unit)


async def test_a_debit_leaves_held_money_alone_and_happens_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        asked = hold_request(owner, tariff=DOUBLE)
        grant = take(conn, asked)
        for _ in range(2):
            debit_or_owe(
                conn,
                owner,
                Money.usd("2"),
                kind="debit",
                to="house:x",
                ref="x",
                reason="x",
                now=NOW,
            )
        books = account(conn, owner)
        assert books["balance_nanousd"] == books["held_nanousd"] == grant.wallet.nanousd
        assert books["owed_nanousd"] == 10**9 + grant.wallet.nanousd
        pay(conn, asked, grant)
        check_books(conn)

    await db.write(unit)


async def test_holds_of_the_dead_are_expired_and_those_of_the_living_are_not(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        take(conn, hold_request(owner, "a"), "gone")
        take(conn, hold_request(owner, "b"), "here")
        assert expiry.expire_holds(conn, NOW, lambda lease: lease == "gone") == ["a:1"]
        assert expiry.open_holds(conn) == 1
        check_books(conn)

    await db.write(unit)


async def test_rows_that_must_not_change_refuse_to(db: Database) -> None:
    def prepare(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"), tariff=DOUBLE)
        pay(conn, asked, take(conn, asked))

    await db.write(prepare)
    for sql in (
        "UPDATE transfers SET amount_nanousd = amount_nanousd + 1",
        "DELETE FROM transfers",
        "UPDATE holds SET state = 'open'",
        "DELETE FROM holds",
        "UPDATE attempts SET cost_nanousd = 0",
        "DELETE FROM attempts",
        "UPDATE accounts SET balance_nanousd = -1, held_nanousd = -1",
        "UPDATE accounts SET held_nanousd = balance_nanousd + 1",
        "UPDATE accounts SET allowance_held_tokens = allowance_tokens + 1",
        "UPDATE transfers SET ref = 'x'",
    ):
        with pytest.raises(Exception, match=r"(?i)never|constraint"):
            await db.write(partial(_run, sql=sql))
    await db.read(check_books)


async def test_what_also_raises_undoes_the_capture(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))

    def also(_conn: Connection, _charge: Charge) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        async with book.hold(hold_request(owner)) as hold:
            await hold.capture(bill(hold_request(owner)), also)
    await db.read(check_books)
    assert await db.read(expiry.open_holds) == 0
    assert await db.read(lambda conn: scalar(conn, "SELECT count(*) AS n FROM attempts")) == 0


async def test_what_also_wrote_stands_with_the_charge(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))
    seen: list[Charge] = []

    def also(conn: Connection, charge: Charge) -> None:
        seen.append(charge)
        conn.run("INSERT INTO watermarks (name, value) VALUES ('w', 'x')")

    async with book.hold(hold_request(owner)) as hold:
        charge = await hold.capture(bill(hold_request(owner)), also)
    assert seen[-1] == charge
    assert await db.read(lambda conn: scalar(conn, "SELECT count(*) AS n FROM watermarks")) == 1
    await db.read(check_books)


async def test_leaving_without_a_capture_voids(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))

    async def road() -> None:
        async with book.hold(hold_request(owner)):
            assert await db.read(expiry.open_holds) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await road()
    assert await db.read(expiry.open_holds) == 0
    await db.read(check_books)


async def test_too_little_money_raises_with_the_sum_that_is_missing(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(tenant)
    with pytest.raises(InsufficientFunds) as caught:
        async with book.hold(hold_request(owner, tariff=DOUBLE)):
            raise AssertionError("nothing was there to hold")
    assert caught.value.shortfall.missing == Money(328_000)


async def test_cancelled_at_any_moment_no_hold_stays_open(db: Database) -> None:
    """Cancel after 0, 1, 2 … turns of the loop, until the whole road is walked in one piece."""
    book = await _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "100"))

    async def road(asked: Any) -> None:
        async with book.hold(asked) as hold:
            await asyncio.sleep(0)
            await hold.capture(bill(asked))

    for turns in range(60):
        task = asyncio.ensure_future(road(hold_request(owner, f"c{turns}")))
        await _turns(turns)
        if turns % 3 == 2:  # and while it waits for the database
            await asyncio.sleep(0.0005 * (turns // 3))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await db.read(expiry.open_holds) == 0, turns
    await db.read(check_books)


async def test_cancelled_twice_the_void_still_happens(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))
    entered = asyncio.Event()

    async def road() -> None:
        async with book.hold(hold_request(owner)):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(road())
    await entered.wait()
    for _ in range(5):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert await db.read(expiry.open_holds) == 0


async def test_attempts_that_were_not_kept_are_journaled_too(db: Database) -> None:
    owner = await db.write(tenant)
    attempt = bill(hold_request(owner)).attempt
    failed = type(attempt)(
        **{name: getattr(attempt, name) for name in attempt.__slots__} | {"kept": False, "outcome": "timeout"}
    )
    await SqlJournal(db).record(failed)
    found = await db.read(lambda conn: row(conn, "SELECT * FROM attempts"))
    assert found is not None
    assert (found["outcome"], bool(found["kept"]), found["day"]) == ("timeout", False, 20261124)
    await db.read(check_books)


async def _ledger(db: Database) -> SqlLedger:
    clock = FixedClock()
    return SqlLedger(db, Lease(db, clock), clock, RATES)


def _run(conn: Connection, sql: str) -> None:
    conn.run(sql)


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
