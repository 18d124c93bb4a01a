"""A state machine of the ledger: random operations, killed at any commit or cancelled at any await, against a model."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from engine.errors import HoldLost, InsufficientFunds
from engine.holds import Grant, HoldRequest
from engine.money import Money
from engine.ports import Bill
from engine.tenancy import Plan
from storage.billing import plans
from storage.database.connection import Connection
from storage.ledger import expiry, transfers
from storage.ledger.ledger import CaptureUnit, HoldUnit, SqlHold
from storage.operations.audit import problems
from storage.tenants import api_keys
from storage.tenants.api_keys import KeySettings
from tests.storage.books import DOUBLE, FLAT, FREE, NOW, PRO, FixedClock, bill, hold_request, tenant
from tests.storage.model import Account, Key, Model
from tests.storage.process import Fate, Killed, Process, Raw, connection
from tests.storage.steps import Step, steps

SMALL = Plan(name="free", usd_per_month=Money(0), tokens_per_month=700, requests_per_minute=6, max_output_tokens=1024)
seen: Counter[str] = Counter()


class LedgerMachine(RuleBasedStateMachine):
    """Two tenants, one with an API key; a process that holds and captures, and is replaced after it was killed."""

    fresh: ClassVar[Callable[[], Raw]]

    def __init__(self) -> None:
        super().__init__()
        self.raw = type(self).fresh()
        self.clock, self.model = FixedClock(), Model()
        self.loop = asyncio.new_event_loop()
        self._processes_started, self.open = 0, dict[str, tuple[HoldRequest, Any, SqlHold]]()
        self.process = self._start_process()

    def _start_process(self) -> Process:
        self._processes_started += 1
        self.open.clear()
        return Process(self.raw, f"process {self._processes_started}", self.clock)

    @initialize()
    def create_tenants(self) -> None:
        def unit(conn: Connection) -> tuple[list[int], int]:
            made = [tenant(conn, plan=FREE), tenant(conn, plan=SMALL)]
            return made, api_keys.add(
                conn, made[0], api_keys.new_key(), KeySettings(name="k", tokens_per_month=900), NOW
            ).id

        self.tenants, self.key = self.process.run_now(unit)
        for each, plan in zip(self.tenants, (FREE, SMALL), strict=True):
            self.model.accounts[each] = Account(tokens=plan.tokens_per_month)
        self.model.keys[self.key] = Key(900, 202611)

    @rule(step=steps)
    def run_step(self, step: Step) -> None:
        getattr(self, step.operation)(step)

    def hold(self, step: Step) -> None:
        self._hold([self._asked(step, step.who, step.number)], step)

    def rush(self, step: Step) -> None:
        """Make three holds at once, of one or two tenants; two of them may be for the same request."""
        others = ((1 - step.who if step.flat else step.who, step.number + 1), (step.who, step.tokens))
        self._hold([self._asked(step, who, number) for who, number in ((step.who, step.number), *others)], step)

    def _asked(self, step: Step, who: int, number: int) -> HoldRequest:
        owner = self.tenants[who]
        name = f"{owner}-{4 * (len(self.model.answers) // 3) + number % 4}"
        return hold_request(owner, name, epoch=step.epoch, tariff=FLAT if step.flat else DOUBLE, input_tokens=step.size,
                   output_tokens=step.size, key_id=self.key if step.keyed and who == 0 else None)  # fmt: skip

    def _hold(self, hold_requests: list[HoldRequest], step: Step) -> None:
        process = self.process
        contexts = [process.ledger.hold(asked) for asked in hold_requests]
        cancel = step.cancel if step.fate is Fate.LIVES else None
        outcomes = self._run([context.__aenter__ for context in contexts], step.fate, cancel)
        committed = {id(unit.hold_request) for unit in process.committed if isinstance(unit, HoldUnit)}
        voided = []
        for asked, context, outcome in zip(hold_requests, contexts, outcomes, strict=True):
            cancelled_before_start = cancel == 0 and asked is hold_requests[0]
            if cancelled_before_start or (outcome is Killed and id(asked) not in committed):
                continue
            expected = self.model.hold(asked, process.name, self._month())
            if outcome is asyncio.CancelledError:
                voided += [asked.request_id] if isinstance(expected, Grant) else []
            elif isinstance(outcome, SqlHold):
                assert outcome.grant == expected
                self.open[asked.request_id] = (asked, context, outcome)
            elif outcome is not Killed:
                assert outcome is (HoldLost if expected is None else InsufficientFunds), (outcome, expected)
        for request_id in voided:
            self.model.void(request_id)

    def answer(self, step: Step) -> None:
        self._end(step, capture=True)

    def answers(self, step: Step) -> None:
        """Capture up to three holds at once."""
        self._end(step, capture=True, most=3)

    def leave(self, step: Step) -> None:
        self._end(step, capture=False)

    def _end(self, step: Step, *, capture: bool, most: int = 1) -> None:
        """Capture open holds, or leave their contexts, which voids them."""
        names = sorted(self.open)
        first = step.number % len(names) if names else 0
        ending = [(*self.open[name], bill(self.open[name][0], step.tokens)) for name in names[first : first + most]]

        async def end(context: Any, hold: SqlHold, bought: Bill) -> None:
            try:
                if capture:
                    await hold.capture(bought)
            finally:
                await context.__aexit__()

        lost = {asked.request_id for asked, *_ in ending if self._is_lost(asked)}
        fate = Fate.LIVES if lost else step.fate
        cancel = step.cancel if fate is Fate.LIVES else None
        process = self.process
        outcomes = self._run([partial(end, *each[1:]) for each in ending], fate, cancel)
        captured = {
            unit.capture_request.hold_request.hold_id for unit in process.committed if isinstance(unit, CaptureUnit)
        }
        for number, ((asked, _, hold, bought), outcome) in enumerate(zip(ending, outcomes, strict=True)):
            if cancel == 0 and number == 0:
                continue
            self.open.pop(asked.request_id, None)
            if asked.request_id in lost:
                assert outcome in {HoldLost if capture else None, asyncio.CancelledError}
            elif capture and (outcome is not Killed or hold.id in captured):
                self.model.capture(asked.request_id, bought.tokens, bought.cost_atto)
            elif fate is not Fate.DIES_BEFORE:
                self.model.void(asked.request_id)

    def _is_lost(self, asked: HoldRequest) -> bool:
        held = self.model.holds[asked.request_id]
        return held.hold_request.epoch != asked.epoch or held.state != "open"

    def credit(self, step: Step) -> None:
        owner, amount, ref = self.tenants[step.who], Money(step.nanousd), self._ref("c", step)
        if self._write(lambda conn: transfers.credit(conn, owner, amount, ref=ref, reason="", now=NOW), step):
            self.model.credit(owner, amount, ref)

    def refund(self, step: Step) -> None:
        owner, amount, ref = self.tenants[step.who], Money(step.nanousd), self._ref("r", step)
        facts: dict[str, Any] = {"kind": "debit", "to": "house:debits", "ref": ref, "reason": "", "now": NOW}
        if self._write(lambda conn: transfers.debit_or_owe(conn, owner, amount, **facts), step):
            self.model.debit(owner, amount, ref)

    def change_plan(self, step: Step) -> None:
        owner, plan = self.tenants[step.who], (FREE, SMALL, PRO)[step.epoch - 1]
        if self._write(lambda conn: plans.start_plan(conn, owner, plan, NOW), step):
            self.model.start_plan(owner, plan.tokens_per_month)

    def limit_key(self, step: Step) -> None:
        limit = (None, 900, 2000, 5000)[step.number]
        if self._write(
            lambda conn: api_keys.change(conn, self.tenants[0], self.key, {"tokens_per_month": limit}, NOW), step
        ):
            self.model.keys[self.key].limit = limit

    def expire(self, step: Step) -> None:
        """Expire the holds of dead processes."""
        own = self.process.name
        if self._write(lambda conn: expiry.expire_holds(conn, NOW, lambda lease: lease != own), step):
            for request_id, held in self.model.holds.items():
                if held.lease != own:
                    self.model.void(request_id, "expired")

    def kill(self, _: Step) -> None:
        self.process.dead = True
        self.process = self._start_process()

    def advance_a_week(self, _: Step) -> None:
        self.clock.move(timedelta(days=7))

    def _ref(self, kind: str, step: Step) -> str:
        return f"{kind}{step.number}-{len(self.model.answers) // 3}-{step.who}"

    @invariant()
    def audit_finds_no_problem_and_the_model_agrees(self) -> None:
        seen[type(self.raw).__module__] += 1
        conn = connection(self.raw)
        assert problems(conn) == []
        for owner, expected in self.model.accounts.items():
            found = conn.rows("SELECT * FROM accounts WHERE tenant_id = :id", id=owner)[0]
            assert (found["balance_nanousd"], found["held_nanousd"], found["owed_nanousd"]) == (
                expected.balance, expected.held, expected.owed)  # fmt: skip
            assert (found["allowance_used_tokens"], found["allowance_held_tokens"]) == (
                expected.used,
                expected.held_tokens,
            )
        for number, key in self.model.keys.items():
            found = conn.rows("SELECT * FROM api_keys WHERE id = :id", id=number)[0]
            assert (found["month"], found["used_tokens"], found["held_tokens"]) == (key.month, key.used, key.held)
        paid = {each["request_id"]: each["charge_nanousd"] for each in conn.rows("SELECT * FROM attempts WHERE kept")}
        assert paid == {request: charge.wallet.nanousd for request, charge in self.model.answers.items()}

    def teardown(self) -> None:
        self.loop.close()
        if isinstance(self.raw, sqlite3.Connection):
            self.raw.close()

    def _month(self) -> int:
        return self.clock.at.year * 100 + self.clock.at.month

    def _write(self, unit: Callable[[Connection], object], step: Step) -> bool:
        """Run one unit; return True if it was committed, even if the process died before the result arrived."""
        self.process.fate = step.fate
        try:
            self.process.run_now(unit)
        except Killed:
            self.process = self._start_process()
        return step.fate is not Fate.DIES_BEFORE

    def _run(self, calls: list[Callable[[], Any]], fate: Fate, cancel: int | None) -> list[Any]:
        """Return each result, or the class of the exception. The first task is cancelled after `cancel` loop turns."""
        process = self.process
        process.fate, process.committed = fate, []

        async def run_all() -> list[Any]:
            tasks = [asyncio.ensure_future(call()) for call in calls]
            for _ in range(cancel if cancel is not None else 0):
                await asyncio.sleep(0)
            if cancel is not None and tasks:
                tasks[0].cancel()
            return await asyncio.gather(*tasks, return_exceptions=True)

        outcomes = self.loop.run_until_complete(run_all())
        process.fate = Fate.LIVES
        if process.dead:
            self.process = self._start_process()
        return [type(outcome) if isinstance(outcome, BaseException) else outcome for outcome in outcomes]
