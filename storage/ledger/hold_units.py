"""A hold and a capture as units: each by itself, or together with its like."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from engine.holds import Fit, HoldRequest
from engine.ports import CaptureStep, Clock
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.database.write_queue import BatchUnit, NotBatchable
from storage.ledger import hold_batches, holds
from storage.ledger.hold_batches import CaptureRequest


class HoldUnit(BatchUnit):
    """Sets aside what a bid asks for, under a lease."""

    __slots__ = ("bid", "clock", "lease_id")

    def __init__(self, bid: HoldRequest, lease_id: str, clock: Clock) -> None:
        self.bid, self.lease_id, self.clock = bid, lease_id, clock

    def __call__(self, conn: Connection) -> Fit:
        return holds.hold(conn, self.bid, self.lease_id, self.clock.now())

    @classmethod
    def run_batch(cls, conn: Connection, units: Sequence["HoldUnit"]) -> list[Fit]:
        first = units[0]
        if any(unit.lease_id != first.lease_id for unit in units):
            raise NotBatchable
        return hold_batches.hold(conn, [unit.bid for unit in units], first.lease_id, first.clock.now())


class CaptureUnit(BatchUnit):
    """Charges a kept answer; `also` runs in its transaction. `rates` as in hot.capture."""

    __slots__ = ("also", "answer", "clock", "rates")

    def __init__(
        self, answer: CaptureRequest, also: CaptureStep | None, rates: Mapping[str, Fraction], clock: Clock
    ) -> None:
        self.answer, self.also, self.rates, self.clock = answer, also, rates, clock

    def __call__(self, conn: Connection) -> Charge:
        charge = holds.capture(conn, *self.answer, rates=self.rates, now=self.clock.now())
        self.do_also(conn, charge)
        return charge

    @classmethod
    def run_batch(cls, conn: Connection, units: Sequence["CaptureUnit"]) -> list[Charge]:
        first = units[0]
        if any(unit.rates is not first.rates for unit in units):
            raise NotBatchable
        charges = hold_batches.capture(conn, [unit.answer for unit in units], first.rates, first.clock.now())
        for unit, charge in zip(units, charges, strict=True):
            unit.do_also(conn, charge)
        return charges

    def do_also(self, conn: Connection, charge: Charge) -> None:
        if self.also is not None:
            self.also(conn, charge)
