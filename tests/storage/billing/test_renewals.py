from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.money import Money
from engine.tenancy import Plan
from storage.billing import orders, payments, plans, renewals, subscriptions
from storage.billing.payments import Payment
from storage.billing.renewals import CHANGED, LAPSED, RENEWED, UNPAID
from storage.database.connection import Connection
from storage.database.database import Database
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
STAR = Money(13_000_000)
END = NOW + PERIOD
HOUR, MS = timedelta(hours=1), timedelta(milliseconds=1)
ANN = 1001


def state(conn: Connection, tenant_id: int) -> TenantState:
    found = tenants.state(conn, tenant_id)
    assert found is not None
    return found


def in_telegram(conn: Connection, usd: str = "0", plan: Plan | None = None) -> int:
    """Create a tenant with a Telegram id, `usd` in the wallet and a plan bought from it."""
    made = tenant(conn, usd)
    conn.run("UPDATE tenants SET telegram_user_id = :user WHERE id = :id", user=ANN, id=made)
    if plan is not None:
        assert plans.buy_from_wallet(conn, made, plan, KNOWN, NOW).done
    return made


def subscribed(conn: Connection, plan: Plan = STARTER) -> int:
    made = in_telegram(conn)
    order = orders.make_order(conn, made, orders.PLAN, plan.usd_per_month, STAR, NOW, plan=plan.name)
    payments.pay(conn, Payment("c1", order.id, ANN, order.stars, END), per_star=STAR, known=KNOWN, now=NOW)
    return made


def renewed(conn: Connection, tenant_id: int, at: datetime, *, wallet: bool = True) -> str | None:
    """Renew and return the outcome, after a check that the audit finds no problem."""
    done = renewals.renew(conn, tenant_id, KNOWN, at, wallet_pays=wallet)
    check_books(conn)
    return done.outcome if done else None


async def test_free_periods_are_renewed_on_each_tenants_own_date(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ids = [tenant(conn) for _ in range(3)]
        asked = hold_request(ids[0])
        pay(conn, asked, take(conn, asked))
        late = END + PERIOD + HOUR
        assert renewals.renew_free(conn, FREE, late, limit=2) == 2
        assert renewals.renew_free(conn, FREE, late, limit=2) == 1
        assert renewals.renew_free(conn, FREE, late, limit=2) == 0
        for each in (state(conn, number) for number in ids):
            assert (each.period_start, each.renews_at) == (END + PERIOD, END + 2 * PERIOD)
            assert each.allowance_left_tokens == FREE.tokens_per_month
        check_books(conn)

    await db.write(unit)


async def test_period_is_not_renewed_before_its_end(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "9")
        plans.buy_from_wallet(conn, ann, STARTER, KNOWN, NOW)
        assert renewals.renew_free(conn, FREE, END) == 0
        assert renewed(conn, ann, END - MS) is None
        assert renewals.due(conn, FREE, END - MS) == []
        assert renewals.due(conn, FREE, END) == [ann]

    await db.write(unit)


async def test_sufficient_wallet_renews_the_plan_on_its_date(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "18", STARTER)
        assert renewed(conn, ann, END + HOUR) == RENEWED
        assert renewed(conn, ann, END + HOUR) is None
        now = state(conn, ann)
        assert (now.plan, now.renews_at, now.wallet) == ("starter", END + PERIOD, Money(0))
        assert tenants.paid_for_period(conn, now) == Money.usd("9")

    await db.write(unit)


async def test_unpaid_plan_is_notified_once_and_lapses_after_the_grace(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "10", STARTER)
        assert renewed(conn, ann, END) == UNPAID
        assert renewed(conn, ann, END + HOUR) is None
        assert renewed(conn, ann, END + 24 * HOUR - MS) is None
        assert state(conn, ann).plan == "starter"
        assert renewed(conn, ann, END + 24 * HOUR) == LAPSED
        assert (state(conn, ann).plan, state(conn, ann).wallet) == ("free", Money.usd("1"))

    await db.write(unit)


async def test_wallet_pays_no_renewal_where_only_stars_do(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "18", STARTER)
        assert renewed(conn, ann, END, wallet=False) == UNPAID
        assert state(conn, ann).wallet == Money.usd("9")

    await db.write(unit)


async def test_tenant_without_telegram_renews_from_the_wallet(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "18")
        plans.buy_from_wallet(conn, ann, STARTER, KNOWN, NOW)
        assert renewed(conn, ann, END, wallet=False) == RENEWED

    await db.write(unit)


async def test_late_stars_of_a_subscription_have_a_day_before_it_lapses(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = subscribed(conn)
        assert renewed(conn, ann, END + 24 * HOUR - MS) is None
        assert state(conn, ann).plan == "starter"
        assert renewed(conn, ann, END + 24 * HOUR) == LAPSED
        order = subscriptions.current(conn, ann)
        assert order is not None
        late = Payment("c2", order.order_id, ANN, 693, END + PERIOD)
        assert payments.pay(conn, late, per_star=STAR, known=KNOWN, now=END + 30 * HOUR).plan == "starter"
        assert state(conn, ann).renews_at == END + PERIOD
        check_books(conn)

    await db.write(unit)


async def test_cancelled_subscription_is_not_renewed_from_the_wallet(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = subscribed(conn)
        current = subscriptions.current(conn, ann)
        assert current is not None
        subscriptions.record_state(conn, current.order_id, "canceled", by_us=True)
        rich = Payment("c9", "unknown", ANN, 10_000)
        payments.pay(conn, rich, per_star=STAR, known=KNOWN, now=NOW)
        before = state(conn, ann).wallet
        assert renewed(conn, ann, END) == LAPSED
        assert (state(conn, ann).plan, state(conn, ann).wallet) == ("free", before)

    await db.write(unit)


async def test_scheduled_plan_starts_at_the_end_of_the_period(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "38", PRO)
        plans.schedule_plan(conn, ann, "starter")
        assert renewed(conn, ann, END - MS) is None
        assert renewed(conn, ann, END) == CHANGED
        now = state(conn, ann)
        assert (now.plan, now.next_plan, now.wallet) == ("starter", None, Money(0))
        plans.schedule_plan(conn, ann, "free")
        assert renewed(conn, ann, END + PERIOD) == CHANGED
        assert state(conn, ann).plan == "free"

    await db.write(unit)


async def test_plan_that_left_the_configuration_lapses(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "100", PRO)
        done = renewals.renew(conn, ann, {"free": FREE}, END, wallet_pays=True)
        assert done is not None
        assert (done.outcome, done.plan) == (LAPSED, "free")
        assert state(conn, ann).wallet == Money.usd("71")

    await db.write(unit)


async def test_pages_of_due_tenants_skip_none(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ids = [tenant(conn) for _ in range(5)]
        for each in ids:
            plans.set_by_admin(conn, each, STARTER, NOW)
        seen: Sequence[int] = ()
        after = 0
        while page := renewals.due(conn, FREE, END, after=after, limit=2):
            seen, after = [*seen, *page], page[-1]
        assert seen == ids

    await db.write(unit)


async def test_free_period_is_renewed_at_its_end_and_not_before(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn)
        assert renewals.renew_free(conn, FREE, END - MS) == 0
        assert renewals.renew_free(conn, FREE, END) == 1
        assert (state(conn, ann).period_start, state(conn, ann).renews_at) == (END, END + PERIOD)

    await db.write(unit)


async def test_free_tenant_with_a_scheduled_plan_is_due_instead_of_renewed(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "9")
        plans.schedule_plan(conn, ann, "starter")
        assert renewals.renew_free(conn, FREE, END) == 0
        assert renewals.due(conn, FREE, END) == [ann]
        assert renewed(conn, ann, END) == CHANGED
        assert state(conn, ann).plan == "starter"

    await db.write(unit)


async def test_long_pause_of_the_scheduler_keeps_the_tenants_date(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = in_telegram(conn, "18", STARTER)
        assert renewed(conn, ann, END + 2 * PERIOD - MS) == RENEWED
        assert (state(conn, ann).period_start, state(conn, ann).renews_at) == (END + PERIOD, END + 2 * PERIOD)

    await db.write(unit)


async def test_failed_subscription_is_notified_at_once(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = subscribed(conn)
        current = subscriptions.current(conn, ann)
        assert current is not None
        subscriptions.record_state(conn, current.order_id, "failed")
        assert renewed(conn, ann, END) == UNPAID
        assert renewed(conn, ann, END + HOUR) is None
        assert renewed(conn, ann, END + 24 * HOUR) == LAPSED

    await db.write(unit)


async def test_scheduled_plan_does_not_wait_for_the_subscription(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = subscribed(conn)
        payments.pay(conn, Payment("c9", "unknown", ANN, 10_000), per_star=STAR, known=KNOWN, now=NOW)
        plans.schedule_plan(conn, ann, "pro")
        assert renewed(conn, ann, END) == CHANGED
        assert state(conn, ann).plan == "pro"

    await db.write(unit)
