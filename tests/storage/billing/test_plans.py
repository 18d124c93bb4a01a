import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage.billing import plans
from storage.billing.plans import PlanPurchase
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger.transfers import credit, debit_or_owe
from storage.tenants import tenants
from storage.tenants.tenants import PERIOD, TenantState
from tests.storage.books import FREE, NOW, PRO, check_books, hold_request, pay, take, tenant

STARTER = Plan(
    name="starter",
    usd_per_month=Money.usd("9"),
    tokens_per_month=2_000_000,
    requests_per_minute=20,
    max_output_tokens=2048,
)
KNOWN = {"free": FREE, "starter": STARTER, "pro": PRO}


def state(conn: Connection, tenant_id: int) -> TenantState:
    found = tenants.state(conn, tenant_id)
    assert found is not None
    return found


def bought(conn: Connection, tenant_id: int, plan: Plan, after: timedelta = timedelta(0)) -> PlanPurchase:
    return plans.buy_from_wallet(conn, tenant_id, plan, KNOWN, NOW + after)


async def test_bought_plan_starts_with_its_whole_allowance(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "10")
        assert bought(conn, ann, STARTER).done
        now = state(conn, ann)
        assert (now.plan, now.wallet, now.allowance_left_tokens) == ("starter", Money.usd("1"), 2_000_000)
        assert now.renews_at == NOW + PERIOD
        check_books(conn)

    await db.write(unit)


async def test_upgrade_credits_the_unused_time_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "40")
        bought(conn, ann, STARTER)
        done = bought(conn, ann, PRO, after=PERIOD / 3)
        assert done == PlanPurchase(done=True, credited=Money.usd("6"))
        assert state(conn, ann).wallet == Money.usd("8")
        assert not bought(conn, ann, PRO, after=PERIOD / 3).done
        assert state(conn, ann).wallet == Money.usd("8")
        check_books(conn)

    await db.write(unit)


async def test_unused_part_counts_towards_the_price(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "29")
        bought(conn, ann, STARTER)
        assert bought(conn, ann, PRO, after=PERIOD / 3) == PlanPurchase(done=False, missing=Money.usd("3"))
        assert state(conn, ann).plan == "starter"
        assert bought(conn, ann, PRO).done
        check_books(conn)

    await db.write(unit)


async def test_held_money_pays_no_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "9")
        asked = hold_request(ann, input_tokens=2_000)
        grant = take(conn, asked)
        assert bought(conn, ann, STARTER).missing == grant.wallet
        pay(conn, asked, grant)
        check_books(conn)

    await db.write(unit)


async def test_plan_set_by_an_admin_has_no_unused_value(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "29")
        assert plans.set_by_admin(conn, ann, STARTER, NOW)
        assert bought(conn, ann, PRO).credited == ZERO
        assert state(conn, ann).wallet == ZERO
        check_books(conn)

    await db.write(unit)


async def test_replacing_a_paid_plan_credits_its_unused_part(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "9")
        bought(conn, ann, STARTER)
        plans.set_by_admin(conn, ann, FREE, NOW + PERIOD / 2)
        assert (state(conn, ann).plan, state(conn, ann).wallet) == ("free", Money.usd("4.50"))
        check_books(conn)

    await db.write(unit)


async def test_setting_the_current_plan_only_removes_a_scheduled_change(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "9")
        bought(conn, ann, STARTER)
        plans.schedule_plan(conn, ann, "free")
        assert not plans.set_by_admin(conn, ann, STARTER, NOW + PERIOD / 2)
        now = state(conn, ann)
        assert (now.plan, now.next_plan, now.renews_at) == ("starter", None, NOW + PERIOD)

    await db.write(unit)


async def test_hold_of_the_old_period_uses_no_allowance_of_the_new_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "9")
        asked = hold_request(ann)
        grant = take(conn, asked)
        assert grant.allowance_tokens
        bought(conn, ann, STARTER)
        pay(conn, asked, grant)
        assert state(conn, ann).allowance_left_tokens == 2_000_000
        check_books(conn)

    await db.write(unit)


async def test_ten_simultaneous_purchases_buy_one_plan(db: Database) -> None:
    ann = await db.write(lambda conn: tenant(conn, "90"))
    done = await asyncio.gather(*(db.write(lambda conn: bought(conn, ann, STARTER)) for _ in range(10)))
    assert sum(each.done for each in done) == 1
    assert (await db.read(lambda conn: state(conn, ann))).wallet == Money.usd("81")
    await db.read(check_books)


async def test_lower_and_free_plans_are_not_bought_at_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "100")
        bought(conn, ann, PRO)
        assert not bought(conn, ann, STARTER).done
        assert not bought(conn, ann, replace(FREE, name="none")).done

    await db.write(unit)


async def test_unused_part_repays_a_debt_before_the_new_plan(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "9")
        bought(conn, ann, STARTER)
        debit_or_owe(conn, ann, Money.usd("4"), kind="debit", to="house:x", ref="r", reason="", now=NOW)
        assert state(conn, ann).owed == Money.usd("4")
        assert bought(conn, ann, PRO) == PlanPurchase(done=False, missing=Money.usd("24"))
        check_books(conn)

    await db.write(unit)


async def test_removed_plan_is_compared_by_its_paid_price(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "100")
        bought(conn, ann, PRO)
        left = {name: plan for name, plan in KNOWN.items() if name != "pro"}
        scale = replace(PRO, name="scale", usd_per_month=Money.usd("99"))
        assert plans.is_lower(conn, state(conn, ann), STARTER, left, NOW)
        assert not plans.is_lower(conn, state(conn, ann), scale, left, NOW)

    await db.write(unit)


async def test_lower_plan_can_be_bought_after_the_period(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "40")
        bought(conn, ann, PRO)
        assert not bought(conn, ann, STARTER, after=PERIOD / 2).done
        assert bought(conn, ann, STARTER, after=PERIOD + timedelta(hours=1)) == PlanPurchase(done=True)
        now = state(conn, ann)
        assert (now.plan, now.wallet, now.next_plan) == ("starter", Money.usd("2"), None)
        check_books(conn)

    await db.write(unit)


@pytest.mark.parametrize(
    ("after", "usd"),
    [
        (timedelta(days=-1), "9"),
        (timedelta(0), "9"),
        (PERIOD / 3, "6"),
        (PERIOD - timedelta(milliseconds=1), "0.000000003"),
        (PERIOD, "0"),
        (PERIOD * 2, "0"),
    ],
)
async def test_unused_part_is_the_share_of_the_time_left(db: Database, after: timedelta, usd: str) -> None:
    def unit(conn: Connection) -> Money:
        ann = tenant(conn, "9")
        bought(conn, ann, STARTER)
        return plans.unused_part(conn, state(conn, ann), NOW + after)

    assert await db.write(unit) == Money.usd(usd)


@pytest.mark.parametrize(
    ("used", "after", "usd"),
    [
        (500_000, timedelta(0), "6.75"),  # tokens: a quarter is used
        (500_000, PERIOD / 2, "4.5"),  # time: half is gone
        (1_999_999, timedelta(0), "0.0000045"),
        (2_000_000, timedelta(0), "0"),
    ],
)
async def test_unused_part_is_the_lesser_of_time_and_tokens(
    db: Database, used: int, after: timedelta, usd: str
) -> None:
    def unit(conn: Connection) -> Money:
        ann = tenant(conn, "9")
        bought(conn, ann, STARTER)
        asked = hold_request(ann, input_tokens=used - 1, output_tokens=1)
        pay(conn, asked, take(conn, asked), tokens=used)
        return plans.unused_part(conn, state(conn, ann), NOW + after)

    assert await db.write(unit) == Money.usd(usd)


async def test_unused_part_of_a_plan_without_tokens_is_its_time(db: Database) -> None:
    def unit(conn: Connection) -> Money:
        ann = tenant(conn, "9")
        bought(conn, ann, replace(STARTER, tokens_per_month=0))
        return plans.unused_part(conn, state(conn, ann), NOW + PERIOD / 3)

    assert await db.write(unit) == Money.usd("6")


async def test_held_tokens_count_as_used(db: Database) -> None:
    def unit(conn: Connection) -> Money:
        ann = tenant(conn, "9")
        bought(conn, ann, STARTER)
        take(conn, hold_request(ann, input_tokens=999_999, output_tokens=1))
        return plans.unused_part(conn, state(conn, ann), NOW)

    assert await db.write(unit) == Money.usd("4.5")


async def test_missing_amount_of_one_nano_dollar_buys_nothing(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "8.999999999")
        assert bought(conn, ann, STARTER) == PlanPurchase(done=False, missing=Money(1))
        credit(conn, ann, Money(1), ref="x", reason="", now=NOW)
        assert bought(conn, ann, STARTER) == PlanPurchase(done=True)
        assert state(conn, ann).wallet == ZERO

    await db.write(unit)


async def test_downgrade_waits_for_the_periods_end(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "29")
        bought(conn, ann, PRO)
        now = state(conn, ann)
        assert plans.is_lower(conn, now, STARTER, KNOWN, NOW + PERIOD - timedelta(milliseconds=1))
        assert not plans.is_lower(conn, now, STARTER, KNOWN, NOW + PERIOD)
        assert plans.is_lower(conn, now, FREE, KNOWN, NOW + PERIOD)
        assert not plans.is_lower(conn, now, replace(PRO, name="same-price"), KNOWN, NOW)

    await db.write(unit)


async def test_plan_of_an_unknown_tenant_is_an_error(db: Database) -> None:
    with pytest.raises(LookupError):
        await db.write(lambda conn: plans.lock_tenant(conn, 99))
