import asyncio
from datetime import timedelta

import pytest

from engine.money import ZERO, Money
from storage.billing import codes
from storage.billing.codes import Redemption
from storage.database.connection import Connection
from storage.database.database import Database
from storage.tenants import tenants
from tests.storage.books import NOW, check_books, tenant

FIVE = Money.usd("5")
MS = timedelta(milliseconds=1)


def made(conn: Connection, count: int = 1) -> list[str]:
    return codes.make(conn, codes.TOPUP, count, made_by=1, now=NOW, amount=FIVE)


def wallet(conn: Connection, tenant_id: int) -> Money:
    state = tenants.state(conn, tenant_id)
    assert state is not None
    return state.wallet


def wrong(number: int) -> str:
    return "A" * 25 + "ABCDEFGHIJ"[number]


async def test_code_is_credited_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = tenant(conn), tenant(conn)
        (code,) = made(conn)
        assert codes.redeem(conn, ann, code, NOW) == Redemption(FIVE)
        assert codes.redeem(conn, bao, code, NOW) == Redemption()
        assert codes.redeem(conn, ann, code, NOW) == Redemption(FIVE, repeated=True)
        assert (wallet(conn, ann), wallet(conn, bao)) == (FIVE, ZERO)
        check_books(conn)

    await db.write(unit)


async def test_of_twenty_racing_tenants_one_redeems_the_code(db: Database) -> None:
    ids = [await db.write(tenant) for _ in range(20)]
    (code,) = await db.write(made)
    redeem = [db.write(lambda conn, each=each: codes.redeem(conn, each, code, NOW)) for each in ids]  # type: ignore[misc]
    done = await asyncio.gather(*redeem)
    assert sum(each.amount is not None for each in done) == 1
    assert sum([(await db.read(lambda conn, n=n: wallet(conn, n))).nanousd for n in ids]) == FIVE.nanousd  # type: ignore[misc]
    await db.read(check_books)


async def test_sixth_wrong_code_within_an_hour_is_rate_limited(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = tenant(conn), tenant(conn)
        (code,) = made(conn)
        assert [codes.redeem(conn, ann, wrong(n), NOW) for n in range(6)] == [
            *[Redemption()] * 5,
            Redemption(rate_limited=True),
        ]
        assert codes.redeem(conn, ann, code, NOW + timedelta(hours=1) - MS) == Redemption(rate_limited=True)
        assert codes.redeem(conn, bao, wrong(0), NOW) == Redemption()
        assert codes.redeem(conn, ann, code, NOW + timedelta(hours=1)) == Redemption(FIVE)

    await db.write(unit)


async def test_racing_wrong_codes_are_all_counted(db: Database) -> None:
    ann = await db.write(tenant)
    tries = [db.write(lambda conn, n=n: codes.redeem(conn, ann, wrong(n % 10), NOW)) for n in range(20)]  # type: ignore[misc]
    done = await asyncio.gather(*tries)
    assert sum(not each.rate_limited for each in done) == 5


async def test_codes_are_not_stored_in_plain_text(db: Database) -> None:
    def unit(conn: Connection) -> str:
        (code,) = made(conn)
        ann = tenant(conn)
        codes.redeem(conn, ann, code, NOW)
        return str([conn.rows(f"SELECT * FROM {table}") for table in ("codes", "transfers", "code_tries")]) + code

    dump = await db.write(unit)
    assert dump.count(dump[-26:]) == 1


async def test_invite_can_not_be_redeemed_as_money(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn)
        (invite,) = codes.make(conn, codes.INVITE, 1, made_by=1, now=NOW)
        assert codes.redeem(conn, ann, invite, NOW) == Redemption()

    await db.write(unit)


@pytest.mark.parametrize("typed", [str.lower, lambda code: f"{code[:5]}-{code[5:]}", lambda code: f" {code} "])
async def test_code_is_accepted_in_any_spelling(db: Database, typed: object) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn)
        (code,) = made(conn)
        assert callable(typed)
        assert codes.redeem(conn, ann, typed(code), NOW) == Redemption(FIVE)

    await db.write(unit)


async def test_hundred_codes_differ_and_have_128_bits(db: Database) -> None:
    made_now = await db.write(lambda conn: made(conn, 100))
    assert len(set(made_now)) == 100
    assert {len(code) * 5 // 8 for code in made_now} == {16}


async def test_right_code_is_not_counted_as_a_wrong_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn)
        for number, code in enumerate(made(conn, 6)):
            assert codes.redeem(conn, ann, code, NOW) == Redemption(FIVE), number
        assert wallet(conn, ann) == Money.usd("30")
        check_books(conn)

    await db.write(unit)


async def test_wrong_codes_of_the_last_hour_count_wherever_it_begins(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn)
        for minute in range(0, 50, 10):
            codes.redeem(conn, ann, wrong(0), NOW + timedelta(minutes=minute))
        assert codes.redeem(conn, ann, wrong(1), NOW + timedelta(hours=1)) == Redemption()
        assert codes.redeem(conn, ann, wrong(2), NOW + timedelta(hours=1)) == Redemption(rate_limited=True)

    await db.write(unit)
