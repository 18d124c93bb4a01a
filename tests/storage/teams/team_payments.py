"""Random payments, refunds and plans of a team: the rules of its state machine about Stars and plans."""

from collections.abc import Callable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from engine.money import ZERO, Money
from storage.billing import orders, payments, plans, refunds
from storage.billing.payments import Payment
from storage.database.connection import Connection
from storage.teams import teams
from storage.tenants import tenants
from tests.storage.books import FREE, NOW
from tests.storage.process import Raw, connection
from tests.storage.teams.team_model import PLANS, STAR, Ask, Invoice, Person, who


class TeamPayments(RuleBasedStateMachine):
    """A team whose members order Stars for it, and whose plan changes."""

    team: int
    people: list[Person]
    fresh: ClassVar[Callable[[], Raw]]

    def __init__(self) -> None:
        super().__init__()
        self.raw = type(self).fresh()
        self.conn: Connection = connection(self.raw)
        self.open: list[Ask] = []
        self.paid: list[Ask] = []
        self.invoices: list[Invoice] = []
        self.asked, self.owner, self.now = 0, 0, NOW
        self.money, self.price = ZERO, ZERO

    @rule(person=who, stars=st.integers(1, 60))
    def order(self, person: int, stars: int) -> None:
        if self._stands() and self.people[person].joined:
            payer, number = self.people[person].tenant, len(self.invoices)
            made = orders.make_order(
                self.conn, self.team, orders.TOPUP, Money(STAR.nanousd * stars), STAR, self.now, payer_id=payer
            )
            self.invoices.append(Invoice(made, person, Payment(f"c{number}", made.id, person + 1, stars)))

    @rule(number=st.integers(0, 3))
    def stars_come(self, number: int) -> None:
        """A payment arrives, late or for the second time."""
        if self.invoices:
            each = self.invoices[number % len(self.invoices)]
            done = payments.pay(self.conn, each.payment, per_star=STAR, known=PLANS, now=self.now)
            assert done.fresh == (not each.paid)
            if done.fresh:
                taker = self.team if self._stands() else self.people[each.payer].tenant
                assert (done.tenant_id, done.credited) == (taker, each.order.usd)
                self.money += done.credited
            each.paid = True

    @rule(number=st.integers(0, 3))
    def refund(self, number: int) -> None:
        """A refund arrives, before its payment or for the second time."""
        if self.invoices:
            each = self.invoices[number % len(self.invoices)]
            done = refunds.refund(
                self.conn, each.payment.charge_id, known=PLANS, now=self.now, unseen=each.payment, per_star=STAR
            )
            assert done is not None
            assert done.fresh == (not each.refunded)
            self.money += ZERO if each.paid else each.order.usd
            self.money -= each.order.usd if done.fresh else ZERO
            each.paid = each.refunded = True

    @rule(name=st.sampled_from(["mini", "maxi"]))
    def upgrade(self, name: str) -> None:
        if self._stands():
            unused = self._unused()
            done = plans.buy_from_wallet(self.conn, self.team, PLANS[name], PLANS, self.now)
            if done.done:
                assert done.credited == unused
                self.money += unused - PLANS[name].usd_per_month
                self.price = PLANS[name].usd_per_month

    @rule()
    def end_plan(self) -> None:
        if self._stands():
            unused = self._unused()
            if plans.set_by_admin(self.conn, self.team, FREE, self.now):
                self.money += unused
            self.price = ZERO

    def _unused(self) -> Money:
        """Return the value of the plan's unused part, which is at most the price of its unused tokens."""
        state = tenants.state(self.conn, self.team)
        assert state is not None
        unused = plans.unused_part(self.conn, state, self.now)
        if self.price and state.allowance_tokens:
            left = self.price.nanousd * max(0, state.allowance_left_tokens) // state.allowance_tokens
            assert ZERO <= unused <= Money(left + 1)
        else:
            assert unused == ZERO
        return unused

    def _stands(self) -> bool:
        return teams.find(self.conn, self.team) is not None
