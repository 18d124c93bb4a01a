"""Posting, credits and debits."""

from functools import partial

import pytest

from engine.holds import Grant, Shortfall
from engine.money import ZERO, Money
from storage.billing import plans
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import hold_batches, holds
from storage.ledger.transfers import adjust, adjusted, credit, debit_or_owe, debt_of, lock_account, post, wallet_of
from tests.storage.books import DOUBLE, FREE, NOW, account, check_books, hold_request, pay, take, tenant


def debit(conn: Connection, owner: int, usd: str, ref: str = "d1") -> Money:
    amount = Money.usd(usd)
    return debit_or_owe(conn, owner, amount, kind="debit", to="house:x", ref=ref, reason="fee", now=NOW)


def transfers(conn: Connection, owner: int) -> list[tuple[str, str, str, str, int]]:
    found = conn.rows("SELECT * FROM transfers WHERE tenant_id = :id AND kind <> 'gift' ORDER BY id", id=owner)
    return [(each["kind"], each["debit"], each["credit"], each["ref"], each["amount_nanousd"]) for each in found]


def reasons(conn: Connection, owner: int) -> list[str]:
    found = conn.rows("SELECT reason FROM transfers WHERE tenant_id = :id AND kind <> 'gift' ORDER BY id", id=owner)
    return [each["reason"] for each in found]


async def test_transfer_is_posted_once_for_its_ref(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        move = partial(post, kind="k", debit="house:a", credit="house:b", tenant_id=owner, now=NOW)
        assert move(conn, amount=Money(5), ref="r")
        assert not move(conn, amount=Money(6), ref="r")
        assert transfers(conn, owner) == [("k", "house:a", "house:b", "r", 5)]
        assert reasons(conn, owner) == [""]

    await db.write(unit)


@pytest.mark.parametrize(("amount", "sides"), [(0, ("a", "b")), (-1, ("a", "b")), (1, ("a", "a"))])
async def test_transfer_needs_a_positive_amount_and_two_accounts(
    db: Database, amount: int, sides: tuple[str, str]
) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        post(conn, kind="k", debit=sides[0], credit=sides[1], amount=Money(amount), tenant_id=owner, ref="r", now=NOW)

    with pytest.raises(Exception, match=r"transfer_moves_money|transfer_has_two_sides"):
        await db.write(unit)


async def test_credit_counts_once_for_its_ref(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        give = partial(credit, conn, owner, ref="c1", reason="x", now=NOW)
        assert give(Money.usd("5"))
        assert not give(Money.usd("7"))
        assert account(conn, owner)["balance_nanousd"] == 5 * 10**9
        assert transfers(conn, owner) == [("credit", "house:credits", wallet_of(owner), "c1", 5 * 10**9)]
        check_books(conn)

    await db.write(unit)


@pytest.mark.parametrize(("credited", "balance", "owed"), [("1.5", 0, 500_000_000), ("2", 0, 0), ("5", 3 * 10**9, 0)])
async def test_credit_pays_the_debt_first(db: Database, credited: str, balance: int, owed: int) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        assert debit(conn, owner, "3") == Money.usd("1")
        assert account(conn, owner)["owed_nanousd"] == 2 * 10**9
        assert credit(conn, owner, Money.usd(credited), ref="c1", reason="x", now=NOW, source="house:gifts")
        books = account(conn, owner)
        assert (books["balance_nanousd"], books["owed_nanousd"]) == (balance, owed)
        assert reasons(conn, owner)[-2:] == ["x", "owed from before"]
        repaid = min(Money.usd(credited), Money.usd("2")).nanousd
        assert transfers(conn, owner)[-2:] == [
            ("credit", "house:gifts", wallet_of(owner), "c1", Money.usd(credited).nanousd),
            ("repayment", wallet_of(owner), debt_of(owner), "repaid:c1", repaid),
        ]
        check_books(conn)

    await db.write(unit)


async def test_debit_within_the_wallet_owes_nothing(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        assert debit(conn, owner, "1") == Money.usd("1")
        books = account(conn, owner)
        assert (books["balance_nanousd"], books["owed_nanousd"]) == (0, 0)
        assert transfers(conn, owner)[-1] == ("debit", wallet_of(owner), "house:x", "d1", 10**9)
        assert reasons(conn, owner)[-1] == "fee"
        check_books(conn)

    await db.write(unit)


async def test_repeated_debit_takes_nothing_from_a_wallet_that_could_pay_it(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "3")
        assert debit(conn, owner, "1") == Money.usd("1")
        assert debit(conn, owner, "1") == ZERO
        assert account(conn, owner)["balance_nanousd"] == 2 * 10**9
        check_books(conn)

    await db.write(unit)


async def test_debit_of_an_empty_wallet_is_owed_whole(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        assert debit(conn, owner, "1") == ZERO
        assert debit(conn, owner, "1") == ZERO
        assert account(conn, owner)["owed_nanousd"] == 10**9
        assert transfers(conn, owner) == [("debit", debt_of(owner), "house:x", "d1:owed", 10**9)]
        check_books(conn)

    await db.write(unit)


async def test_debit_leaves_held_money_and_happens_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        asked = hold_request(owner, tariff=DOUBLE)
        grant = take(conn, asked)
        assert debit(conn, owner, "2") == Money.usd("1") - grant.wallet
        assert debit(conn, owner, "2") == ZERO
        books = account(conn, owner)
        assert books["balance_nanousd"] == books["held_nanousd"] == grant.wallet.nanousd
        assert books["owed_nanousd"] == 10**9 + grant.wallet.nanousd
        pay(conn, asked, grant)
        check_books(conn)

    await db.write(unit)


async def test_account_of_an_unknown_tenant_is_an_error(db: Database) -> None:
    for unit in (lock_account, partial(credit, amount=Money(1), ref="r", reason="", now=NOW), partial(debit, usd="1")):
        with pytest.raises(LookupError, match="tenant 99 has no account"):
            await db.write(lambda conn, unit=unit: unit(conn, 99))  # type: ignore[misc]


async def test_adjustment_below_zero_takes_the_free_part_of_the_wallet_and_owes_the_rest(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn)
        change = partial(adjust, conn, owner, reason="x", now=NOW)
        assert change(Money(500), ref="in")
        assert change(Money(-200), ref="out")
        assert not change(Money(-200), ref="out")
        assert change(Money(-700), ref="more")
        assert not change(Money(-700), ref="more")
        assert (account(conn, owner)["balance_nanousd"], account(conn, owner)["owed_nanousd"]) == (0, 400)
        assert change(Money(-1), ref="empty")
        assert not change(Money(-1), ref="empty")
        booked = [adjusted(conn, ref) for ref in ("in", "out", "more", "empty", "other")]
        assert booked == [(Money(500), "x"), (Money(-200), "x"), (Money(-700), "x"), (Money(-1), "x"), None]
        assert transfers(conn, owner)[1] == ("debit", wallet_of(owner), "house:credits", "out", 200)
        check_books(conn)

    await db.write(unit)


@pytest.mark.parametrize("is_batch", [False, True])
async def test_money_that_is_released_after_a_debit_pays_the_debt_and_no_answer(
    db: Database, *, is_batch: bool
) -> None:
    """A refund while answers hold the whole wallet must not be spent once more when their holds end."""

    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        conn.run("UPDATE accounts SET held_nanousd = :all WHERE tenant_id = :id", all=10**9, id=owner)
        assert debit(conn, owner, "0.9999") == ZERO
        conn.run("UPDATE accounts SET held_nanousd = 0 WHERE tenant_id = :id", id=owner)
        asked = hold_request(owner, tariff=DOUBLE, input_tokens=1_000)
        sized = hold_batches.hold(conn, [asked], "L", NOW)[0] if is_batch else holds.hold(conn, asked, "L", NOW)
        assert isinstance(sized, Shortfall)
        assert not plans.pay_from_wallet(conn, owner, FREE, Money.usd("0.5"), NOW, ref="p")
        assert credit(conn, owner, Money.usd("0.9999"), ref="c", reason="x", now=NOW)
        assert account(conn, owner)["balance_nanousd"] == 10**9
        assert isinstance(holds.hold(conn, asked, "L", NOW), Grant)
        check_books(conn)

    await db.write(unit)
