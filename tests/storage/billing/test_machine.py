"""Random payments, refunds, upgrades, renewals and answers of one tenant: no money is lost, no plan is paid twice."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from engine.holds import Grant
from engine.money import ZERO, Money
from engine.tenancy import Plan
from storage.billing import orders, payments, plans, refunds, renewals, subscriptions
from storage.billing.orders import PLAN, TOPUP, Order
from storage.billing.payments import Payment
from storage.database.connection import Connection, scalar
from storage.ledger import holds, transfers
from storage.operations.audit import problems
from storage.tenants import tenants
from storage.tenants.tenants import TenantState
from tests.storage.books import FLAT, FREE, NOW, RATES, bill, hold_request
from tests.storage.machines import run_machine, steps_or
from tests.storage.process import Raw, connection

STEPS = 40
ANN = 1001
STAR, MONTH = Money(1_000_000), timedelta(days=30)


def plan(name: str, usd: str, tokens: int) -> Plan:
    return replace(FREE, name=name, usd_per_month=Money.usd(usd), tokens_per_month=tokens)


PLANS = {each.name: each for each in (FREE, plan("mini", "0.0045", 400), plan("maxi", "0.01", 1_200))}
names = st.sampled_from(["mini", "maxi"])


@dataclass(slots=True)
class Paid:
    """A payment and its state."""

    order: Order
    payment: Payment
    booked: bool = False
    refunded: bool = False


class BillingMachine(RuleBasedStateMachine):
    """A tenant with top-ups, subscriptions, and plans from the wallet."""

    fresh: ClassVar[Callable[[], Raw]]

    def __init__(self) -> None:
        super().__init__()
        self.raw = type(self).fresh()
        self.conn: Connection = connection(self.raw)
        self.now = NOW
        self.ann = tenants.create(self.conn, "Ann", FREE, now=NOW, telegram_user_id=ANN)
        transfers.credit(self.conn, self.ann, Money.usd("0.005"), ref="gift", reason="test", now=NOW)
        self.money = Money.usd("0.005")
        self.orders: list[Order] = []
        self.paid: list[Paid] = []
        self.asked, self.seen = 0, 0

    def _state(self) -> TenantState:
        found = tenants.state(self.conn, self.ann)
        assert found is not None
        return found

    @rule(name=names, stars=st.integers(1, 20), is_plan=st.booleans())
    def order(self, name: str, stars: int, is_plan: bool) -> None:
        kind, usd = (PLAN, PLANS[name].usd_per_month) if is_plan else (TOPUP, Money(STAR.nanousd * stars))
        made = orders.make_order(self.conn, self.ann, kind, usd, STAR, self.now, plan=name if is_plan else None)
        self.orders.append(made)

    @rule(number=st.integers(0, 4), late_days=st.sampled_from([0, 0, 0, 1, 29, 31]))
    def stars_are_taken(self, number: int, late_days: int) -> None:
        """Telegram takes the Stars of an order, again each month; the update may arrive days later."""
        if self.orders:
            order, count = self.orders[number % len(self.orders)], len(self.paid)
            until = self.now + MONTH - timedelta(days=late_days) if order.kind == PLAN else None
            self.paid.append(Paid(order, Payment(f"c{count}", order.id, ANN, order.stars, until)))
            self._book(self.paid[-1])

    @rule(number=st.integers(0, 6))
    def update_comes_again(self, number: int) -> None:
        if self.paid:
            self._book(self.paid[number % len(self.paid)])

    def _book(self, each: Paid) -> None:
        before = self._state()
        done = payments.pay(self.conn, each.payment, per_star=STAR, known=PLANS, now=self.now)
        assert done.fresh == (not each.booked)
        if done.fresh:
            self.money += each.order.usd
            assert done.credited == each.order.usd
            assert (done.plan is None) == (each.order.kind == TOPUP or done.kept is not None)
        each.booked = True
        self._check_plan(before, None if done.plan is None or not done.fresh else PLANS[done.plan])

    @rule(number=st.integers(0, 6))
    def refund(self, number: int) -> None:
        if self.paid:
            each, before = self.paid[number % len(self.paid)], self._state()
            done = refunds.refund(self.conn, each.payment.charge_id, known=PLANS, now=self.now)
            assert done is not None
            assert done.fresh == (not each.refunded)
            if done.fresh:
                self.money -= each.order.usd
            each.refunded = True
            self._check_plan(before, None)

    @rule(number=st.integers(0, 4))
    def refund_comes_first(self, number: int) -> None:
        if self.orders:
            order, before = self.orders[number % len(self.orders)], self._state()
            each = Paid(order, Payment(f"c{len(self.paid)}", order.id, ANN, order.stars), True, True)
            self.paid.append(each)
            charge_id = each.payment.charge_id
            done = refunds.refund(self.conn, charge_id, known=PLANS, now=self.now, unseen=each.payment, per_star=STAR)
            assert done is not None
            assert done.fresh
            self._check_plan(before, None)

    @rule(name=names)
    def upgrade(self, name: str) -> None:
        before = self._state()
        done = plans.buy_from_wallet(self.conn, self.ann, PLANS[name], PLANS, self.now)
        self._check_plan(before, PLANS[name] if done.done else None)

    @rule(name=st.sampled_from([*PLANS, None]))
    def schedule(self, name: str | None) -> None:
        plans.schedule_plan(self.conn, self.ann, name)

    @rule(name=st.sampled_from([*PLANS]))
    def operator_sets(self, name: str) -> None:
        before = self._state()
        plans.set_by_admin(self.conn, self.ann, PLANS[name], self.now)
        self._check_plan(before, None)

    @rule(days=st.integers(1, 40), wallet_pays=st.booleans())
    def wait(self, days: int, wallet_pays: bool) -> None:
        self.now += timedelta(days=days)
        before = self._state()
        renewals.renew_free(self.conn, FREE, self.now)
        assert self._state().plan == before.plan
        renewed = None
        for tenant_id in renewals.due(self.conn, FREE, self.now):
            renewed = renewals.renew(self.conn, tenant_id, PLANS, self.now, wallet_pays=wallet_pays)
        paid_for = renewed is not None and renewed.outcome in {renewals.RENEWED, renewals.CHANGED}
        wanted = PLANS[renewed.plan] if renewed is not None and paid_for else None
        self._check_plan(before, wanted if wanted is not None and wanted.usd_per_month else None)
        assert before.plan != "free" or self._state().renews_at > self.now or self._state().next_plan is not None

    @rule(state=st.sampled_from(["active", "canceled", "failed"]), by_us=st.booleans())
    def telegram_tells(self, state: str, by_us: bool) -> None:
        current = subscriptions.current(self.conn, self.ann)
        if current is not None:
            subscriptions.record_state(self.conn, current.order_id, state, by_us=by_us and state == "canceled")

    @rule()
    def replaced_ones_are_cancelled(self) -> None:
        for each, user_id in subscriptions.to_cancel(self.conn):
            assert user_id == ANN
            subscriptions.mark_canceled(self.conn, each.order_id)

    @rule(tokens=st.integers(1, 900))
    def answer(self, tokens: int) -> None:
        self.asked += 1
        request = hold_request(self.ann, f"r{self.asked}", tariff=FLAT, input_tokens=tokens, output_tokens=100)
        sized = holds.hold(self.conn, request, "L", self.now)
        if isinstance(sized, Grant):
            charge = holds.capture(self.conn, request, sized, bill(request, tokens), rates=RATES, now=self.now)
            self.money -= charge.wallet

    def _check_plan(self, before: TenantState, bought: Plan | None) -> None:
        """Check the plan account's transfers: one price, and a credit of at most the old period's unused part."""
        moved = self.conn.rows(
            "SELECT * FROM transfers WHERE id > :seen AND 'house:plans' IN (debit, credit) ORDER BY id", seen=self.seen
        )
        self.seen = int(scalar(self.conn, "SELECT MAX(id) FROM transfers"))
        given = [Money(each["amount_nanousd"]) for each in moved if each["debit"] == "house:plans"]
        taken = [Money(each["amount_nanousd"]) for each in moved if each["credit"] == "house:plans"]
        assert taken == ([] if bought is None else [bought.usd_per_month])
        assert len(given) <= 1
        if given:
            price = tenants.paid_for_period(self.conn, before)
            time = Fraction((before.renews_at - self.now) / (before.renews_at - before.period_start))
            tokens = Fraction(before.allowance_left_tokens, before.allowance_tokens)
            assert ZERO < given[0] <= price.share(min(Fraction(1), tokens)) + Money(1)
            assert given[0] <= price.share(max(Fraction(0), time).limit_denominator(10**12)) + Money(1)
        self.money += sum(given, ZERO) - sum(taken, ZERO)

    @invariant()
    def money_is_conserved(self) -> None:
        state = self._state()
        assert state.wallet - state.owed == self.money

    @invariant()
    def paid_plan_has_its_price(self) -> None:
        state = self._state()
        assert not state.period_ref or tenants.paid_for_period(self.conn, state) == PLANS[state.plan].usd_per_month
        assert state.allowance_tokens == PLANS[state.plan].tokens_per_month

    def teardown(self) -> None:
        assert problems(self.conn) == []
        if isinstance(self.raw, sqlite3.Connection):
            self.raw.close()


def test_random_payments_agree_with_the_model(fresh_sqlite: Callable[[], Raw]) -> None:
    run_machine(BillingMachine, fresh_sqlite, -(-steps_or(2_000) // STEPS), STEPS)
