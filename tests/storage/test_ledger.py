import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from engine.attempt import DropLine, QuoteLine
from engine.errors import HoldLost, InsufficientFunds
from engine.holding import Shortfall
from engine.money import ZERO, Money
from engine.tenancy import Charge
from storage import hot, keys, ledger, plans, receipts
from storage.connection import Connection, row, scalar
from storage.database import Database
from storage.leases import Lease
from storage.ledger import SqlJournal, SqlLedger, credit, debit_or_owe
from storage.receipts import PaidReceipt
from tests.storage.books import (
    DOUBLE,
    FREE,
    NOW,
    PRO,
    RATES,
    FixedClock,
    account,
    bid,
    bill,
    pay,
    short,
    sound,
    take,
    tenant,
)


async def test_the_allowance_pays_before_the_wallet(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = bid(tenant(conn, "1"), input_tokens=900, output_tokens=300)
        grant = take(conn, asked)
        assert (grant.allowance_tokens, grant.wallet) == (1000, Money(200 * 5000))
        assert pay(conn, asked, grant, tokens=1100) == Charge(Money(100 * 5000), 1000)
        books = account(conn, asked.tenant_id)
        assert (books["allowance_used_tokens"], books["allowance_held_tokens"]) == (1000, 0)
        assert (books["balance_nanousd"], books["held_nanousd"]) == (10**9 - 500_000, 0)
        sound(conn)

    await db.write(unit)


async def test_a_markup_takes_the_wallet_only(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = bid(tenant(conn, "1"), tariff=DOUBLE)
        charge = pay(conn, asked, take(conn, asked), tokens=150)
        assert charge == Charge(Money(2 * 150 * 1000), 0)
        assert account(conn, asked.tenant_id)["allowance_used_tokens"] == 0
        sound(conn)

    await db.write(unit)


async def test_a_charge_never_exceeds_its_hold(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = bid(tenant(conn, "1"), tariff=DOUBLE)
        grant = take(conn, asked)
        assert pay(conn, asked, grant, tokens=10**6).wallet == grant.wallet
        sound(conn)

    await db.write(unit)


async def test_without_funds_nothing_is_held_and_what_is_missing_is_told(db: Database) -> None:
    def unit(conn: Connection) -> None:
        poor = tenant(conn)
        missing = short(conn, bid(poor, tariff=DOUBLE)).missing
        assert missing == Money(2 * 164 * 1000)
        assert account(conn, poor)["held_nanousd"] == 0
        assert scalar(conn, "SELECT count(*) AS n FROM holds") == 0

    await db.write(unit)


async def test_two_holds_cannot_take_the_same_money(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "0.0004")  # one answer of 200 tokens at 2,000 each
        take(conn, bid(owner, "a", tariff=DOUBLE))
        short(conn, bid(owner, "b", tariff=DOUBLE))

    await db.write(unit)


async def test_a_void_gives_everything_back_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = bid(tenant(conn, "1"), input_tokens=1000)
        take(conn, asked)
        assert hot.void(conn, asked.hold_id, NOW)
        assert not hot.void(conn, asked.hold_id, NOW)
        books = account(conn, asked.tenant_id)
        assert (books["held_nanousd"], books["allowance_held_tokens"]) == (0, 0)
        sound(conn)

    await db.write(unit)


async def test_a_voided_hold_cannot_be_captured(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = bid(tenant(conn, "1"))
        grant = take(conn, asked)
        hot.void(conn, asked.hold_id, NOW)
        with pytest.raises(HoldLost):
            pay(conn, asked, grant)
        sound(conn)

    await db.write(unit)


async def test_a_hold_is_captured_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = bid(tenant(conn, "1"))
        grant = take(conn, asked)
        pay(conn, asked, grant)
        with pytest.raises(HoldLost):
            pay(conn, asked, grant)
        sound(conn)

    await db.write(unit)


async def test_a_later_epoch_ends_the_earlier_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        first, second = bid(owner, epoch=1), bid(owner, epoch=2)
        old, new = take(conn, first), take(conn, second)
        with pytest.raises(HoldLost):
            pay(conn, first, old)
        pay(conn, second, new)
        sound(conn)

    await db.write(unit)


async def test_an_earlier_epoch_cannot_push_out_a_later_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        second = bid(owner, epoch=2)
        grant = take(conn, second)
        with pytest.raises(HoldLost):
            hot.hold(conn, bid(owner, epoch=1), "L", NOW)
        pay(conn, second, grant)
        sound(conn)

    await db.write(unit)


async def test_a_request_that_was_paid_is_never_held_for_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        asked = bid(owner)
        pay(conn, asked, take(conn, asked))
        for epoch in (1, 2):
            with pytest.raises(HoldLost):
                hot.hold(conn, bid(owner, epoch=epoch), "L", NOW)
        sound(conn)

    await db.write(unit)


async def test_a_past_periods_allowance_does_not_come_back_into_the_new_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = bid(tenant(conn), input_tokens=500)
        grant = take(conn, asked)
        plans.start_plan(conn, asked.tenant_id, FREE, NOW + timedelta(days=30))
        assert pay(conn, asked, grant, tokens=550) == Charge(ZERO, 550)
        books = account(conn, asked.tenant_id)
        assert (books["allowance_used_tokens"], books["allowance_held_tokens"]) == (0, 0)
        sound(conn)

    await db.write(unit)


async def test_a_void_after_the_period_gives_no_allowance_back(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = bid(tenant(conn), input_tokens=500)
        take(conn, asked)
        plans.start_plan(conn, asked.tenant_id, FREE, NOW + timedelta(days=30))
        hot.void(conn, asked.hold_id, NOW)
        assert account(conn, asked.tenant_id)["allowance_held_tokens"] == 0
        sound(conn)

    await db.write(unit)


async def test_a_keys_own_limit_holds_beside_its_tenants(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        key = keys.add(conn, owner, keys.new_key(), name="dev", tokens_per_month=300, now=NOW)
        first = bid(owner, "a", key_id=key.id)
        grant = take(conn, first)
        assert short(conn, bid(owner, "b", key_id=key.id)).key_limited
        pay(conn, first, grant, tokens=120)
        second = bid(owner, "b", key_id=key.id)
        assert take(conn, second).tokens == 180
        found = row(conn, "SELECT * FROM api_keys WHERE id = :id", id=key.id)
        assert found is not None
        assert (found["used_tokens"], found["held_tokens"]) == (120, 180)
        sound(conn)

    await db.write(unit)


async def test_a_key_starts_each_month_afresh_and_old_holds_do_not_count(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        key = keys.add(conn, owner, keys.new_key(), name="dev", tokens_per_month=300, now=NOW)
        old = bid(owner, "a", key_id=key.id)
        grant = take(conn, old)
        december = NOW + timedelta(days=10)
        new = bid(owner, "b", key_id=key.id)
        assert not isinstance(hot.hold(conn, new, "L", december), Shortfall)
        pay(conn, old, grant)
        found = row(conn, "SELECT * FROM api_keys WHERE id = :id", id=key.id)
        assert found is not None
        assert (found["used_tokens"], found["held_tokens"]) == (0, 200)

    await db.write(unit)


async def test_a_credit_counts_once_and_pays_what_is_owed_first(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        debit_or_owe(conn, owner, Money.usd("3"), kind="debit", to="house:x", ref="x", reason="x", now=NOW)
        assert account(conn, owner)["owed_nanousd"] == 2 * 10**9
        assert credit(conn, owner, Money.usd("5"), ref="c1", reason="x", now=NOW)
        assert not credit(conn, owner, Money.usd("5"), ref="c1", reason="x", now=NOW)
        books = account(conn, owner)
        assert (books["balance_nanousd"], books["owed_nanousd"]) == (3 * 10**9, 0)
        sound(conn)

    await db.write(unit)


async def test_a_debit_leaves_held_money_alone_and_happens_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        asked = bid(owner, tariff=DOUBLE)
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
        sound(conn)

    await db.write(unit)


async def test_holds_of_the_dead_are_expired_and_those_of_the_living_are_not(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        take(conn, bid(owner, "a"), "gone")
        take(conn, bid(owner, "b"), "here")
        assert ledger.expire_holds(conn, NOW, lambda lease: lease == "gone") == ["a:1"]
        assert ledger.open_holds(conn) == 1
        sound(conn)

    await db.write(unit)


async def test_rows_that_must_not_change_refuse_to(db: Database) -> None:
    def prepare(conn: Connection) -> None:
        asked = bid(tenant(conn, "1"), tariff=DOUBLE)
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
    await db.read(sound)


async def test_what_also_raises_undoes_the_capture(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))

    def also(_conn: Connection, _charge: Charge) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        async with book.hold(bid(owner)) as hold:
            await hold.capture(bill(bid(owner)), also)
    await db.read(sound)
    assert await db.read(ledger.open_holds) == 0
    assert await db.read(lambda conn: scalar(conn, "SELECT count(*) AS n FROM attempts")) == 0


async def test_what_also_wrote_stands_with_the_charge(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))
    seen: list[Charge] = []

    def also(conn: Connection, charge: Charge) -> None:
        seen.append(charge)
        conn.run("INSERT INTO watermarks (name, value) VALUES ('w', 'x')")

    async with book.hold(bid(owner)) as hold:
        charge = await hold.capture(bill(bid(owner)), also)
    assert seen[-1] == charge
    assert await db.read(lambda conn: scalar(conn, "SELECT count(*) AS n FROM watermarks")) == 1
    await db.read(sound)


async def test_leaving_without_a_capture_voids(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))

    async def road() -> None:
        async with book.hold(bid(owner)):
            assert await db.read(ledger.open_holds) == 1
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await road()
    assert await db.read(ledger.open_holds) == 0
    await db.read(sound)


async def test_too_little_money_raises_with_the_sum_that_is_missing(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(tenant)
    with pytest.raises(InsufficientFunds) as caught:
        async with book.hold(bid(owner, tariff=DOUBLE)):
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
        task = asyncio.ensure_future(road(bid(owner, f"c{turns}")))
        await _turns(turns)
        if turns % 3 == 2:  # and while it waits for the database
            await asyncio.sleep(0.0005 * (turns // 3))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await db.read(ledger.open_holds) == 0, turns
    await db.read(sound)


async def test_cancelled_twice_the_void_still_happens(db: Database) -> None:
    book = await _ledger(db)
    owner = await db.write(lambda conn: tenant(conn, "1"))
    entered = asyncio.Event()

    async def road() -> None:
        async with book.hold(bid(owner)):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(road())
    await entered.wait()
    for _ in range(5):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert await db.read(ledger.open_holds) == 0


async def test_attempts_that_were_not_kept_are_journaled_too(db: Database) -> None:
    owner = await db.write(tenant)
    attempt = bill(bid(owner)).attempt
    failed = type(attempt)(
        **{name: getattr(attempt, name) for name in attempt.__slots__} | {"kept": False, "outcome": "timeout"}
    )
    await SqlJournal(db).record(failed)
    found = await db.read(lambda conn: row(conn, "SELECT * FROM attempts"))
    assert found is not None
    assert (found["outcome"], bool(found["kept"]), found["day"]) == ("timeout", False, 20261124)
    await db.read(sound)


async def test_an_allowance_token_is_worth_its_share_of_the_plans_price(db: Database) -> None:
    def unit(conn: Connection) -> int:
        asked = bid(tenant(conn, plan=PRO), input_tokens=700, output_tokens=300)
        pay(conn, asked, take(conn, asked), tokens=1000)
        return int(scalar(conn, "SELECT allowance_nanousd FROM attempts"))

    assert await db.write(unit) == round(1000 * RATES["pro"])


async def test_a_request_belongs_to_the_tenant_who_made_it(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner, other = tenant(conn, "1"), tenant(conn, "1")
        asked = bid(owner, epoch=1)
        take(conn, asked)
        hot.void(conn, asked.hold_id, NOW)
        with pytest.raises(HoldLost):
            hot.hold(conn, bid(other, epoch=2), "L", NOW)
        raise Undone

    with pytest.raises(Undone):
        await db.write(unit)
    await db.read(sound)


class Undone(Exception):
    """What the unit wrote is not to stand."""


async def test_an_attempts_row_is_short_and_holds_no_prompt(db: Database) -> None:
    """At most 300 bytes, with the longest name that is built in and large numbers."""

    def unit(conn: Connection) -> int:
        asked = bid(tenant(conn, "1000"), f"req-{'f' * 32}", tariff=DOUBLE, input_tokens=10**5, output_tokens=10**5)
        bought = bill(asked, tokens=123_456)
        long = replace(
            bought.attempt,
            provider="openrouter",
            model="deepseek/deepseek-v4-flash",
            detail="the prompt was: canary",
            status=200,
            duration_ms=300_000,
        )
        hot.capture(conn, asked, take(conn, asked), replace(bought, attempt=long), rates=RATES, now=NOW)
        assert "canary" not in str(conn.rows("SELECT * FROM attempts"))
        if conn.dialect == "postgresql":
            return int(scalar(conn, "SELECT pg_column_size(a.*) AS n FROM attempts a"))
        return int(scalar(conn, "SELECT SUM(payload) AS n FROM dbstat WHERE name = 'attempts'"))

    assert await db.write(unit) <= 300


async def test_the_last_receipt_comes_back_as_it_was(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        for number in range(2):
            asked = bid(owner, f"r{number}")
            bought = bill(asked)
            receipt = replace(
                bought.receipt,
                quotes=(QuoteLine("deepseek", "deepseek-v4-flash", Money(7)), QuoteLine("openai", "x", Money(9), True)),
                drops=(DropLine("gemini", "y", "at rest"),),
                attempts=(replace(bought.attempt, usage=None, kept=False, outcome="timeout"), bought.attempt),
                list_price=Money(1),
            )
            charge = hot.capture(conn, asked, take(conn, asked), replace(bought, receipt=receipt), rates=RATES, now=NOW)
            assert receipts.last(conn, owner) == PaidReceipt(receipt, charge)

    await db.write(unit)


async def _ledger(db: Database) -> SqlLedger:
    clock = FixedClock()
    return SqlLedger(db, Lease(db, clock), clock, RATES)


def _run(conn: Connection, sql: str) -> None:
    conn.run(sql)


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
