"""The engine's Ledger and Journal over SQL, and the units that move money outside of answers."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from functools import partial
from typing import Any

from engine.attempt_record import AttemptRecord
from engine.errors import InsufficientFunds
from engine.holds import Grant, HoldRequest, Shortfall
from engine.money import ZERO, Money
from engine.ports import Bill, CaptureStep, Clock, VoidStep
from engine.tenancy import Charge, Plan
from storage.database.connection import Connection, Row, row, scalar
from storage.database.database import Database
from storage.database.leases import Lease
from storage.ledger import holds
from storage.ledger.hold_batches import CaptureRequest
from storage.ledger.hold_units import CaptureUnit, HoldUnit
from storage.ledger.holds import wallet_of
from storage.ledger.transfers import post

log = logging.getLogger(__name__)


class SqlHold:
    """A hold that stands in the database. `capture` and `void` are each one transaction."""

    def __init__(self, ledger: "SqlLedger", bid: HoldRequest, grant: Grant) -> None:
        self._ledger, self._bid, self.grant = ledger, bid, grant
        self.resolved = False

    @property
    def id(self) -> str:
        return self._bid.hold_id

    async def capture(self, bill: Bill, also: CaptureStep | None = None) -> Charge:
        ledger, answer = self._ledger, CaptureRequest(self._bid, self.grant, bill)
        charge: Charge = await ledger.db.submit(CaptureUnit(answer, also, ledger.rates, ledger.clock))
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


@dataclass(frozen=True, slots=True)
class SqlLedger:
    """ports.Ledger. Holds belong to `lease`: they end with its process."""

    db: Database
    lease: Lease
    clock: Clock
    rates: Mapping[str, Fraction]
    stranded: set[str] = field(default_factory=set, compare=False)
    """Holds that could not be voided when they should have been."""

    def hold(self, bid: HoldRequest) -> "_Holding":
        return _Holding(self, bid)

    async def give_back(self, hold: SqlHold) -> None:
        """A database that fails now must not keep a tenant's money until this process ends."""
        try:
            await hold.void()
        except Exception:
            log.exception("hold %s could not be voided; the next hold tries again", hold.id)
            self.stranded.add(hold.id)

    async def _retry_voids(self) -> None:
        for hold_id in tuple(self.stranded):
            await self.db.submit(partial(holds.void, hold_id=hold_id, now=self.clock.now()))
            self.stranded.discard(hold_id)

    async def take(self, bid: HoldRequest) -> SqlHold:
        """If we are cancelled while the hold commits, it is voided again before the cancellation goes on."""
        await self._retry_voids()
        taking = self.db.submit(HoldUnit(bid, self.lease.id, self.clock))
        try:
            sized = await taking
        except asyncio.CancelledError:
            if taking.done() and not taking.cancelled() and taking.exception() is None:
                grant = taking.result()
                if isinstance(grant, Grant):
                    await SqlHold(self, bid, grant).void()
            raise
        if isinstance(sized, Shortfall):
            raise InsufficientFunds(sized)
        return SqlHold(self, bid, sized)


class _Holding:
    """`async with` is the safety: no exit can forget a hold."""

    __slots__ = ("_bid", "_hold", "_ledger")

    def __init__(self, ledger: SqlLedger, bid: HoldRequest) -> None:
        self._ledger, self._bid = ledger, bid

    async def __aenter__(self) -> SqlHold:
        self._hold = await self._ledger.take(self._bid)
        return self._hold

    async def __aexit__(self, *_: object) -> None:
        if not self._hold.resolved:
            await self._ledger.give_back(self._hold)


def allowance_rates(plans: Mapping[str, Plan]) -> dict[str, Fraction]:
    """What an allowance token of each plan is worth to the house, in nano-dollars."""
    return {
        name: Fraction(plan.usd_per_month.nanousd, plan.tokens_per_month) if plan.tokens_per_month else Fraction(0)
        for name, plan in plans.items()
    }


@dataclass(frozen=True, slots=True)
class SqlJournal:
    """ports.Journal."""

    db: Database

    async def record(self, attempt: AttemptRecord) -> None:
        await self.db.submit(lambda conn: holds.journal(conn, attempt))


def credit(
    conn: Connection,
    tenant_id: int,
    amount: Money,
    *,
    ref: str,
    reason: str,
    now: datetime,
    source: str = "house:credits",
) -> bool:
    """Add `amount` to the wallet; what is owed is paid first. False when `ref` was credited before."""
    account = _account(conn, tenant_id)
    wallet = wallet_of(tenant_id)
    posted = post(
        conn,
        kind="credit",
        debit=source,
        credit=wallet,
        amount=amount,
        tenant_id=tenant_id,
        ref=ref,
        now=now,
        reason=reason,
    )
    if not posted:
        return False
    repaid = min(amount, Money(account["owed_nanousd"]))
    if repaid:
        post(
            conn,
            kind="repayment",
            debit=wallet,
            credit=f"owed:{tenant_id}",
            amount=repaid,
            tenant_id=tenant_id,
            ref=f"repaid:{ref}",
            now=now,
            reason="owed from a refund",
        )
    conn.run(
        "UPDATE accounts SET balance_nanousd = balance_nanousd + :added,"
        " owed_nanousd = owed_nanousd - :repaid WHERE tenant_id = :id",
        id=tenant_id,
        added=(amount - repaid).nanousd,
        repaid=repaid.nanousd,
    )
    return True


def debit_or_owe(
    conn: Connection,
    tenant_id: int,
    amount: Money,
    *,
    kind: str,
    to: str,
    ref: str,
    reason: str,
    now: datetime,
) -> Money:
    """Take `amount` from what is free in the wallet and book the rest as owed; what was taken is returned.

    A repeat of the same `ref` takes nothing.
    """
    account = _account(conn, tenant_id)
    free = Money(account["balance_nanousd"] - account["held_nanousd"])
    taken = min(amount, free)
    owed = amount - taken
    fresh = _two_parts(conn, tenant_id, (taken, owed), kind=kind, to=to, ref=ref, reason=reason, now=now)
    if not fresh:
        return ZERO
    conn.run(
        "UPDATE accounts SET balance_nanousd = balance_nanousd - :taken, owed_nanousd = owed_nanousd + :owed"
        " WHERE tenant_id = :id",
        id=tenant_id,
        taken=taken.nanousd,
        owed=owed.nanousd,
    )
    return taken


def _account(conn: Connection, tenant_id: int) -> Row:
    account = holds.account(conn, tenant_id)
    if account is None:
        raise LookupError(f"tenant {tenant_id} has no account")
    return account


def _two_parts(conn: Connection, tenant_id: int, parts: tuple[Money, Money], **common: Any) -> bool:
    """The part from the wallet, and the part that is owed; False when either stands already."""
    ref, to = common.pop("ref"), common.pop("to")
    stands = row(conn, "SELECT 1 AS one FROM transfers WHERE ref IN (:ref, :owed)", ref=ref, owed=f"{ref}:owed")
    if stands is not None:
        return False
    sides = ((parts[0], wallet_of(tenant_id), ref), (parts[1], f"owed:{tenant_id}", f"{ref}:owed"))
    for amount, debit, own_ref in sides:
        if amount:
            post(conn, debit=debit, credit=to, amount=amount, tenant_id=tenant_id, ref=own_ref, **common)
    return True


def expire_holds(conn: Connection, now: datetime, is_dead: Callable[[str], bool], limit: int = 500) -> list[str]:
    """Void the open holds of processes that are dead; their ids. Accounts are locked in one order."""
    leases = conn.rows("SELECT DISTINCT lease_id FROM holds WHERE state = 'open'")
    left = [
        (hold["tenant_id"], hold["id"])
        for lease in leases
        if is_dead(lease["lease_id"])
        for hold in conn.rows(
            "SELECT request_id || ':' || epoch AS id, tenant_id FROM holds WHERE state = 'open' AND lease_id = :lease"
            " LIMIT :limit",
            lease=lease["lease_id"],
            limit=limit,
        )
    ]
    return [hold_id for _, hold_id in sorted(left)[:limit] if holds.void(conn, hold_id, now, "expired")]


def open_holds(conn: Connection) -> int:
    return int(scalar(conn, "SELECT count(*) AS n FROM holds WHERE state = 'open'"))
