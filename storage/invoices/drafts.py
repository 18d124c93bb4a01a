"""Invoice drafts: one month of a tenant, summed up from the ledger and the journal.

Months are drafted in order, each one hour after its end (charges may still be on their way until then), and only
where money moved. A draft whose sum differs from the ledger's is refused.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from engine.money import ZERO, Money
from storage.database.connection import Connection, Row, day_of, moment, row, scalar
from storage.invoices.months import month_after, month_before, month_begins, month_from
from storage.ledger.transfers import HOUSE_CREDITS, wallet_of

SETTLE_TIME = timedelta(hours=1)
DAY_MS = 86_400_000


class LedgerMismatch(Exception):
    """The sum of a draft differs from the ledger's. No invoice is issued until an operator has resolved this."""

    def __init__(self, tenant_id: int, month: date, difference: str) -> None:
        super().__init__(f"tenant {tenant_id}, {month:%Y-%m}: {difference}")


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """The answers of one model on one day: the wallet paid `charge`, the plan paid `allowance_tokens`."""

    day: date
    model: str
    answers: int
    input_tokens: int
    output_tokens: int
    allowance_tokens: int
    charge: Money

    def __add__(self, other: "ChargeLine") -> "ChargeLine":
        """Return the sum of two lines of one model, with the day of the first."""
        return ChargeLine(
            self.day,
            self.model,
            self.answers + other.answers,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.allowance_tokens + other.allowance_tokens,
            self.charge + other.charge,
        )


@dataclass(frozen=True, slots=True)
class MemberLine:
    """The answers that the wallet of a team or a group paid for one member. The ChargeLines include them."""

    tenant_id: int
    answers: int
    input_tokens: int
    output_tokens: int
    allowance_tokens: int
    charge: Money


@dataclass(frozen=True, slots=True)
class Movement:
    """Any other transfer into or out of the wallet; `amount` is negative for one out of it.

    `kind`: topup, credit, refund, repayment, plan, plan_credit or other. `stars` and `per_star` are set for payments
    in Telegram Stars.
    """

    day: date
    kind: str
    reason: str
    amount: Money
    stars: int = 0
    per_star: Money = ZERO


@dataclass(frozen=True, slots=True)
class InvoiceDraft:
    """A month's sums, without an invoice number. `owed`: the tenant's debt from refunds at the month's end."""

    tenant_id: int
    month: date
    opening: Money
    lines: tuple[ChargeLine, ...]
    movements: tuple[Movement, ...]
    owed: Money = ZERO
    members: tuple[MemberLine, ...] = ()

    @property
    def charges(self) -> Money:
        return _sum(line.charge for line in self.lines)

    @property
    def services(self) -> Money:
        """The value sold: charges and plan prices, less the credits for unused parts of plans."""
        return self.charges - _sum(each.amount for each in self.movements if each.kind in {"plan", "plan_credit"})

    @property
    def moved(self) -> Money:
        return _sum(each.amount for each in self.movements) - self.charges

    @property
    def closing(self) -> Money:
        return self.opening + self.moved


def last_closed(now: datetime) -> date:
    """Return the first day of the latest month that may be invoiced."""
    return month_before((now - SETTLE_TIME).astimezone(UTC).date().replace(day=1))


def next_draft(conn: Connection, tenant_id: int, now: datetime) -> InvoiceDraft | None:
    """Draft the earliest closed month that moved money and has no invoice. Return None if there is none."""
    tenant = row(conn, "SELECT created_at FROM tenants WHERE id = :id", id=tenant_id)
    if tenant is None:
        return None
    latest = row(
        conn,
        "SELECT month, closing_nanousd FROM invoices WHERE tenant_id = :id ORDER BY month DESC LIMIT 1",
        id=tenant_id,
    )
    opening = Money(latest["closing_nanousd"]) if latest else ZERO
    month = month_after(month_from(latest["month"])) if latest else moment(tenant["created_at"]).date().replace(day=1)
    while month <= last_closed(now):
        if _money_moved(conn, tenant_id, month):
            return draft_month(conn, tenant_id, month, opening)
        month = month_after(month)
    return None


def _money_moved(conn: Connection, tenant_id: int, month: date) -> bool:
    """Return whether the tenant has a transfer in the month.

    Charges are found through the journal, which is indexed by day.
    """
    span = _span(tenant_id, month)
    other = (
        "SELECT 1 AS one FROM transfers WHERE tenant_id = :id AND kind <> 'charge'"
        " AND created_at >= :start AND created_at < :end LIMIT 1"
    )
    charged = f"SELECT 1 AS one FROM {_ANSWERS} AND t.id IS NOT NULL LIMIT 1"
    return row(conn, other, **span) is not None or row(conn, charged, **span, **_days(month)) is not None


_ANSWERS = (
    "attempts a JOIN holds h ON h.request_id = a.request_id AND h.state = 'captured'"
    " LEFT JOIN transfers t ON t.ref = 'hold:' || h.request_id || ':' || h.epoch"
    " WHERE a.tenant_id = :id AND a.day BETWEEN :first AND :last AND a.kept"
    " AND h.resolved_at >= :start AND h.resolved_at < :end"
)
"""The answers of a month. An answer belongs to the day of its charge; it started on that day or the day before."""
_SUMS = (
    "COUNT(*) AS answers, SUM(a.input_tokens) AS input, SUM(a.output_tokens) AS output,"
    " SUM(a.allowance_tokens) AS allowance, SUM(COALESCE(t.amount_nanousd, 0)) AS charge"
)


def draft_month(conn: Connection, tenant_id: int, month: date, opening: Money) -> InvoiceDraft:
    """Sum up one month of one tenant. Raises LedgerMismatch."""
    draft = InvoiceDraft(
        tenant_id,
        month,
        opening,
        tuple(_lines(conn, tenant_id, month)),
        tuple(_movements(conn, tenant_id, month)),
        _owed(conn, tenant_id, month),
        tuple(_members(conn, tenant_id, month)),
    )
    _check(conn, draft)
    return draft


def _lines(conn: Connection, tenant_id: int, month: date) -> list[ChargeLine]:
    found = conn.rows(
        f"SELECT h.resolved_at / {DAY_MS} AS day, a.asked, {_SUMS} FROM {_ANSWERS} GROUP BY 1, 2 ORDER BY 1, 2",
        **_span(tenant_id, month),
        **_days(month),
    )
    return [ChargeLine(moment(each["day"] * DAY_MS).date(), each["asked"], *_sums(each)) for each in found]


def _members(conn: Connection, tenant_id: int, month: date) -> list[MemberLine]:
    found = conn.rows(
        f"SELECT h.member_id, {_SUMS} FROM {_ANSWERS} AND h.member_id IS NOT NULL"
        " GROUP BY h.member_id ORDER BY h.member_id",
        **_span(tenant_id, month),
        **_days(month),
    )
    return [MemberLine(each["member_id"], *_sums(each)) for each in found]


def _sums(found: Row) -> tuple[int, int, int, int, Money]:
    """Return the columns of _SUMS."""
    tokens = int(found["input"]), int(found["output"]), int(found["allowance"])
    return int(found["answers"]), *tokens, Money(int(found["charge"]))


def _movements(conn: Connection, tenant_id: int, month: date) -> list[Movement]:
    wallet = wallet_of(tenant_id)
    found = conn.rows(
        "SELECT x.*, p.stars, p.credited_nanousd FROM transfers x LEFT JOIN payments p ON p.charge_id ="
        " CASE WHEN x.debit = 'house:stars' THEN substr(x.ref, 7) WHEN x.kind = 'refund' THEN substr(x.ref, 8) END"
        " WHERE x.tenant_id = :id AND x.kind <> 'charge' AND x.created_at >= :start AND x.created_at < :end"
        " AND (x.debit = :wallet OR x.credit = :wallet) ORDER BY x.id",
        **_span(tenant_id, month),
        wallet=wallet,
    )
    return [_movement(each, wallet) for each in found]


def _movement(found: Row, wallet: str) -> Movement:
    came_in = found["credit"] == wallet
    other = found["debit"] if came_in else found["credit"]
    stars = found["stars"] or 0
    return Movement(
        moment(found["created_at"]).date(),
        _kind(found["kind"], other, came_in=came_in),
        found["reason"],
        Money(found["amount_nanousd"] if came_in else -found["amount_nanousd"]),
        stars,
        Money(found["credited_nanousd"]).share(Fraction(1, stars)) if stars else ZERO,
    )


def _kind(kind: str, other: str, *, came_in: bool) -> str:
    if other == "house:plans":
        return "plan_credit" if came_in else "plan"
    if kind in {"refund", "repayment"}:
        return kind
    if not came_in:
        return "credit" if other == HOUSE_CREDITS else "other"
    return "topup" if other == "house:stars" else "credit"


def _owed(conn: Connection, tenant_id: int, month: date) -> Money:
    return Money(
        int(
            scalar(
                conn,
                "SELECT COALESCE(SUM(CASE WHEN debit = :owed THEN amount_nanousd WHEN credit = :owed"
                " THEN -amount_nanousd ELSE 0 END), 0) AS n FROM transfers"
                " WHERE tenant_id = :id AND kind <> 'charge' AND created_at < :end",
                id=tenant_id,
                owed=f"owed:{tenant_id}",
                end=month_begins(month_after(month)),
            )
        )
    )


def _check(conn: Connection, draft: InvoiceDraft) -> None:
    """Raise LedgerMismatch unless the draft, whose lines come from the journal, sums to the ledger's transfers."""
    moved = int(
        scalar(
            conn,
            "SELECT COALESCE(SUM(CASE WHEN credit = :wallet THEN amount_nanousd WHEN debit = :wallet"
            " THEN -amount_nanousd ELSE 0 END), 0) AS n FROM transfers"
            " WHERE tenant_id = :id AND created_at >= :start AND created_at < :end",
            **_span(draft.tenant_id, draft.month),
            wallet=wallet_of(draft.tenant_id),
        )
    )
    if moved != draft.moved.nanousd:
        raise LedgerMismatch(draft.tenant_id, draft.month, f"lines sum to {draft.moved}, the ledger to {Money(moved)}")


def _sum(amounts: Any) -> Money:
    return sum(amounts, ZERO)


def _span(tenant_id: int, month: date) -> dict[str, int]:
    """Return the SQL values for a tenant and the begin and end of a month."""
    return {"id": tenant_id, "start": month_begins(month), "end": month_begins(month_after(month))}


def _days(month: date) -> dict[str, int]:
    """Return the first and last journal day on which an answer charged in this month can have started."""
    first = datetime(month.year, month.month, 1, tzinfo=UTC) - timedelta(days=1)
    return {"first": day_of(first), "last": day_of(datetime.combine(month_after(month), datetime.min.time(), UTC))}
