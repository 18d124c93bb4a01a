"""The engine's Ledger port over SQL, and the units of work that it submits."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial

from engine.errors import InsufficientFunds
from engine.holds import Fit, Grant, HoldRequest, Shortfall
from engine.ports import Bill, CaptureStep, Clock, VoidStep
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.database.database import Database
from storage.database.leases import Lease
from storage.database.write_queue import BatchUnit, NotBatchable
from storage.ledger import daily_answers, hold_batches, holds
from storage.ledger.hold_batches import CaptureRequest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SqlLedger:
    """The engine's Ledger over SQL. Holds belong to `lease` and expire after the end of its process.

    `rates`: the worth of an allowance token by plan (journal.allowance_rates). `unvoided`: ids of holds that could not
    be voided.
    """

    db: Database
    lease: Lease
    clock: Clock
    rates: Mapping[str, Fraction]
    unvoided: set[str] = field(default_factory=set, compare=False)

    def hold(self, hold_request: HoldRequest) -> "_HoldContext":
        """Return a context manager that commits the hold on entry, and voids it on exit unless it was captured."""
        return _HoldContext(self, hold_request)

    async def open_hold(self, hold_request: HoldRequest) -> "SqlHold":
        """Commit the hold.

        If the caller is cancelled during the commit, the hold is voided before the cancellation is raised.

        Raises InsufficientFunds, DailyAnswersUsed, and HoldLost for a request that was paid or attempted again.
        """
        await self._retry_voids()
        future = self.db.submit(HoldUnit(hold_request, self.lease.id, self.clock))
        try:
            sized = await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                grant = future.result()
                if isinstance(grant, Grant):
                    await SqlHold(self, hold_request, grant).void()
            raise
        if isinstance(sized, Shortfall):
            raise InsufficientFunds(sized)
        return SqlHold(self, hold_request, sized)

    async def answers_today(self, tenant_id: int) -> int:
        """Return the number of the tenant's answers of this UTC day, including those that are running."""
        now = self.clock.now()
        return await self.db.read(partial(daily_answers.count, tenant_id=tenant_id, now=now))

    async def void_or_remember(self, hold: "SqlHold") -> None:
        """Void `hold`. If the database fails, remember it, so that the next hold tries again."""
        try:
            await hold.void()
        except Exception:
            log.exception("hold %s could not be voided; the next hold retries it", hold.id)
            self.unvoided.add(hold.id)

    async def _retry_voids(self) -> None:
        for hold_id in tuple(self.unvoided):
            await self.db.submit(partial(holds.void, hold_id=hold_id, now=self.clock.now()))
            self.unvoided.discard(hold_id)


class SqlHold:
    """A committed hold. `capture` and `void` each run one transaction."""

    def __init__(self, ledger: SqlLedger, hold_request: HoldRequest, grant: Grant) -> None:
        self._ledger, self._hold_request, self.grant = ledger, hold_request, grant
        self.resolved = False

    @property
    def id(self) -> str:
        return self._hold_request.hold_id

    async def capture(self, bill: Bill, also: CaptureStep | None = None) -> Charge:
        ledger, capture_request = self._ledger, CaptureRequest(self._hold_request, self.grant, bill)
        charge: Charge = await ledger.db.submit(CaptureUnit(capture_request, also, ledger.rates, ledger.clock))
        self.resolved = True
        return charge

    async def void(self, also: VoidStep | None = None) -> None:
        ledger = self._ledger

        def unit(conn: Connection) -> None:
            holds.void(conn, self.id, ledger.clock.now())
            if also is not None:
                also(conn)

        await ledger.db.submit(unit)
        self.resolved = True


class _HoldContext:
    """The `async with` block of a hold: every way of leaving it resolves the hold."""

    __slots__ = ("_hold", "_hold_request", "_ledger")

    def __init__(self, ledger: SqlLedger, hold_request: HoldRequest) -> None:
        self._ledger, self._hold_request = ledger, hold_request

    async def __aenter__(self) -> SqlHold:
        self._hold = await self._ledger.open_hold(self._hold_request)
        return self._hold

    async def __aexit__(self, *_: object) -> None:
        if not self._hold.resolved:
            await self._ledger.void_or_remember(self._hold)


class HoldUnit(BatchUnit):
    """The unit of work that makes a hold under a lease."""

    __slots__ = ("clock", "hold_request", "lease_id")

    def __init__(self, hold_request: HoldRequest, lease_id: str, clock: Clock) -> None:
        self.hold_request, self.lease_id, self.clock = hold_request, lease_id, clock

    @property
    def syncs_later(self) -> bool:
        return self.hold_request.is_shown_at_end

    def __call__(self, conn: Connection) -> Fit:
        return holds.hold(conn, self.hold_request, self.lease_id, self.clock.now())

    @classmethod
    def run_batch(cls, conn: Connection, units: Sequence["HoldUnit"]) -> list[Fit]:
        first = units[0]
        if any(unit.lease_id != first.lease_id or _is_special(unit.hold_request) for unit in units):
            raise NotBatchable
        return hold_batches.hold(conn, [unit.hold_request for unit in units], first.lease_id, first.clock.now())


def _is_special(hold_request: HoldRequest) -> bool:
    """Return True for a hold that is limited by more than funds."""
    return bool(hold_request.answers_per_day) or hold_request.member_id is not None


class CaptureUnit(BatchUnit):
    """The unit of work that captures a hold and runs `also` in the same transaction."""

    __slots__ = ("also", "capture_request", "clock", "rates")

    def __init__(
        self, capture_request: CaptureRequest, also: CaptureStep | None, rates: Mapping[str, Fraction], clock: Clock
    ) -> None:
        self.capture_request, self.also, self.rates, self.clock = capture_request, also, rates, clock

    def __call__(self, conn: Connection) -> Charge:
        charge = holds.capture(conn, *self.capture_request, rates=self.rates, now=self.clock.now())
        self.run_also(conn, charge)
        return charge

    @classmethod
    def run_batch(cls, conn: Connection, units: Sequence["CaptureUnit"]) -> list[Charge]:
        first = units[0]
        if any(unit.rates is not first.rates or unit.capture_request.hold_request.member_id for unit in units):
            raise NotBatchable
        requests = [unit.capture_request for unit in units]
        charges = hold_batches.capture(conn, requests, first.rates, first.clock.now())
        for unit, charge in zip(units, charges, strict=True):
            unit.run_also(conn, charge)
        return charges

    def run_also(self, conn: Connection, charge: Charge) -> None:
        if self.also is not None:
            self.also(conn, charge)
