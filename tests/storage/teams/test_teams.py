"""Teams: created, filled, given a plan, and dissolved, with the rest returned to the owner."""

from datetime import timedelta

import pytest

from engine.money import ZERO, Money
from storage.billing import orders, payments, plans, refunds, renewals
from storage.billing.payments import Payment
from storage.database.connection import Connection, scalar
from storage.database.database import Database
from storage.ledger import holds, returns, shares, transfers
from storage.operations import personal_data
from storage.teams import members, teams
from storage.teams.teams import Team, TeamBusy
from storage.tenants import tenant_settings, tenants
from storage.tenants.shared_wallets import WalletShort
from storage.tenants.tenants import TenantState
from tests.storage.books import DOUBLE, FREE, NOW, PRO, check_books, hold_request, pay, take
from tests.storage.teams.crew import crew

PLANS = {"free": FREE, "pro": PRO}
STAR = Money.usd("0.013")


def team_of(conn: Connection, team_id: int) -> Team:
    found = teams.find(conn, team_id)
    assert found is not None
    return found


def state_of(conn: Connection, tenant_id: int) -> TenantState:
    found = tenants.state(conn, tenant_id)
    assert found is not None
    return found


def top_up(conn: Connection, team_id: int, ann: int) -> None:
    """Let Ann pay $1.30 into the team's wallet, with the Telegram charge `charge`."""
    order = orders.make_order(conn, team_id, orders.TOPUP, Money.usd("1.3"), STAR, NOW, payer_id=ann)
    payments.pay(conn, Payment("charge", order.id, 1001, 100), per_star=STAR, known=PLANS, now=NOW)


def wallet_of(conn: Connection, tenant_id: int) -> Money:
    return state_of(conn, tenant_id).wallet


async def test_team_has_no_free_tokens_and_its_owner_no_limit(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, _ = crew(conn)
        assert teams.create(conn, ann, "Another", FREE, NOW) is None
        renewals.renew_free(conn, FREE, NOW + timedelta(days=400))
        assert state_of(conn, team).allowance_tokens == 0
        owner, member = members.of_team(conn, team, NOW)
        assert (owner.tenant_id, owner.is_owner, owner.limit) == (ann, True, None)
        assert not member.is_owner
        teams.rename(conn, team, "Tea room")
        assert team_of(conn, team).name == "Tea room"

    await db.write(unit)


async def test_filling_moves_money_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, _ = crew(conn)
        transfers.credit(conn, ann, Money.usd("5"), ref="gift", reason="test", now=NOW)
        assert teams.fill(conn, team_of(conn, team), ann, Money.usd("2"), "fill:1", NOW)
        assert not teams.fill(conn, team_of(conn, team), ann, Money.usd("2"), "fill:1", NOW)
        with pytest.raises(WalletShort):
            teams.fill(conn, team_of(conn, team), ann, Money.usd("3.01"), "fill:2", NOW)
        assert (team_of(conn, team).free, wallet_of(conn, ann)) == (Money.usd("2"), Money.usd("3"))
        check_books(conn)

    await db.write(unit)


async def test_plan_is_paid_and_renewed_from_the_teams_wallet_and_ends_without_tokens(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "60")
        assert plans.buy_from_wallet(conn, team, PRO, PLANS, NOW).done
        assert state_of(conn, bao).tenant(PLANS).plans == (PRO, FREE)
        month = timedelta(days=30)
        assert renewals.renew(conn, team, PLANS, NOW + month, wallet_pays=False) is not None
        assert (state_of(conn, team).plan, state_of(conn, team).wallet) == ("pro", Money.usd("2"))
        lapsed = renewals.renew(conn, team, PLANS, NOW + 2 * month + timedelta(days=2), wallet_pays=False)
        assert lapsed is not None
        assert (lapsed.outcome, state_of(conn, team).allowance_tokens) == ("lapsed", 0)
        check_books(conn)

    await db.write(unit)


async def test_dissolved_team_gives_its_owner_the_rest_and_pays_no_more(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn, "60")
        plans.buy_from_wallet(conn, team, PRO, PLANS, NOW)
        assert teams.dissolve(conn, team, NOW) == Money.usd("60")
        assert wallet_of(conn, ann) == Money.usd("60")
        assert state_of(conn, bao).tenant(PLANS).sponsors == ()
        assert teams.of_member(conn, bao) is None
        with pytest.raises(LookupError):
            teams.dissolve(conn, team, NOW)
        check_books(conn)

    await db.write(unit)


async def test_team_that_pays_for_an_answer_is_not_dissolved(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn, "1")
        asked = hold_request(team, member_id=bao)
        grant = take(conn, asked)
        with pytest.raises(TeamBusy):
            teams.dissolve(conn, team, NOW)
        pay(conn, asked, grant)
        teams.dissolve(conn, team, NOW)
        check_books(conn)

    await db.write(unit)


async def test_money_that_comes_back_after_the_end_is_swept_to_the_owner(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn, "1")
        asked = hold_request(team, tariff=DOUBLE, member_id=bao)
        pay(conn, asked, take(conn, asked))
        teams.dissolve(conn, team, NOW)
        returns.give_back(conn, asked.request_id, NOW)
        assert teams.sweep(conn, ann, NOW) == Money.usd("0.0003")
        assert teams.sweep(conn, ann, NOW) == ZERO
        assert wallet_of(conn, ann) == Money.usd("1")
        check_books(conn)

    await db.write(unit)


async def test_stars_for_a_team_are_credited_once_and_a_refund_debits_it(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, _ = crew(conn)
        order = orders.make_order(conn, team, orders.TOPUP, Money.usd("1.3"), STAR, NOW, payer_id=ann)
        assert orders.objection(conn, order.id, 1001, 100, "XTR", PLANS, NOW) is None
        assert orders.objection(conn, order.id, 1002, 100, "XTR", PLANS, NOW) == "other"
        paid = Payment("charge", order.id, 1001, 100)
        results = [payments.pay(conn, paid, per_star=STAR, known=PLANS, now=NOW) for _ in range(2)]
        assert [(each.fresh, each.is_shared) for each in results] == [(True, True), (False, True)]
        assert (team_of(conn, team).free, wallet_of(conn, ann)) == (Money.usd("1.3"), ZERO)
        assert payments.payer_of(conn, "charge") == 1001
        assert len(personal_data.export(conn, ann, NOW)["payments"]) == 1
        refunds.refund(conn, "charge", known=PLANS, now=NOW)
        assert team_of(conn, team).free == ZERO
        check_books(conn)

    await db.write(unit)


async def test_refund_after_the_end_debits_the_owner_who_got_the_rest(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, _ = crew(conn)
        top_up(conn, team, ann)
        teams.dissolve(conn, team, NOW)
        assert wallet_of(conn, ann) == Money.usd("1.3")
        refunds.refund(conn, "charge", known=PLANS, now=NOW)
        assert wallet_of(conn, ann) == ZERO
        check_books(conn)

    await db.write(unit)


async def test_order_for_a_team_can_not_be_paid_after_the_end(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, _, bao = crew(conn)
        order = orders.make_order(conn, team, orders.TOPUP, Money.usd("1.3"), STAR, NOW, payer_id=bao)
        assert orders.objection(conn, order.id, 1002, 100, "XTR", PLANS, NOW) is None
        teams.dissolve(conn, team, NOW)
        assert orders.objection(conn, order.id, 1002, 100, "XTR", PLANS, NOW) == "expired"

    await db.write(unit)


async def test_order_for_a_team_can_not_be_paid_by_a_person_who_has_left_it(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn)
        order = orders.make_order(conn, team, orders.TOPUP, Money.usd("1.3"), STAR, NOW, payer_id=ann)
        assert members.give_to(conn, team, ann, bao, NOW)
        assert orders.objection(conn, order.id, 1001, 100, "XTR", PLANS, NOW) is None
        members.leave(conn, ann, NOW)
        assert orders.objection(conn, order.id, 1001, 100, "XTR", PLANS, NOW) == "expired"

    await db.write(unit)


@pytest.mark.parametrize("refund_first", [False, True])
async def test_stars_that_come_after_the_end_go_to_their_payer(refund_first: bool, db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn)
        order = orders.make_order(conn, team, orders.TOPUP, Money.usd("1.3"), STAR, NOW, payer_id=bao)
        teams.dissolve(conn, team, NOW)
        paid = Payment("charge", order.id, 1002, 100)
        if refund_first:
            refunds.refund(conn, "charge", known=PLANS, now=NOW, unseen=paid, per_star=STAR)
        done = payments.pay(conn, paid, per_star=STAR, known=PLANS, now=NOW)
        assert (done.fresh, done.tenant_id, done.is_shared) == (not refund_first, bao, False)
        if not refund_first:
            refunds.refund(conn, "charge", known=PLANS, now=NOW)
        assert [wallet_of(conn, each) for each in (team, ann, bao)] == [ZERO, ZERO, ZERO]
        check_books(conn)

    await db.write(unit)


async def test_debt_of_a_dissolved_team_is_its_owners(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn)
        top_up(conn, team, ann)
        asked = hold_request(team, tariff=DOUBLE, member_id=bao)
        pay(conn, asked, take(conn, asked))
        spent = Money.usd("0.0003")
        refunds.refund(conn, "charge", known=PLANS, now=NOW)
        assert state_of(conn, team).owed == spent
        transfers.credit(conn, ann, Money.usd("0.0001"), ref="gift", reason="test", now=NOW)
        assert teams.dissolve(conn, team, NOW) == ZERO
        assert state_of(conn, team).owed == ZERO
        assert (wallet_of(conn, ann), state_of(conn, ann).owed) == (ZERO, Money.usd("0.0002"))
        check_books(conn)

    await db.write(unit)


async def test_money_released_after_a_refund_is_not_free_and_leaves_with_the_debt(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn)
        top_up(conn, team, ann)
        asked = hold_request(team, tariff=DOUBLE, member_id=bao)
        held = take(conn, asked).wallet
        refunds.refund(conn, "charge", known=PLANS, now=NOW)
        assert holds.void(conn, asked.hold_id, NOW)
        assert (wallet_of(conn, team), state_of(conn, team).owed) == (held, held)
        assert team_of(conn, team).free == ZERO
        assert shares.funds(conn, team, bao, NOW).wallet == ZERO
        assert teams.dissolve(conn, team, NOW) == held
        assert [(wallet_of(conn, each), state_of(conn, each).owed) for each in (team, ann)] == [(ZERO, ZERO)] * 2
        assert teams.sweep(conn, ann, NOW) == ZERO
        check_books(conn)

    await db.write(unit)


async def test_dissolved_team_is_not_filled(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, _ = crew(conn)
        transfers.credit(conn, ann, Money.usd("5"), ref="gift", reason="test", now=NOW)
        seen = team_of(conn, team)
        teams.dissolve(conn, team, NOW)
        assert not teams.fill(conn, seen, ann, Money.usd("2"), "fill:1", NOW)
        assert wallet_of(conn, ann) == Money.usd("5")

    await db.write(unit)


async def test_team_of_a_banned_owner_pays_no_more(db: Database) -> None:
    def unit(conn: Connection) -> None:
        _, ann, bao = crew(conn, "1")
        tenant_settings.set_banned(conn, ann, True)
        assert state_of(conn, bao).tenant(PLANS).sponsors == ()
        tenant_settings.set_banned(conn, ann, False)
        assert len(state_of(conn, bao).tenant(PLANS).sponsors) == 1

    await db.write(unit)


@pytest.mark.parametrize("who", ["owner", "member"])
async def test_forgotten_person_leaves_and_a_forgotten_owner_dissolves(who: str, db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn, "1")
        transfers.credit(conn, ann, Money(1), ref="gift", reason="test", now=NOW)
        asked = hold_request(team, member_id=bao)
        pay(conn, asked, take(conn, asked))
        exported = personal_data.export(conn, bao, NOW)
        assert [each["name"] for each in exported["teams"]] == ["Tea house"]
        assert [each["answers"] for each in exported["team_shares"]] == [1]
        if who == "owner":
            teams.fill(conn, team_of(conn, team), ann, Money(1), "fill:1", NOW)
            personal_data.forget(conn, ann, 1001, NOW)
            assert teams.find(conn, team) is None
            left = [conn.rows(f"SELECT * FROM {table}") for table in ("tenants", "transfers")]
            assert "Tea house" not in str([dict(each) for found in left for each in found])
        else:
            personal_data.forget(conn, bao, 1002, NOW)
            assert [each.tenant_id for each in members.of_team(conn, team, NOW)] == [ann]
        assert teams.of_member(conn, bao) is None
        assert scalar(conn, "SELECT COUNT(*) FROM team_members") == 2
        check_books(conn)

    await db.write(unit)
