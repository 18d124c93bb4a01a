"""A tenant with two months of transfers to invoice, and the SQL that removes the guards of the tables."""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

from msgspec.structs import replace

from engine.holds import Grant
from engine.money import Money
from engine.tenancy import Plan
from storage.billing import plans
from storage.database.connection import Connection
from storage.invoices.invoices import Seller
from storage.ledger import holds, transfers
from storage.tenants import tenants
from tests.storage.books import DOUBLE, FREE, bill, hold_request

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
FIRST = datetime(2026, 10, 1, tzinfo=UTC)
SECOND, MS = timedelta(seconds=1), timedelta(milliseconds=1)
SELLER = Seller("Seller", "Street 1", "T-1", "10")
STARTER = Plan(
    name="starter",
    usd_per_month=Money.usd("9"),
    tokens_per_month=2_000_000,
    requests_per_minute=20,
    max_output_tokens=2048,
)
WITHOUT_GUARDS: dict[str, tuple[str, ...]] = {
    "sqlite": (
        "DROP TRIGGER invoices_stay",
        "DROP TRIGGER invoices_remain",
        "DROP TRIGGER transfers_stay",
        "DROP TRIGGER attempts_remain",
    ),
    "postgresql": (
        "ALTER TABLE invoices DISABLE TRIGGER ALL",
        "ALTER TABLE transfers DISABLE TRIGGER ALL",
        "ALTER TABLE attempts DISABLE TRIGGER ALL",
    ),
}


def at(day: int, hour: int = 12, month: int = 10) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def newcomer(conn: Connection) -> int:
    """Create a tenant on the free plan since the first of October."""
    return tenants.create(conn, "Ann", FREE, now=FIRST)


def ask(conn: Connection, tenant_id: int, name: str, now: datetime, *, tokens: int = 150, markup: bool = True) -> Money:
    """Add a kept answer that began two seconds before it was charged at `now`; return its charge."""
    asked = hold_request(tenant_id, name, tariff=DOUBLE) if markup else hold_request(tenant_id, name)
    grant = holds.hold(conn, asked, "L", now)
    assert isinstance(grant, Grant), grant
    made = bill(asked, tokens)
    made = replace(made, attempt=replace(made.attempt, started_at=now - 2 * SECOND))
    return holds.capture(conn, asked, grant, made, rates={"free": Fraction(0)}, now=now).wallet


def pay_stars(conn: Connection, tenant_id: int, charge_id: str, stars: int, now: datetime) -> None:
    credited = stars * 13_000_000
    conn.run(
        "INSERT INTO payments (charge_id, tenant_id, stars, credited_nanousd, kind, paid_at)"
        " VALUES (:charge, :t, :stars, :credited, 'topup', 0)",
        charge=charge_id,
        t=tenant_id,
        stars=stars,
        credited=credited,
    )
    ref = f"stars:{charge_id}"
    transfers.credit(conn, tenant_id, Money(credited), ref=ref, reason=f"{stars} Stars", now=now, source="house:stars")


def refund_stars(conn: Connection, tenant_id: int, charge_id: str, stars: int, now: datetime) -> None:
    amount, ref = Money(stars * 13_000_000), f"refund:{charge_id}"
    conn.run("UPDATE payments SET refunded_at = 0 WHERE charge_id = :charge", charge=charge_id)
    transfers.debit_or_owe(conn, tenant_id, amount, kind="refund", to="house:stars", ref=ref, reason="", now=now)


def two_months(conn: Connection) -> int:
    """Create a tenant with two months of transfers.

    October: 1,000 Stars, a plan with a credit for its unused part, answers on three days, and a refund that leaves a
    debt. November: one answer, and a credit that repays the debt.
    """
    owner = newcomer(conn)
    pay_stars(conn, owner, "ch1", 1000, at(2))
    assert plans.pay_from_wallet(conn, owner, STARTER, STARTER.usd_per_month, at(2), ref="plan:x")
    transfers.credit(
        conn,
        owner,
        Money(1_000_000_001),
        ref="unused:x",
        reason="plan starter",
        now=at(3),
        source="house:plans",
    )
    ask(conn, owner, "r1", at(5))
    ask(conn, owner, "r2", at(5, 23))
    ask(conn, owner, "r3", at(6), markup=False)
    ask(conn, owner, "r4", at(1, 0, month=11) - MS)
    ask(conn, owner, "r5", at(1, 0, month=11))
    refund_stars(conn, owner, "ch1", 1000, at(30))
    transfers.credit(conn, owner, Money.usd("20"), ref="gift:1", reason="sorry", now=at(3, month=11))
    return owner


def damage(conn: Connection, sql: str, *further: str) -> None:
    """Remove the guards (and further ones by the SQL of `further`), then change a row."""
    for statement in (*WITHOUT_GUARDS[conn.dialect], *further):
        conn.run(statement)
    assert conn.run(sql)
