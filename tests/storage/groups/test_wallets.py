"""Wallets of groups: filled, capped, used and counted."""

from datetime import timedelta

import pytest

from engine.money import ZERO, Money
from storage.billing import renewals
from storage.database.connection import Connection
from storage.database.database import Database
from storage.groups import wallets
from storage.ledger import shares, transfers
from storage.operations import personal_data
from storage.tenants import tenants
from storage.tenants.shared_wallets import WalletShort
from tests.storage.books import FREE, NOW, check_books, used

CHAT = -100500
TODAY = NOW.date()


def person(conn: Connection, user: int = 1001, usd: str = "5") -> int:
    owner = tenants.create(conn, f"Person {user}", FREE, now=NOW, telegram_user_id=user)
    transfers.credit(conn, owner, Money.usd(usd), ref=f"gift:{owner}", reason="a gift", now=NOW)
    return owner


async def test_wallet_is_opened_once_and_has_no_tokens(db: Database) -> None:
    def unit(conn: Connection) -> None:
        assert wallets.find(conn, CHAT) is None
        opened = wallets.open_wallet(conn, CHAT, "Tea room", FREE, NOW)
        again = wallets.open_wallet(conn, CHAT, "Tea house", FREE, NOW)
        assert (again.wallet_id, again.title, again.free) == (opened.wallet_id, "Tea house", ZERO)
        state = tenants.state(conn, opened.wallet_id)
        assert state is not None
        assert (state.allowance_left_tokens, state.telegram_user_id) == (0, None)

    await db.write(unit)


async def test_filling_moves_money_once_and_the_books_hold(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = person(conn)
        wallet = wallets.open_wallet(conn, CHAT, "Tea room", FREE, NOW)
        assert wallets.fill(conn, wallet, ann, Money.usd("2"), "fill:1", NOW)
        assert not wallets.fill(conn, wallet, ann, Money.usd("2"), "fill:1", NOW)
        filled, state = wallets.find(conn, CHAT), tenants.state(conn, ann)
        assert filled is not None
        assert state is not None
        assert (filled.free, state.wallet) == (Money.usd("2"), Money.usd("3"))
        with pytest.raises(WalletShort):
            wallets.fill(conn, wallet, ann, Money.usd("3.01"), "fill:2", NOW)
        (given,) = conn.rows("SELECT reason FROM transfers WHERE kind = 'group'")
        assert given["reason"] == "to a group"

    await db.write(unit)
    await db.read(check_books)


async def test_money_that_an_answer_holds_can_not_be_moved(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = person(conn)
        conn.run("UPDATE accounts SET held_nanousd = 4000000000 WHERE tenant_id = :id", id=ann)
        wallet = wallets.open_wallet(conn, CHAT, "Tea room", FREE, NOW)
        with pytest.raises(WalletShort):
            wallets.fill(conn, wallet, ann, Money.usd("2"), "fill:1", NOW)
        conn.run("UPDATE accounts SET held_nanousd = 0 WHERE tenant_id = :id", id=ann)

    await db.write(unit)


async def test_wallet_pays_until_it_is_empty_or_the_persons_cap_of_the_day_is_reached(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = person(conn), person(conn, 1002)
        assert wallets.payer(conn, CHAT, ann, NOW) is None
        wallet = wallets.open_wallet(conn, CHAT, "Tea room", FREE, NOW)
        assert wallets.payer(conn, CHAT, ann, NOW) is None
        wallets.fill(conn, wallet, ann, Money.usd("2"), "fill:1", NOW)
        used(conn, wallet.wallet_id, ann, TODAY, "0.30")
        used(conn, wallet.wallet_id, ann, TODAY, "0.20")
        assert wallets.payer(conn, CHAT, ann, NOW) is not None
        wallets.set_day_cap(conn, CHAT, Money.usd("0.50"))
        assert wallets.payer(conn, CHAT, ann, NOW) is None
        assert wallets.payer(conn, CHAT, bao, NOW) is not None
        assert wallets.payer(conn, CHAT, ann, NOW + timedelta(days=1)) is not None
        wallets.set_day_cap(conn, CHAT, ZERO)
        assert wallets.payer(conn, CHAT, ann, NOW) is not None

    await db.write(unit)


async def test_wallet_that_owes_all_it_has_pays_nothing(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = person(conn)
        wallet = wallets.open_wallet(conn, CHAT, "Tea room", FREE, NOW)
        wallets.fill(conn, wallet, ann, Money.usd("2"), "fill:1", NOW)
        for owed, free in (("0.5", "1.5"), ("2", "0"), ("9", "0")):
            conn.run(
                "UPDATE accounts SET owed_nanousd = :n WHERE tenant_id = :id",
                n=Money.usd(owed).nanousd,
                id=wallet.wallet_id,
            )
            found = wallets.find(conn, CHAT)
            assert found is not None
            assert found.free == Money.usd(free)
            assert (wallets.payer(conn, CHAT, ann, NOW) is None) == (found.free == ZERO)

    await db.write(unit)


async def test_shares_are_summed_by_member_and_exported(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = person(conn), person(conn, 1002)
        wallet = wallets.open_wallet(conn, CHAT, "Tea room", FREE, NOW)
        for day, tenant, usd in ((0, ann, "0.10"), (1, ann, "0.10"), (1, bao, "0.30"), (40, bao, "9")):
            used(conn, wallet.wallet_id, tenant, TODAY - timedelta(days=day), usd)
        found = shares.by_member(conn, wallet.wallet_id, TODAY - timedelta(days=30), TODAY, 10)
        assert [(each.name, each.charge, each.answers) for each in found] == [
            ("Person 1002", Money.usd("0.30"), 1),
            ("Person 1001", Money.usd("0.20"), 2),
        ]
        exported = personal_data.export(conn, ann, NOW)["groups"]
        assert [(each["group"], each["day"], each["usd"]) for each in exported] == [
            ("Tea room", 20261123, Money.usd("0.10")),
            ("Tea room", 20261124, Money.usd("0.10")),
        ]

    await db.write(unit)


async def test_wallet_never_gets_the_tokens_of_a_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, wallet = person(conn), wallets.open_wallet(conn, CHAT, "Tea room", FREE, NOW)
        later = NOW + timedelta(days=400)
        renewals.renew_free(conn, FREE, later)
        mine, groups = tenants.state(conn, ann), tenants.state(conn, wallet.wallet_id)
        assert mine is not None
        assert groups is not None
        assert mine.period_start > NOW
        assert groups.period_start == NOW
        assert groups.allowance_tokens == 0

    await db.write(unit)
