"""Helpers of the ledger tests: a clock, plans, a tenant with money, a hold request and its bill."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from engine.attempt_record import Receipt
from engine.chat import Usage
from engine.holds import Ceiling, Grant, HoldRequest, Shortfall
from engine.money import ZERO, Money
from engine.ports import Bill
from engine.tenancy import Charge, Flat, Markup, Plan, Tariff
from storage.database.connection import Connection, Row, day_of, row
from storage.ledger import holds, journal, transfers
from storage.operations.audit import audit
from storage.tenants import tenants
from tests.builders import attempt

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FLAT = Flat(5 * 10**12)  # 5 USD per 1M tokens: 5,000 nano-dollars a token
DOUBLE = Markup(Fraction(2))
FREE = Plan(name="free", usd_per_month=ZERO, tokens_per_month=1_000, requests_per_minute=6, max_output_tokens=1024)
PRO = Plan(
    name="pro",
    usd_per_month=Money.usd("29"),
    tokens_per_month=7_000_000,
    requests_per_minute=60,
    max_output_tokens=4096,
)
RATES = journal.allowance_rates({"free": FREE, "pro": PRO})


@dataclass
class FixedClock:
    """A clock that moves only when a test sets it."""

    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def move(self, by: timedelta) -> None:
        self.at += by


def tenant(conn: Connection, usd: str = "0", plan: Plan = FREE) -> int:
    """Create a tenant with `usd` in its wallet; return its id."""
    made = tenants.create(conn, "Ann", plan, now=NOW)
    if usd != "0":
        transfers.credit(conn, made, Money.usd(usd), ref=f"gift:{made}", reason="test", now=NOW)
    return made


def hold_request(
    tenant_id: int,
    request: str = "r1",
    *,
    epoch: int = 1,
    tariff: Tariff = FLAT,
    input_tokens: int = 100,
    output_tokens: int = 100,
    key_id: int | None = None,
    member_id: int | None = None,
) -> HoldRequest:
    """Return a hold request with one offer, which costs 1,000 nano-dollars per token on a markup tariff."""
    ceiling = Ceiling(10**12, 10**12, output_tokens)
    return HoldRequest(request, epoch, tenant_id, tariff, input_tokens, (ceiling,), key_id=key_id, member_id=member_id)


def bill(asked: HoldRequest, tokens: int = 150, cost_atto: int | None = None) -> Bill:
    """Return the bill for an answer of `tokens`, which cost 1,000 nano-dollars each unless `cost_atto` is given."""
    usage = Usage(min(tokens, asked.input_tokens), max(0, tokens - asked.input_tokens))
    cost = tokens * 10**12 if cost_atto is None else cost_atto
    record = attempt(
        request_id=asked.request_id,
        tenant_id=asked.tenant_id,
        key_id=asked.key_id,
        started_at=NOW,
        duration_ms=1200,
        usage=usage,
        cost=Money.from_atto(cost),
    )
    return Bill(record, tokens, cost, Receipt(asked.request_id, "auto", NOW, (), (), (record,)))


def take(conn: Connection, asked: HoldRequest, lease: str = "L") -> Grant:
    """Make a hold that must be granted."""
    sized = holds.hold(conn, asked, lease, NOW)
    assert isinstance(sized, Grant), sized
    return sized


def shortfall_of(conn: Connection, asked: HoldRequest) -> Shortfall:
    """Make a hold that must be refused; return its shortfall."""
    sized = holds.hold(conn, asked, "L", NOW)
    assert isinstance(sized, Shortfall), sized
    return sized


def pay(conn: Connection, asked: HoldRequest, grant: Grant, tokens: int = 150, cost_atto: int | None = None) -> Charge:
    """Capture a hold for an answer of `tokens`."""
    return holds.capture(conn, asked, grant, bill(asked, tokens, cost_atto), rates=RATES, now=NOW)


def used(conn: Connection, wallet_id: int, member_id: int, day: date, usd: str) -> None:
    """Count an answer that a group's wallet has paid for a member."""
    conn.run(
        "INSERT INTO member_shares (wallet_id, tenant_id, day, charge_nanousd, worth_nanousd, answers)"
        " VALUES (:wallet, :member, :day, :n, :n, 1) ON CONFLICT (wallet_id, tenant_id, day) DO UPDATE SET"
        " charge_nanousd = member_shares.charge_nanousd + :n, worth_nanousd = member_shares.worth_nanousd + :n,"
        " answers = member_shares.answers + 1",
        wallet=wallet_id,
        member=member_id,
        day=day_of(day),
        n=Money.usd(usd).nanousd,
    )


def account(conn: Connection, tenant_id: int) -> Row:
    """Return the account's row."""
    found = row(conn, "SELECT * FROM accounts WHERE tenant_id = :id", id=tenant_id)
    assert found is not None
    return found


def check_books(conn: Connection) -> None:
    """Assert that the audit finds no problem."""
    report = audit(conn)
    assert report.ok, report.problems
