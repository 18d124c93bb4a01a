from datetime import timedelta

import pytest

from engine.money import Money
from storage.billing import orders, payments, plans, refunds
from storage.billing.payments import Payment
from storage.database.connection import Connection, month_of
from storage.database.database import Database
from storage.ledger import holds, transfers
from storage.reports import quotas
from storage.teams import members, teams
from storage.tenants import api_keys, notices, tenant_settings
from storage.tenants.api_keys import KeySettings
from storage.tenants.tenants import PERIOD
from tests.storage.books import DOUBLE, FREE, NOW, PRO, RATES, bill, hold_request, pay, take, tenant
from tests.storage.teams.crew import crew

PERCENTS = (80, 100)
THRESHOLD = Money.usd("1")
STAR = Money(13_000_000)


def in_telegram(conn: Connection, usd: str = "0") -> int:
    made = tenant(conn, usd)
    conn.run("UPDATE tenants SET telegram_user_id = 1000 + :id WHERE id = :id", id=made)
    return made


def spend(conn: Connection, tenant_id: int, tokens: int, request: str = "r1", key_id: int | None = None) -> None:
    asked = hold_request(tenant_id, request, input_tokens=tokens, output_tokens=64, key_id=key_id)
    pay(conn, asked, take(conn, asked), tokens=tokens)


def notified(conn: Connection) -> list[int]:
    """Return the thresholds that are due, and mark each as notified."""
    found = quotas.allowances_crossed(conn, PERCENTS)
    assert all(notices.first_time(conn, each.key, NOW) for each in found)
    return [each.percent for each in found]


async def test_each_threshold_is_notified_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn)
        spend(conn, ann, 790)
        assert notified(conn) == []
        spend(conn, ann, 20, "r2")
        assert notified(conn) == [80]
        assert notified(conn) == []
        spend(conn, ann, 50, "r3")  # 140 tokens are left, too few for an answer
        assert notified(conn) == [100]
        assert notified(conn) == []

    await db.write(unit)


async def test_of_two_thresholds_crossed_at_once_the_higher_is_notified(db: Database) -> None:
    def unit(conn: Connection) -> None:
        spend(conn, in_telegram(conn), 900)
        assert notified(conn) == [100]
        assert notified(conn) == []

    await db.write(unit)


async def test_held_tokens_do_not_count_as_used(db: Database) -> None:
    def unit(conn: Connection) -> None:
        take(conn, hold_request(in_telegram(conn), input_tokens=900, output_tokens=64))
        assert notified(conn) == []

    await db.write(unit)


async def test_new_period_is_notified_again(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn)
        spend(conn, ann, 820)
        assert notified(conn) == [80]
        plans.start_plan(conn, ann, FREE, NOW)
        assert notified(conn) == []
        spend(conn, ann, 820, "r2")
        assert notified(conn) == [80]

    await db.write(unit)


async def test_tenants_without_telegram_or_who_blocked_the_bot_are_skipped(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn)
        spend(conn, ann, 900)
        tenant_settings.set_blocked(conn, 1000 + ann, True)
        spend(conn, tenant(conn), 900, "r2")
        assert notified(conn) == []

    await db.write(unit)


async def test_teams_crossings_go_to_its_owner(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, ann, bao = crew(conn, "0.50")
        conn.run("UPDATE accounts SET allowance_tokens = 1000 WHERE tenant_id = :id", id=team)
        spend(conn, team, 900)
        asked = hold_request(team, "r2", tariff=DOUBLE)
        pay(conn, asked, take(conn, asked))
        (quota,), (low,) = quotas.allowances_crossed(conn, PERCENTS), quotas.low_wallets(conn, THRESHOLD, NOW)
        assert {(each.user_id, each.team) for each in (quota, low)} == {(1001, "Tea house")}
        members.give_to(conn, team, ann, bao, NOW)
        assert [each.user_id for each in quotas.low_wallets(conn, THRESHOLD, NOW)] == [1002]
        tenant_settings.set_blocked(conn, 1002, True)
        assert [*quotas.allowances_crossed(conn, PERCENTS), *quotas.low_wallets(conn, THRESHOLD, NOW)] == []

    await db.write(unit)


async def test_low_wallet_of_a_team_without_a_plan_is_reported_once_a_month(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, *_ = crew(conn, "0.50")
        asked = hold_request(team, tariff=DOUBLE)
        pay(conn, asked, take(conn, asked))
        (low,) = quotas.low_wallets(conn, THRESHOLD, NOW)
        assert notices.first_time(conn, low.key, NOW)
        assert quotas.low_wallets(conn, THRESHOLD, NOW) == []
        december = NOW.replace(month=12, day=1, hour=0)
        assert quotas.low_wallets(conn, THRESHOLD, december) == []
        again = hold_request(team, "r2", tariff=DOUBLE)
        holds.capture(conn, again, take(conn, again), bill(again), rates=RATES, now=december)
        (later,) = quotas.low_wallets(conn, THRESHOLD, december)
        assert later.user_id == 1001

    await db.write(unit)


async def test_dissolved_teams_are_skipped(db: Database) -> None:
    def unit(conn: Connection) -> None:
        team, *_ = crew(conn, "0.50")
        asked = hold_request(team, tariff=DOUBLE)
        pay(conn, asked, take(conn, asked))
        assert quotas.low_wallets(conn, THRESHOLD, NOW)
        teams.dissolve(conn, team, NOW)
        assert [each.team for each in quotas.low_wallets(conn, THRESHOLD, NOW)] == []

    await db.write(unit)


async def test_low_wallet_is_found_only_if_it_was_spent_from_in_this_period(db: Database) -> None:
    def unit(conn: Connection) -> None:
        quiet, ann = in_telegram(conn, "0.50"), in_telegram(conn, "1.01")
        assert quotas.low_wallets(conn, THRESHOLD, NOW) == []
        asked = hold_request(ann, tariff=DOUBLE, input_tokens=9_000, output_tokens=1_000)
        pay(conn, asked, take(conn, asked), tokens=10_000)
        (found,) = quotas.low_wallets(conn, THRESHOLD, NOW)
        assert (found.user_id, found.wallet) == (1000 + ann, Money.usd("0.99"))
        assert notices.first_time(conn, found.key, NOW)
        assert quotas.low_wallets(conn, THRESHOLD, NOW) == []
        transfers.credit(conn, quiet, Money.usd("0.10"), ref="x", reason="", now=NOW)
        assert quotas.low_wallets(conn, THRESHOLD, NOW) == []

    await db.write(unit)


async def test_buying_a_plan_from_the_wallet_counts_as_spending(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "29.50")
        plans.buy_from_wallet(conn, ann, PRO, {"free": FREE, "pro": PRO}, NOW)
        assert [each.user_id for each in quotas.low_wallets(conn, THRESHOLD, NOW)] == [1000 + ann]

    await db.write(unit)


async def test_plan_paid_by_stars_does_not_count_as_spending(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn)
        order = orders.make_order(conn, ann, orders.PLAN, PRO.usd_per_month, STAR, NOW, plan="pro")
        paid = Payment("c1", order.id, 1000 + ann, order.stars)
        payments.pay(conn, paid, per_star=STAR, known={"free": FREE, "pro": PRO}, now=NOW)
        assert quotas.low_wallets(conn, THRESHOLD, NOW) == []

    await db.write(unit)


async def test_refund_does_not_count_as_spending(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn)
        order = orders.make_order(conn, ann, orders.TOPUP, Money.usd("5"), STAR, NOW)
        payments.pay(conn, Payment("c1", order.id, 1000 + ann, order.stars), per_star=STAR, known={}, now=NOW)
        refunds.refund(conn, "c1", known={"free": FREE}, now=NOW)
        assert quotas.low_wallets(conn, THRESHOLD, NOW) == []

    await db.write(unit)


async def test_key_thresholds_are_notified_once_a_month(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "10")
        key = api_keys.add(conn, ann, api_keys.new_key(), KeySettings(name="dev", tokens_per_month=1_000), NOW)
        spend(conn, ann, 810, key_id=key.id)
        month = month_of(NOW)
        (found,) = quotas.keys_crossed(conn, PERCENTS, month)
        assert (found.percent, found.left_tokens, found.prefix) == (80, 190, key.prefix)
        assert notices.first_time(conn, found.key, NOW)
        assert quotas.keys_crossed(conn, PERCENTS, month) == []
        spend(conn, ann, 60, "r2", key_id=key.id)
        assert [each.percent for each in quotas.keys_crossed(conn, PERCENTS, month)] == [100]
        assert quotas.keys_crossed(conn, PERCENTS, month_of(NOW + timedelta(days=31))) == []
        api_keys.revoke(conn, ann, key.id, NOW)
        assert quotas.keys_crossed(conn, PERCENTS, month) == []

    await db.write(unit)


@pytest.mark.parametrize(
    ("allowance", "used", "percents"),
    [
        (1_000, 799, []),
        (1_000, 800, [80]),
        (1_000, 856, [80]),
        (1_000, 857, [100]),
        (100_000, 99_999, [100]),
        (100, 1, [100]),
        (0, 0, []),
        (1_000_000, 0, []),
    ],
)
async def test_thresholds_are_exact(db: Database, allowance: int, used: int, percents: list[int]) -> None:
    def unit(conn: Connection) -> list[int]:
        conn.run(
            "UPDATE accounts SET allowance_tokens = :allowance, allowance_used_tokens = :used WHERE tenant_id = :id",
            id=in_telegram(conn),
            allowance=allowance,
            used=used,
        )
        return [each.percent for each in quotas.allowances_crossed(conn, PERCENTS)]

    assert await db.write(unit) == percents


async def test_crossing_names_the_tokens_left_and_the_renewal(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn)
        spend(conn, ann, 850)
        (found,) = quotas.allowances_crossed(conn, PERCENTS)
        assert (found.user_id, found.left_tokens, found.renews_at) == (1000 + ann, 150, NOW + PERIOD)

    await db.write(unit)


@pytest.mark.parametrize(("usd", "found"), [("1.000000001", 0), ("1.30", 0), ("0.999999999", 1)])
async def test_wallet_is_low_below_the_threshold_only(db: Database, usd: str, found: int) -> None:
    def unit(conn: Connection) -> int:
        ann = in_telegram(conn, usd)
        asked = hold_request(ann, tariff=DOUBLE)
        pay(conn, asked, take(conn, asked), tokens=0, cost_atto=10**9)
        conn.run("UPDATE accounts SET balance_nanousd = :n WHERE tenant_id = :id", id=ann, n=Money.usd(usd).nanousd)
        return len(quotas.low_wallets(conn, THRESHOLD, NOW))

    assert await db.write(unit) == found


async def test_spending_of_an_earlier_period_makes_no_wallet_low(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "0.50")
        asked = hold_request(ann, tariff=DOUBLE)
        pay(conn, asked, take(conn, asked))
        assert len(quotas.low_wallets(conn, THRESHOLD, NOW)) == 1
        plans.start_plan(conn, ann, FREE, NOW)
        assert len(quotas.low_wallets(conn, THRESHOLD, NOW)) == 1
        plans.start_plan(conn, ann, FREE, NOW + timedelta(milliseconds=1))
        assert quotas.low_wallets(conn, THRESHOLD, NOW) == []

    await db.write(unit)
