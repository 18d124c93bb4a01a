"""The model of a team: its members, their questions, and the orders for it."""

from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from engine.holds import Grant, HoldRequest
from engine.money import ZERO, Money
from engine.tenancy import Charge, Plan
from storage.billing.orders import Order
from storage.billing.payments import Payment
from tests.storage.books import FREE, NOW

PEOPLE = 3
who = st.integers(0, PEOPLE - 1)
STAR = Money(100_000)


def plan(name: str, usd: str, tokens: int) -> Plan:
    return replace(FREE, name=name, usd_per_month=Money.usd(usd), tokens_per_month=tokens)


PLANS = {each.name: each for each in (FREE, plan("mini", "0.004", 400), plan("maxi", "0.009", 1_200))}
LATEST = NOW.replace(day=30, hour=0)
"""The state machine stays in one month, because the limits are monthly."""


@dataclass(slots=True)
class Person:
    """A member in the model: the limit, and the worth of the member's holds and charges in the team."""

    tenant: int
    limit: Money | None = None
    joined: bool = True
    paused: bool = False
    held: Money = ZERO
    used: Money = ZERO


@dataclass(slots=True)
class Ask:
    """An open hold and its member, or a charge that may be given back. `worth`: its part of the member's share."""

    request: HoldRequest
    grant: Grant
    person: int
    worth: Money = field(default=ZERO)
    charge: Charge = field(default=Charge())

    @property
    def of_team(self) -> bool:
        return self.request.member_id is not None


@dataclass(slots=True)
class Invoice:
    """An order of Stars for the team, its payment, and the payment's state."""

    order: Order
    payer: int
    payment: Payment
    paid: bool = False
    refunded: bool = False
