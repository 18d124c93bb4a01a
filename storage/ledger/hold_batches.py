"""Batches of holds and of captures in a few statements, for requests without special cases.

A special case (an earlier attempt at the request, a new month of an API key, ...) raises NotBatchable, and each unit
runs alone through holds.py, which handles all of them. Rows are locked in one order: accounts, then API keys, then
holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from engine.holds import Fit, Funds, Grant, HoldRequest, Shortfall, fit, settle
from engine.money import Money
from engine.ports import Bill
from engine.tenancy import Charge
from storage.database.connection import Connection
from storage.database.dates import month_of, ms
from storage.database.statements import BatchWrite
from storage.database.write_queue import NotBatchable
from storage.ledger import hold_batches_sql as sql
from storage.ledger import receipts
from storage.ledger.holds import HOUSE_CHARGES, allowance_worth, line, wallet_of


class CaptureRequest(NamedTuple):
    """A kept answer, and the hold that pays for it."""

    bid: HoldRequest
    grant: Grant
    bill: Bill


@dataclass(slots=True)
class _Purse:
    """What a tenant has left while the holds of one transaction are sized, and what they took."""

    allowance: int
    wallet: int
    period_no: int
    took_allowance: int = 0
    took_wallet: int = 0

    def take(self, grant: Grant) -> None:
        self.allowance -= grant.allowance_tokens
        self.wallet -= grant.wallet.nanousd
        self.took_allowance += grant.allowance_tokens
        self.took_wallet += grant.wallet.nanousd


@dataclass(slots=True)
class _KeyPurse:
    """The same of a key's tokens; `left` None: no limit."""

    left: int | None = None
    took: int = 0

    def take(self, grant: Grant) -> None:
        self.took += grant.tokens
        if self.left is not None:
            self.left -= grant.tokens


def hold(conn: Connection, bids: Sequence[HoldRequest], lease_id: str, now: datetime) -> list[Fit]:
    """Set aside what each asks for, one after the other. Raises NotBatchable."""
    month, stamp = month_of(now), ms(now)
    purses = {found[0]: _Purse(*found[1:]) for found in conn.query_batch(sql.FUNDS, {bid.tenant_id for bid in bids})}
    keys = _key_purses(conn, {bid.key_id for bid in bids if bid.key_id is not None}, month)
    fits = [_fit(bid, purses.get(bid.tenant_id), None if bid.key_id is None else keys[bid.key_id]) for bid in bids]
    rows = [
        (bid.request_id, bid.epoch, bid.tenant_id, bid.key_id, month, sized.wallet.nanousd, sized.allowance_tokens,
         sized.tokens, purses[bid.tenant_id].period_no, lease_id, stamp)
        for bid, sized in zip(bids, fits, strict=True)
        if isinstance(sized, Grant)
    ]  # fmt: skip
    _none_was_tried(conn, bids, fits)
    taken = ((purse.took_wallet, purse.took_allowance, tenant) for tenant, purse in purses.items())
    _all(conn, sql.TAKE_FUNDS, [each for each in taken if each[0] or each[1]])
    _all(conn, sql.TAKE_KEYS, [(key.took, key_id, month) for key_id, key in keys.items() if key.took])
    _all(conn, sql.HOLDS, rows)
    return fits


def _none_was_tried(conn: Connection, bids: Sequence[HoldRequest], fits: Sequence[Fit]) -> None:
    """Raises NotBatchable for twins, and where an earlier try has something to give back, or was paid."""
    short = [bid.request_id for bid, sized in zip(bids, fits, strict=True) if isinstance(sized, Shortfall)]
    twins = len({bid.request_id for bid in bids}) < len(bids)
    if twins or (short and conn.query_batch(sql.TRIED, short)):  # HOLDS finds the tries of those that were granted
        raise NotBatchable


def _fit(bid: HoldRequest, purse: _Purse | None, key: _KeyPurse | None) -> Fit:
    if purse is None:
        raise NotBatchable
    sized = fit(bid, Funds(purse.allowance, Money(purse.wallet), None if key is None else key.left))
    if isinstance(sized, Grant):
        purse.take(sized)
        if key is not None:
            key.take(sized)
    return sized


def _key_purses(conn: Connection, key_ids: set[int], month: int) -> dict[int, _KeyPurse]:
    """Raises NotBatchable for a key that counts in another month, or isn't there."""
    if not key_ids:
        return {}
    found = conn.query_batch(sql.KEYS, key_ids)
    if len(found) < len(key_ids) or any(counts_in != month for _, counts_in, _ in found):
        raise NotBatchable
    return {key_id: _KeyPurse(left) for key_id, _, left in found}


def _all(conn: Connection, write: BatchWrite, rows: Sequence[tuple[Any, ...]]) -> None:
    """Raises NotBatchable unless each row took."""
    if rows and conn.write_batch(write, rows) != len(rows):
        raise NotBatchable


class _Held(NamedTuple):
    """An open hold, its tenant's plan, and the tenant's allowance that no hold had taken."""

    request_id: str
    epoch: int
    tenant_id: int
    wallet: int
    allowance: int
    tokens: int
    key_id: int | None
    key_month: int
    same_period: bool
    spare: int
    plan: str


@dataclass(slots=True)
class _Release:
    """What a tenant's captures give back and charge in all; `spare` as it stands after each."""

    spare: int
    wallet: int = 0
    charge: int = 0
    allowance: int = 0
    used: int = 0

    def add(self, held: _Held, charge: Charge) -> None:
        """A past period's allowance is gone: nothing of it comes back."""
        self.wallet += held.wallet
        self.charge += charge.wallet.nanousd
        if held.same_period:
            self.allowance += held.allowance
            self.used += charge.allowance_tokens
            self.spare += held.allowance - charge.allowance_tokens


class _Paid(NamedTuple):
    answer: CaptureRequest
    held: _Held
    charge: Charge


def capture(
    conn: Connection, answers: Sequence[CaptureRequest], rates: Mapping[str, Fraction], now: datetime
) -> list[Charge]:
    """Charge each kept answer, journal it and keep its receipt. `rates` as in hot.capture. Raises NotBatchable."""
    stamp, releases = ms(now), dict[int, _Release]()
    paid = [_settle(answer, held, releases) for answer, held in _pairs(conn, answers)]
    _all(conn, sql.RESOLVE_ALL, [_resolved(each, stamp) for each in paid])
    _all(conn, sql.RELEASE_ALL, [(r.wallet, r.charge, r.allowance, r.used, who) for who, r in releases.items()])
    _all(conn, sql.CHARGES, [_transfer(each, stamp) for each in paid if each.charge.wallet])
    _all(conn, sql.LINES, [_line(each, rates) for each in paid])
    _all(conn, sql.RECEIPTS, list({each.held.tenant_id: _receipt(each) for each in paid}.values()))
    _release_keys(conn, [each for each in paid if each.held.key_id is not None])
    return [each.charge for each in paid]


def _pairs(conn: Connection, answers: Sequence[CaptureRequest]) -> Iterable[tuple[CaptureRequest, _Held]]:
    """Raises NotBatchable where a hold is no longer open, or two answers want the same."""
    found = map(_Held._make, conn.query_batch(sql.ALL_HELD, [answer.bid.request_id for answer in answers]))
    held = {(each.request_id, each.epoch): each for each in found}
    try:
        return [(answer, held.pop((answer.bid.request_id, answer.bid.epoch))) for answer in answers]
    except KeyError:
        raise NotBatchable from None


def _settle(answer: CaptureRequest, held: _Held, releases: dict[int, _Release]) -> _Paid:
    """What it charges, after those before it."""
    release = releases.setdefault(held.tenant_id, _Release(held.spare))
    spare = release.spare if held.same_period else 0
    charge = settle(answer.bid.tariff, answer.grant, answer.bill.tokens, answer.bill.cost_atto, spare)
    release.add(held, charge)
    return _Paid(answer, held, charge)


def _resolved(paid: _Paid, stamp: int) -> tuple[Any, ...]:
    charge, held = paid.charge, paid.held
    return stamp, charge.wallet.nanousd, charge.allowance_tokens, held.request_id, held.epoch


def _transfer(paid: _Paid, stamp: int) -> tuple[Any, ...]:
    tenant_id, bid = paid.held.tenant_id, paid.answer.bid
    return wallet_of(tenant_id), HOUSE_CHARGES, paid.charge.wallet.nanousd, tenant_id, f"hold:{bid.hold_id}", stamp


def _line(paid: _Paid, rates: Mapping[str, Fraction]) -> tuple[Any, ...]:
    return line(paid.answer.bill.attempt, paid.charge, allowance_worth(paid.charge, rates, paid.held.plan))


def _receipt(paid: _Paid) -> tuple[Any, ...]:
    receipt, charge = paid.answer.bill.receipt, paid.charge
    answered_at = ms(receipt.answered_at)
    return paid.held.tenant_id, answered_at, charge.wallet.nanousd, charge.allowance_tokens, receipts.to_text(receipt)


def _release_keys(conn: Connection, paid: Sequence[_Paid]) -> None:
    """What was held in another month is neither given back nor counted in this one."""
    sums: dict[tuple[int | None, int], tuple[int, int]] = {}
    for each in paid:
        key = each.held.key_id, each.held.key_month
        tokens, spent = sums.get(key, (0, 0))
        sums[key] = tokens + each.held.tokens, spent + min(each.answer.bill.tokens, each.answer.grant.tokens)
    if sums:
        conn.write_batch(sql.RELEASE_KEYS, [(*counts, *key) for key, counts in sums.items()])
