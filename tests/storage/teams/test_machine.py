"""Random operations of a team against a model: limits hold, money is conserved, shares equal the charges."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from engine.holds import Grant, HoldRequest, worth_of
from engine.money import ZERO, Money
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.ledger import holds, returns, shares, transfers
from storage.operations.audit import problems
from storage.teams import members, teams
from storage.teams.teams import TeamBusy
from storage.tenants import tenants
from tests.storage.books import DOUBLE, FLAT, FREE, NOW, hold_request, pay
from tests.storage.process import Raw, connection

PEOPLE = 3
who = st.integers(0, PEOPLE - 1)
LIMITS = (None, Money(0), Money.usd("0.0005"), Money.usd("0.002"))


@dataclass(slots=True)
class Person:
    """A member as the model knows it: the limit, and the worth of the holds and charges in the team."""

    tenant: int
    limit: Money | None = None
    joined: bool = True
    paused: bool = False
    held: Money = ZERO
    used: Money = ZERO


@dataclass(slots=True)
class Ask:
    """An open hold and its person, or a charge that may be given back."""

    request: HoldRequest
    grant: Grant
    person: int
    worth: Money = field(default=ZERO)


class TeamMachine(RuleBasedStateMachine):
    """A team of an owner and two members; a hold is made, captured, void or given back in any order."""

    fresh: ClassVar[Callable[[], Raw]]

    def __init__(self) -> None:
        super().__init__()
        self.raw = type(self).fresh()
        self.conn: Connection = connection(self.raw)
        self.open: list[Ask] = []
        self.paid: list[Ask] = []
        self.asked = 0
        self.put_in = ZERO

    @initialize(tokens=st.sampled_from([0, 300]))
    def make_team(self, tokens: int) -> None:
        made = [tenants.create(self.conn, f"P{n}", FREE, now=NOW, telegram_user_id=n + 1) for n in range(PEOPLE)]
        team = teams.create(self.conn, made[0], "Team", FREE, NOW)
        assert team is not None
        self.team, self.people = team, [Person(each) for each in made]
        for each in made[1:]:
            members.join(self.conn, team, each, LIMITS[-1], NOW)
        for person in self.people[1:]:
            person.limit = LIMITS[-1]
        self.put_in = Money.usd("0.02")
        transfers.credit(self.conn, team, self.put_in, ref="fill", reason="test", now=NOW)
        self.conn.run("UPDATE accounts SET allowance_tokens = :n WHERE tenant_id = :id", n=tokens, id=team)

    @rule(n=st.integers(1, 4))
    def fill(self, n: int) -> None:
        if self._stands():
            usd = Money(n * 500_000)
            self.put_in += usd
            transfers.credit(self.conn, self.team, usd, ref=f"fill:{self.put_in}", reason="test", now=NOW)

    @rule(person=who, limit=st.sampled_from(LIMITS))
    def limit(self, person: int, limit: Money | None) -> None:
        if person and self.people[person].joined:
            members.set_limit(self.conn, self.team, self.people[person].tenant, limit)
            self.people[person].limit = limit

    @rule(person=who, paused=st.booleans())
    def pause(self, person: int, paused: bool) -> None:
        if person and self.people[person].joined:
            members.set_paused(self.conn, self.team, self.people[person].tenant, paused)
            self.people[person].paused = paused

    @rule(person=who)
    def leave_or_come_back(self, person: int) -> None:
        each = self.people[person]
        if each.joined:
            left = members.leave(self.conn, each.tenant, NOW)
            assert left == (person > 0 and self._stands())
            each.joined = not left
        elif self._stands():
            assert members.join(self.conn, self.team, each.tenant, None, NOW)
            each.joined, each.limit, each.paused = True, None, False

    @rule(person=who, flat=st.booleans(), size=st.integers(1, 400))
    def hold(self, person: int, flat: bool, size: int) -> None:
        each, tariff = self.people[person], FLAT if flat else DOUBLE
        self.asked += 1
        request = hold_request(self.team, f"r{self.asked}", tariff=tariff, input_tokens=size, output_tokens=size,
                               member_id=each.tenant)  # fmt: skip
        sized = holds.hold(self.conn, request, "L", NOW)
        if not isinstance(sized, Grant):
            return
        worth = worth_of(tariff, Charge(sized.wallet, sized.allowance_tokens))
        assert each.joined
        assert not each.paused
        assert self._stands()
        each.held += worth
        assert each.limit is None or each.held + each.used <= each.limit
        self.open.append(Ask(request, sized, person, worth))

    @rule(number=st.integers(0, 5), tokens=st.integers(1, 800))
    def capture(self, number: int, tokens: int) -> None:
        if number < len(self.open):
            ask = self.open.pop(number)
            charge = pay(self.conn, ask.request, ask.grant, tokens)
            each = self.people[ask.person]
            each.held -= ask.worth
            ask.worth = worth_of(ask.request.tariff, charge)
            each.used += ask.worth
            self.paid.append(ask)

    @rule(number=st.integers(0, 5))
    def void(self, number: int) -> None:
        if number < len(self.open):
            ask = self.open.pop(number)
            assert holds.void(self.conn, ask.request.hold_id, NOW)
            self.people[ask.person].held -= ask.worth

    @rule(number=st.integers(0, 5))
    def give_back(self, number: int) -> None:
        if number < len(self.paid):
            ask = self.paid.pop(number)
            assert returns.give_back(self.conn, ask.request.request_id, NOW) is not None
            self.people[ask.person].used -= ask.worth

    @rule()
    def dissolve(self) -> None:
        if not self._stands():
            return
        try:
            teams.dissolve(self.conn, self.team, NOW)
        except TeamBusy:
            assert self.open
        else:
            assert not self.open
            for each in self.people:
                each.joined = False

    def _stands(self) -> bool:
        return teams.find(self.conn, self.team) is not None

    @invariant()
    def shares_are_those_of_the_model(self) -> None:
        if not hasattr(self, "team"):
            return
        for each in self.people:
            assert shares.used(self.conn, self.team, each.tenant, NOW.date()) == each.held + each.used

    @invariant()
    def books_hold(self) -> None:
        assert problems(self.conn) == []

    def teardown(self) -> None:
        if hasattr(self, "team"):
            paid = sum((each.charge for each in shares.by_member(self.conn, self.team, NOW.date(), NOW.date())), ZERO)
            rows = self.conn.rows("SELECT SUM(balance_nanousd) AS n FROM accounts")
            assert Money(int(rows[0]["n"])) == self.put_in - paid
        if isinstance(self.raw, sqlite3.Connection):
            self.raw.close()


@pytest.fixture
def fresh(sqlite_template: Path) -> Iterator[Callable[[], Any]]:
    source = sqlite3.connect(sqlite_template)

    def copy() -> sqlite3.Connection:
        raw = sqlite3.connect(":memory:", isolation_level=None)
        source.backup(raw)
        raw.execute("PRAGMA foreign_keys = ON")
        return raw

    yield copy
    source.close()


def test_random_operations_of_a_team_agree_with_the_model(fresh: Callable[[], Any]) -> None:
    machine = type("MachineOfTeam", (TeamMachine,), {"fresh": staticmethod(fresh)})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=10,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
