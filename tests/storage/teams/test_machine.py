"""Random operations of a team against a model: limits hold, no money is lost, shares equal the charges."""

import sqlite3
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule
from msgspec.structs import replace

from engine.holds import Grant, HoldRequest, worth_of
from engine.money import ZERO, Money
from engine.tenancy import Charge
from storage.database.connection import scalar
from storage.invoices.drafts import draft_month
from storage.ledger import holds, returns, shares, transfers
from storage.operations import personal_data
from storage.operations.audit import problems
from storage.teams import members, teams
from storage.teams.teams import TeamBusy
from storage.tenants import tenants
from storage.tenants.shared_wallets import WalletShort
from tests.storage.books import DOUBLE, FLAT, FREE, NOW, RATES, bill, hold_request
from tests.storage.machines import run_machine, steps_or
from tests.storage.process import Raw
from tests.storage.teams.team_model import LATEST, PEOPLE, Ask, Person, who
from tests.storage.teams.team_payments import TeamPayments

STEPS = 40
LIMITS = (None, Money(0), Money.usd("0.002"), Money.usd("0.01"))
FATES = ("kept", "kept", "late", "late", "given back", "void")
RARE = 7  # because after the end of the team there is little left to try
chances = st.integers(0, 9)


class TeamMachine(TeamPayments):
    """A team with an owner and two members, with a wallet and plans, and the wallets of the three."""

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
        for each in (team, *made):
            transfers.credit(self.conn, each, Money.usd("0.05"), ref=f"fill:{each}", reason="test", now=NOW)
        self.money = Money.usd("0.20")
        self.conn.run("UPDATE accounts SET allowance_tokens = :n WHERE tenant_id = :id", n=tokens, id=team)

    @rule(n=st.integers(1, 4), again=st.booleans())
    def fill(self, n: int, again: bool) -> None:
        team = teams.find(self.conn, self.team)
        if team is not None:
            self.asked += not again
            owner, ref = self.people[self.owner].tenant, f"move:{self.asked}"
            with suppress(WalletShort):
                teams.fill(self.conn, team, owner, Money(n * 500_000), ref, self.now)

    @rule(hours=st.integers(1, 40))
    def wait(self, hours: int) -> None:
        self.now = min(LATEST, self.now + timedelta(hours=hours))

    @rule(person=who, limit=st.sampled_from(LIMITS))
    def limit(self, person: int, limit: Money | None) -> None:
        if person != self.owner and self.people[person].joined:
            members.set_limit(self.conn, self.team, self.people[person].tenant, limit)
            self.people[person].limit = limit

    @rule(person=who, paused=st.booleans())
    def pause(self, person: int, paused: bool) -> None:
        if person != self.owner and self.people[person].joined:
            members.set_paused(self.conn, self.team, self.people[person].tenant, paused)
            self.people[person].paused = paused

    @rule(person=who)
    def leave_or_come_back(self, person: int) -> None:
        each = self.people[person]
        if each.joined:
            left = members.leave(self.conn, each.tenant, self.now)
            assert left == (person != self.owner)
            each.joined = not left
        elif self._stands():
            assert members.join(self.conn, self.team, each.tenant, None, self.now)
            each.joined, each.limit, each.paused = True, None, False

    @rule(person=who)
    def give_to(self, person: int) -> None:
        each = self.people[person]
        given = members.give_to(self.conn, self.team, self.people[self.owner].tenant, each.tenant, self.now)
        assert given == (each.joined and not each.paused)
        if given:
            self.owner, each.limit = person, None

    @rule(person=who, flat=st.booleans(), size=st.integers(1, 200), fate=st.sampled_from(FATES))
    def ask(self, person: int, flat: bool, size: int, fate: str) -> None:
        """Ask a question; the answer comes at once, late or not at all."""
        self.asked += 1
        request = hold_request(self.team, f"r{self.asked}", tariff=FLAT if flat else DOUBLE, input_tokens=size,
                               output_tokens=size, member_id=self.people[person].tenant)  # fmt: skip
        if not self._hold(request, person) or fate == "late":
            return
        if fate == "void":
            ask = self.open.pop()
            assert holds.void(self.conn, ask.request.hold_id, self.now)
            self.people[ask.person].held -= ask.worth
            return
        self.capture(len(self.open) - 1, 2 * size)
        if fate == "given back":
            self.give_back(len(self.paid) - 1)

    def _hold(self, request: HoldRequest, person: int) -> bool:
        sized = holds.hold(self.conn, request, "L", self.now)
        if not isinstance(sized, Grant):
            return False
        each, ask = self.people[person], Ask(request, sized, person)
        if ask.of_team:
            ask.worth = worth_of(request.tariff, Charge(sized.wallet, sized.allowance_tokens))
            assert each.joined
            assert not each.paused
            assert self._stands()
            each.held += ask.worth
            assert each.limit is None or each.held + each.used <= each.limit
        self.open.append(ask)
        return True

    @rule(number=st.integers(0, 5), tokens=st.integers(1, 800))
    def capture(self, number: int, tokens: int) -> None:
        if self.open:
            ask = self.open.pop(number % len(self.open))
            given = bill(ask.request, tokens)
            ask.charge = holds.capture(self.conn, ask.request, ask.grant, given, rates=RATES, now=self.now)
            self.money -= ask.charge.wallet
            if ask.of_team:
                each = self.people[ask.person]
                each.held -= ask.worth
                ask.worth = worth_of(ask.request.tariff, ask.charge)
                each.used += ask.worth
            self.paid.append(ask)

    @rule(number=st.integers(0, 5), retries=st.sampled_from(["no", "team", "own"]))
    def expire(self, number: int, retries: str) -> None:
        """A process dies. The request is repeated, paid by the team or by the person, or not at all."""
        if self.open:
            ask = self.open.pop(number % len(self.open))
            each = self.people[ask.person]
            if retries == "no":
                assert holds.void(self.conn, ask.request.hold_id, self.now, "expired")
            each.held -= ask.worth
            payer, member = (self.team, each.tenant) if retries == "team" else (each.tenant, None)
            again = replace(ask.request, epoch=ask.request.epoch + 1, tenant_id=payer, member_id=member)
            if retries != "no":
                self._hold(again, ask.person)
            assert not holds.void(self.conn, ask.request.hold_id, self.now)

    @rule(number=st.integers(0, 5))
    def give_back(self, number: int) -> None:
        if self.paid:
            ask = self.paid.pop(number % len(self.paid))
            assert returns.give_back(self.conn, ask.request.request_id, self.now) is not None
            assert returns.give_back(self.conn, ask.request.request_id, self.now) is None
            self.money += ask.charge.wallet
            if ask.of_team:
                self.people[ask.person].used -= ask.worth

    @rule(chance=chances)
    def dissolve(self, chance: int) -> None:
        if self._stands() and chance == RARE:
            self._end(lambda: teams.dissolve(self.conn, self.team, self.now))

    @rule(person=who, chance=chances)
    def forget(self, person: int, chance: int) -> None:
        each = self.people[person]
        if person == self.owner and self._stands():
            if chance != RARE:
                return
            self._end(lambda: personal_data.forget(self.conn, each.tenant, person + 1, self.now))
        else:
            personal_data.forget(self.conn, each.tenant, person + 1, self.now)
            each.joined = False

    def _end(self, end: Callable[[], object]) -> None:
        unused = self._unused()
        try:
            end()
        except TeamBusy:
            assert any(ask.request.tenant_id == self.team for ask in self.open)
            return
        # Only tokens of a plan that ended may still be held; they count as used.
        assert not any(ask.grant.wallet for ask in self.open if ask.request.tenant_id == self.team)
        self.money, self.price = self.money + unused, ZERO
        state = tenants.state(self.conn, self.team)
        assert state is not None
        assert (state.wallet, state.owed, state.allowance_tokens) == (ZERO, ZERO, 0)
        for each in self.people:
            each.joined = False

    @rule(person=who)
    def sweep(self, person: int) -> None:
        teams.sweep(self.conn, self.people[person].tenant, self.now)

    @invariant()
    def shares_are_those_of_the_model(self) -> None:
        if not hasattr(self, "team"):
            return
        for each in self.people:
            assert shares.used(self.conn, self.team, each.tenant, NOW.date()) == each.held + each.used

    @invariant()
    def money_is_conserved(self) -> None:
        assert int(scalar(self.conn, "SELECT COALESCE(SUM(balance_nanousd - owed_nanousd), 0) FROM accounts")) == (
            self.money.nanousd
        )

    def teardown(self) -> None:
        assert problems(self.conn) == []
        for found in self.conn.rows("SELECT * FROM accounts"):
            invoice = draft_month(self.conn, found["tenant_id"], NOW.date().replace(day=1), ZERO)
            assert (invoice.closing.nanousd, invoice.owed.nanousd) == (found["balance_nanousd"], found["owed_nanousd"])
            members_paid = [each.charge for each in invoice.members]
            assert found["tenant_id"] != self.team or sum(members_paid, ZERO) == invoice.charges
        if isinstance(self.raw, sqlite3.Connection):
            self.raw.close()


def test_random_operations_of_a_team_agree_with_the_model(fresh_sqlite: Callable[[], Raw]) -> None:
    run_machine(TeamMachine, fresh_sqlite, -(-steps_or(2_000) // STEPS), STEPS)
