"""No sequence of upgrades, downgrades, cancellations and refunds gives more value than was paid for."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from engine.money import Money
from engine.tenancy import Plan
from storage.billing import orders, payments, plans, refunds, renewals, subscriptions
from storage.billing.orders import PLAN
from storage.billing.payments import Payment
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger.transfers import credit
from storage.tenants import tenants
from storage.tenants.tenants import PERIOD, TenantState
from tests.storage.books import FREE, NOW, PRO, hold_request, pay, take
from tests.storage.shop import STAR, STARTER

SCALE = Plan(
    name="scale",
    usd_per_month=Money.usd("99"),
    tokens_per_month=25_000_000,
    requests_per_minute=240,
    max_output_tokens=8192,
)
KNOWN = {plan.name: plan for plan in (FREE, STARTER, PRO, SCALE)}
NAMES = st.sampled_from(sorted(KNOWN))
PAID = st.sampled_from(["starter", "pro", "scale"])
STEPS = st.one_of(
    st.tuples(st.just("use"), st.integers(1, 100)),
    st.tuples(st.just("buy"), PAID),
    st.tuples(st.just("subscribe"), PAID),
    st.tuples(st.just("downgrade"), NAMES),
    st.tuples(st.just("wait"), st.integers(0, 40)),
    st.tuples(st.just("cancel"), st.none()),
    st.tuples(st.just("refund"), st.none()),
)


@dataclass
class Customer:
    """A tenant, the money paid from outside, and the value of the used tokens at the price of their period."""

    conn: Connection
    user: int
    now: datetime = NOW
    paid_in: Money = Money(0)
    value: Fraction = Fraction(0)
    number: int = 0
    charges: list[tuple[str, Money]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.id = tenants.create(self.conn, "Ann", FREE, now=NOW, telegram_user_id=self.user)

    @property
    def state(self) -> TenantState:
        return plans.lock_tenant(self.conn, self.id)

    def use(self, percent: int) -> None:
        tokens = self.state.allowance_left_tokens * percent // 100
        if tokens < 2:
            return
        asked = hold_request(self.id, self._next(), input_tokens=tokens - 1, output_tokens=1)
        pay(self.conn, asked, take(self.conn, asked), tokens=tokens)
        paid = tenants.paid_for_period(self.conn, self.state)
        self.value += Fraction(paid.nanousd * tokens, self.state.allowance_tokens)

    def buy(self, name: str) -> None:
        """Buy a plan from the wallet, after a top-up of its price."""
        plan = KNOWN[name]
        self.paid_in += plan.usd_per_month
        credit(self.conn, self.id, plan.usd_per_month, ref=self._next(), reason="", now=self.now)
        plans.buy_from_wallet(self.conn, self.id, plan, KNOWN, self.now)

    def subscribe(self, name: str) -> None:
        plan = KNOWN[name]
        order = orders.make_order(self.conn, self.id, PLAN, plan.usd_per_month, STAR, self.now, plan=name)
        payment = Payment(self._next(), order.id, self.user, order.stars, self.now + PERIOD)
        done = payments.pay(self.conn, payment, per_star=STAR, known=KNOWN, now=self.now)
        self.paid_in += done.credited
        self.charges.append((payment.charge_id, done.credited))

    def downgrade(self, name: str) -> None:
        if plans.is_lower(self.conn, self.state, KNOWN[name], KNOWN, self.now):
            plans.schedule_plan(self.conn, self.id, name)

    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)
        renewals.renew(self.conn, self.id, KNOWN, self.now, wallet_pays=True)

    def cancel(self, _: None) -> None:
        current = subscriptions.current(self.conn, self.id)
        if current is not None:
            subscriptions.record_state(self.conn, current.order_id, "canceled", by_us=True)

    def refund(self, _: None) -> None:
        if self.charges:
            charge, credited = self.charges.pop()
            refunds.refund(self.conn, charge, known=KNOWN, now=self.now)
            self.paid_in -= credited

    def _next(self) -> str:
        self.number += 1
        return f"{self.user}:{self.number}"


async def test_three_upgrades_in_a_month_give_no_tokens_for_nothing(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = Customer(conn, 1)
        for name in ("starter", "pro", "scale"):
            ann.buy(name)
            ann.use(90)
        wallet = ann.state.wallet.nanousd
        assert ann.value + wallet <= ann.paid_in.nanousd
        assert wallet == Money.usd("3.8").nanousd  # a tenth of 9 and of 29 is credited

    await db.write(unit)


@pytest.mark.parametrize("round_no", range(2))
async def test_value_never_exceeds_the_money_paid(db: Database, round_no: int) -> None:
    numbers = iter(range(10_000 * (round_no + 1), 10**9))

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(STEPS, max_size=14))
    def play(steps: list[tuple[str, object]]) -> None:
        customer = Customer(conn_of[0], next(numbers))
        for name, value in steps:
            getattr(customer, name)(value)
            left = customer.state.wallet - customer.state.owed
            rounding = len(steps)  # half a nano-dollar for each credit
            assert customer.value + left.nanousd <= customer.paid_in.nanousd + rounding
        event(f"{len({name for name, _ in steps})} kinds of steps")

    conn_of: list[Connection] = []

    def unit(conn: Connection) -> None:
        conn_of[:] = [conn]
        play()

    await db.write(unit)
