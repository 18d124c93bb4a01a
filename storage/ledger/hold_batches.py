"""Batches of holds and of captures in a few statements, for requests without special cases.

A special case (an earlier hold of the request, a new month of an API key, ...) raises NotBatchable: then each unit runs
alone through holds.py, which handles all cases. Rows are locked in one order: accounts, then API keys, then holds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, NamedTuple

from engine.attempt_record import Receipt
from engine.holds import Fit, Funds, Grant, HoldRequest, Shortfall, fit, settle
from engine.money import Money
from engine.ports import Bill
from engine.tenancy import Charge
from storage.database.connection import Connection, month_of, ms
from storage.database.statements import BatchWrite
from storage.database.write_queue import NotBatchable
from storage.ledger import hold_batches_sql as sql
from storage.ledger.journal import allowance_worth, attempt_row, receipt_text
from storage.ledger.transfers import HOUSE_CHARGES, wallet_of


class CaptureRequest(NamedTuple):
    """A hold and the bill of the kept answer that it pays for."""

    hold_request: HoldRequest
    grant: Grant
    bill: Bill


@dataclass(slots=True)
class _TenantFunds:
    """The free funds of a tenant while the holds of a batch are sized, and the amounts that those holds took."""

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
class _KeyTokens:
    """The tokens that an API key's limit leaves (None: no limit), and the sum that the holds of a batch took."""

    left: int | None = None
    took: int = 0

    def take(self, grant: Grant) -> None:
        self.took += grant.tokens
        if self.left is not None:
            self.left -= grant.tokens


def hold(conn: Connection, hold_requests: Sequence[HoldRequest], lease_id: str, now: datetime) -> list[Fit]:
    """Make the holds in order, each with the funds that are left after the ones before it. Raises NotBatchable."""
    month, stamp = month_of(now), ms(now)
    tenant_ids = {each.tenant_id for each in hold_requests}
    funds = {found[0]: _TenantFunds(*found[1:]) for found in conn.query_batch(sql.FUNDS, tenant_ids)}
    keys = _read_keys(conn, {each.key_id for each in hold_requests if each.key_id is not None}, month)
    fits = [
        _fit(each, funds.get(each.tenant_id), None if each.key_id is None else keys[each.key_id])
        for each in hold_requests
    ]
    rows = [
        (each.request_id, each.epoch, each.tenant_id, each.key_id, month, sized.wallet.nanousd,
         sized.allowance_tokens, sized.tokens, funds[each.tenant_id].period_no, lease_id, stamp)
        for each, sized in zip(hold_requests, fits, strict=True)
        if isinstance(sized, Grant)
    ]  # fmt: skip
    _check_first_attempts(conn, hold_requests, fits)
    taken = ((each.took_wallet, each.took_allowance, tenant_id) for tenant_id, each in funds.items())
    _write_all(conn, sql.TAKE_FUNDS, [each for each in taken if each[0] or each[1]])
    _write_all(conn, sql.TAKE_KEYS, [(key.took, key_id, month) for key_id, key in keys.items() if key.took])
    _write_all(conn, sql.HOLDS, rows)
    return fits


def _check_first_attempts(conn: Connection, hold_requests: Sequence[HoldRequest], fits: Sequence[Fit]) -> None:
    """Raise NotBatchable if a request is in the batch twice, or if a refused one has an earlier hold.

    For granted requests the insert into `holds` finds an earlier hold.
    """
    refused = [each.request_id for each, sized in zip(hold_requests, fits, strict=True) if isinstance(sized, Shortfall)]
    has_duplicates = len({each.request_id for each in hold_requests}) < len(hold_requests)
    if has_duplicates or (refused and conn.query_batch(sql.HELD_BEFORE, refused)):
        raise NotBatchable


def _fit(hold_request: HoldRequest, funds: _TenantFunds | None, key: _KeyTokens | None) -> Fit:
    if funds is None:
        raise NotBatchable
    sized = fit(hold_request, Funds(funds.allowance, Money(max(0, funds.wallet)), None if key is None else key.left))
    if isinstance(sized, Grant):
        funds.take(sized)
        if key is not None:
            key.take(sized)
    return sized


def _read_keys(conn: Connection, key_ids: set[int], month: int) -> dict[int, _KeyTokens]:
    """Return the tokens of each key. Raises NotBatchable for an unknown key, or one that still counts another month."""
    if not key_ids:
        return {}
    found = conn.query_batch(sql.KEYS, key_ids)
    if len(found) < len(key_ids) or any(key_month != month for _, key_month, _ in found):
        raise NotBatchable
    return {key_id: _KeyTokens(left) for key_id, _, left in found}


def _write_all(conn: Connection, write: BatchWrite, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write `rows`. Raises NotBatchable unless every one of them changed a row of the table."""
    if rows and conn.write_batch(write, rows) != len(rows):
        raise NotBatchable


class _OpenHold(NamedTuple):
    """An open hold, the plan of its tenant, and the tenant's allowance that no hold has taken."""

    request_id: str
    epoch: int
    tenant_id: int
    wallet: int
    allowance: int
    tokens: int
    key_id: int | None
    key_month: int
    is_same_period: bool
    spare_tokens: int
    plan: str


@dataclass(slots=True)
class _Release:
    """The amounts that a tenant's captures release and charge; `spare_tokens` is updated after each capture."""

    spare_tokens: int
    wallet: int = 0
    charge: int = 0
    allowance: int = 0
    used: int = 0

    def add(self, held: _OpenHold, charge: Charge) -> None:
        """Add one capture. Allowance of a past period is not returned."""
        self.wallet += held.wallet
        self.charge += charge.wallet.nanousd
        if held.is_same_period:
            self.allowance += held.allowance
            self.used += charge.allowance_tokens
            self.spare_tokens += held.allowance - charge.allowance_tokens


class _Capture(NamedTuple):
    request: CaptureRequest
    held: _OpenHold
    charge: Charge


def capture(
    conn: Connection, requests: Sequence[CaptureRequest], rates: Mapping[str, Fraction], now: datetime
) -> list[Charge]:
    """Charge each kept answer, journal it and store its receipt. `rates` as in holds.capture. Raises NotBatchable."""
    stamp, releases = ms(now), dict[int, _Release]()
    captures = [_settle(request, held, releases) for request, held in _open_holds(conn, requests)]
    _write_all(conn, sql.RESOLVE_ALL, [_resolved_row(each, stamp) for each in captures])
    released = [(r.wallet, r.charge, r.allowance, r.used, tenant_id) for tenant_id, r in releases.items()]
    _write_all(conn, sql.RELEASE_ALL, released)
    _write_all(conn, sql.CHARGES, [_transfer_row(each, stamp) for each in captures if each.charge.wallet])
    _write_all(conn, sql.ATTEMPTS, [_attempt_row(each, rates) for each in captures])
    receipts = {each.held.tenant_id: (each, found) for each in captures if (found := each.request.bill.receipt)}
    _write_all(conn, sql.RECEIPTS, [_receipt_row(each, receipt) for each, receipt in receipts.values()])
    _release_keys(conn, [each for each in captures if each.held.key_id is not None])
    return [each.charge for each in captures]


def _open_holds(conn: Connection, requests: Sequence[CaptureRequest]) -> Iterable[tuple[CaptureRequest, _OpenHold]]:
    """Pair each request with its open hold. Raises NotBatchable if a hold is not open or is captured twice."""
    found = map(_OpenHold._make, conn.query_batch(sql.ALL_HELD, [each.hold_request.request_id for each in requests]))
    held = {(each.request_id, each.epoch): each for each in found}
    try:
        return [(each, held.pop((each.hold_request.request_id, each.hold_request.epoch))) for each in requests]
    except KeyError:
        raise NotBatchable from None


def _settle(request: CaptureRequest, held: _OpenHold, releases: dict[int, _Release]) -> _Capture:
    """Compute the charge after the earlier captures of the same tenant, and add it to `releases`."""
    release = releases.setdefault(held.tenant_id, _Release(held.spare_tokens))
    spare_tokens = release.spare_tokens if held.is_same_period else 0
    bill = request.bill
    charge = settle(request.hold_request.tariff, request.grant, bill.tokens, bill.cost_atto, spare_tokens)
    release.add(held, charge)
    return _Capture(request, held, charge)


def _resolved_row(captured: _Capture, stamp: int) -> tuple[Any, ...]:
    charge, held = captured.charge, captured.held
    return stamp, charge.wallet.nanousd, charge.allowance_tokens, held.request_id, held.epoch


def _transfer_row(captured: _Capture, stamp: int) -> tuple[Any, ...]:
    tenant_id, hold_id = captured.held.tenant_id, captured.request.hold_request.hold_id
    return wallet_of(tenant_id), HOUSE_CHARGES, captured.charge.wallet.nanousd, tenant_id, f"hold:{hold_id}", stamp


def _attempt_row(captured: _Capture, rates: Mapping[str, Fraction]) -> tuple[Any, ...]:
    worth = allowance_worth(captured.charge, rates, captured.held.plan)
    return attempt_row(captured.request.bill.attempt, captured.charge, worth)


def _receipt_row(captured: _Capture, receipt: Receipt) -> tuple[Any, ...]:
    charge = captured.charge
    answered_at, text = ms(receipt.answered_at), receipt_text(receipt)
    return captured.held.tenant_id, answered_at, charge.wallet.nanousd, charge.allowance_tokens, text


def _release_keys(conn: Connection, captures: Sequence[_Capture]) -> None:
    """Release and count the tokens of each API key, if it still counts the month of the hold."""
    sums: dict[tuple[int | None, int], tuple[int, int]] = {}
    for each in captures:
        key = each.held.key_id, each.held.key_month
        tokens, spent = sums.get(key, (0, 0))
        sums[key] = tokens + each.held.tokens, spent + min(each.request.bill.tokens, each.request.grant.tokens)
    if sums:
        conn.write_batch(sql.RELEASE_KEYS, [(*counts, *key) for key, counts in sums.items()])
