"""Members' shares of a shared wallet: limited by the hold, counted by the charge, returned with it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from engine.holds import Shortfall
from engine.money import ZERO, Money
from engine.tenancy import Charge
from storage.database.connection import Connection, day_of
from storage.database.database import Database
from storage.ledger import holds, journal, returns, shares
from storage.teams import members, teams
from storage.tenants import api_keys
from storage.tenants.api_keys import KeySettings
from tests.storage.books import DOUBLE, NOW, account, check_books, hold_request, pay, shortfall_of, take, tenant, used
from tests.storage.teams.crew import crew


async def test_limit_bounds_the_hold_and_the_charge_counts_in_it(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5", limit="0.001")
        asked = hold_request(team, tariff=DOUBLE, output_tokens=1000, member_id=bao)
        grant = take(conn, asked)
        assert grant.output_tokens == (400,)  # 500 tokens cost 0.001 USD at twice the price
        assert shares.left(conn, team, bao, NOW) == ZERO
        again = shortfall_of(conn, hold_request(team, "r2", tariff=DOUBLE, member_id=bao))
        assert (again.is_sponsored, again.member_limited) == (True, True)
        charge = pay(conn, asked, grant, tokens=150)
        assert charge.wallet == Money.usd("0.0003")
        assert shares.left(conn, team, bao, NOW) == Money.usd("0.0007")
        check_books(conn)

    await db.write(unit)


async def test_plan_tokens_count_at_their_price(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5", limit="0.002")
        conn.run("UPDATE accounts SET allowance_tokens = 300 WHERE tenant_id = :id", id=team)
        asked = hold_request(team, output_tokens=1000, member_id=bao)
        grant = take(conn, asked)
        assert (grant.tokens, grant.allowance_tokens, grant.wallet) == (400, 300, Money.usd("0.0005"))
        pay(conn, asked, grant, tokens=150)
        (share,) = shares.by_member(conn, team, NOW.date(), NOW.date())
        assert (share.charge, share.allowance_tokens, share.worth) == (ZERO, 150, Money.usd("0.00075"))

    await db.write(unit)


async def test_void_hold_frees_the_limit(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5", limit="0.001")
        asked = hold_request(team, tariff=DOUBLE, member_id=bao)
        take(conn, asked)
        assert holds.void(conn, asked.hold_id, NOW)
        assert shares.left(conn, team, bao, NOW) == Money.usd("0.001")
        check_books(conn)

    await db.write(unit)


async def test_charge_that_is_given_back_frees_the_limit(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5", limit="0.001")
        asked = hold_request(team, tariff=DOUBLE, member_id=bao)
        pay(conn, asked, take(conn, asked))
        assert shares.used(conn, team, bao, NOW.date()) == Money.usd("0.0003")
        assert returns.give_back(conn, asked.request_id, NOW) is not None
        assert shares.used(conn, team, bao, NOW.date()) == ZERO
        assert shares.by_member(conn, team, NOW.date(), NOW.date()) == []
        assert account(conn, team)["balance_nanousd"] == Money.usd("5").nanousd
        check_books(conn)

    await db.write(unit)


async def test_one_of_several_answers_is_given_back_with_its_tokens_and_receipt(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn, "5")
        conn.run("UPDATE accounts SET allowance_tokens = 1000 WHERE tenant_id = :id", id=team)
        for request, asker in (("r1", bao), ("r2", bao), ("r3", ann)):
            asked = hold_request(team, request, member_id=asker)
            pay(conn, asked, take(conn, asked))
        returned = returns.give_back(conn, "r2", NOW)
        assert returned == Charge(ZERO, 150)
        left = shares.by_member(conn, team, NOW.date(), NOW.date())
        assert [(each.tenant_id, each.name, each.allowance_tokens, each.answers) for each in left] == [
            (ann, "Ann", 150, 1),
            (bao, "Bao", 150, 1),
        ]
        days = shares.by_day(conn, team, NOW.date(), NOW.date())
        assert {day.share.tenant_id: day.share for day in days} == {each.tenant_id: each for each in left}
        assert {day.day for day in days} == {day_of(NOW)}
        assert shares.by_day(conn, team, NOW.date() + timedelta(days=1), NOW.date() + timedelta(days=9)) == []
        charged = "SELECT tenant_id, receipt, allowance_tokens AS tokens FROM receipts ORDER BY receipt"
        receipts = [(each["tenant_id"], each["tokens"]) for each in conn.rows(charged)]
        assert receipts == [(bao, 0), (ann, 150)]  # each one's latest
        check_books(conn)

    await db.write(unit)


async def test_receipt_is_the_members(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5")
        asked = hold_request(team, member_id=bao)
        pay(conn, asked, take(conn, asked))
        assert journal.last_receipt(conn, team) is None
        assert journal.last_receipt(conn, bao) is not None

    await db.write(unit)


async def test_limit_begins_anew_with_the_month(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5", limit="0.001")
        asked = hold_request(team, tariff=DOUBLE, member_id=bao)
        pay(conn, asked, take(conn, asked))
        assert shares.left(conn, team, bao, NOW + timedelta(days=6)) == Money.usd("0.0007")
        assert shares.left(conn, team, bao, NOW + timedelta(days=7)) == Money.usd("0.001")

    await db.write(unit)


@pytest.mark.parametrize("change", ["paused", "left", "stranger"])
async def test_nothing_is_held_for_others_than_members(change: str, db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5")
        if change == "paused":
            members.set_paused(conn, team, bao, True)
        elif change == "left":
            members.leave(conn, bao, NOW)
        asker = tenant(conn, "0") if change == "stranger" else bao
        assert isinstance(holds.hold(conn, hold_request(team, member_id=asker), "L", NOW), Shortfall)

    await db.write(unit)


async def test_later_attempt_of_a_request_may_be_paid_by_the_member(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5")
        conn.run("UPDATE accounts SET allowance_tokens = 1000 WHERE tenant_id = :id", id=bao)
        take(conn, hold_request(team, member_id=bao))
        own = hold_request(bao, epoch=2)
        pay(conn, own, take(conn, own))
        assert shares.used(conn, team, bao, NOW.date()) == ZERO
        assert account(conn, team)["held_nanousd"] == 0
        check_books(conn)

    await db.write(unit)


async def test_members_answers_of_a_day_are_summed_over_teams_and_groups(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5")
        asked = hold_request(team, tariff=DOUBLE, member_id=bao)
        pay(conn, asked, take(conn, asked))
        used(conn, tenant(conn), bao, NOW.date(), "1")
        assert shares.used_everywhere(conn, bao, NOW.date(), NOW.date()) == Money.usd("1.0003")
        found = shares.funds(conn, team, bao, NOW)
        assert (found.wallet, found.share) == (Money.usd("4.9997"), None)
        assert shares.funds(conn, 10**6, bao, NOW).share == ZERO
        assert teams.find(conn, team) is not None

    await db.write(unit)


async def test_two_holds_at_once_keep_the_limit(db: Database) -> None:
    team, _, bao = await db.write(lambda conn: crew(conn, "5", limit="0.001"))
    asked = [hold_request(team, f"r{n}", tariff=DOUBLE, member_id=bao) for n in range(6)]
    asked = [replace(each, least_output_tokens=100) for each in asked]
    futures = [db.submit(lambda conn, each=each: holds.hold(conn, each, "L", NOW)) for each in asked]  # type: ignore[misc]
    sized = [await future for future in futures]
    assert sum(isinstance(each, Shortfall) for each in sized) == 4  # each needs 0.0004 USD


async def test_answers_over_keys_are_no_part_of_the_use_in_chats(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "5")
        key = api_keys.add(conn, bao, api_keys.new_key(), KeySettings(name="dev"), NOW).id
        for request, asked in (("chat", None), ("api", key)):
            held = hold_request(team, request, tariff=DOUBLE, member_id=bao, key_id=asked)
            pay(conn, held, take(conn, held))
        assert shares.used_everywhere(conn, bao, NOW.date(), NOW.date()) == Money.usd("0.0006")
        assert shares.used_in_chats(conn, bao, NOW.date()) == Money.usd("0.0003")
        assert shares.used_in_chats(conn, bao, NOW.date() + timedelta(days=1)) == ZERO
        check_books(conn)

    await db.write(unit)
