from engine.money import Money
from storage.billing import findings
from storage.billing.payments import PaymentResult
from storage.billing.reconciliation import CREDITED, REFUNDED, UNKNOWN, Finding
from storage.billing.refunds import RefundResult
from storage.database import leases
from storage.database.connection import Connection
from storage.database.database import Database
from tests.storage.books import NOW

FOUND = (
    Finding(CREDITED, "c1", 385, paid=PaymentResult(True, 1, Money(5), "pro", "late")),
    Finding(REFUNDED, "c1", 385, refunded=RefundResult(True, 1, Money(3), Money(2), "pro")),
    Finding(UNKNOWN, "c2", 7, ours=8),
)


def record_all(conn: Connection, lease_id: str) -> None:
    for each in FOUND:
        findings.record(conn, each, lease_id, NOW)


async def test_finding_is_pending_until_it_is_delivered(db: Database) -> None:
    await db.write(lambda conn: record_all(conn, "own"))
    assert await db.write(lambda conn: findings.pending(conn, "own", NOW)) == list(FOUND)
    for each in FOUND:
        await db.write(lambda conn, each=each: findings.mark_delivered(conn, each))  # type: ignore[misc]
    assert await db.write(lambda conn: findings.pending(conn, "own", NOW)) == []


async def test_repeated_finding_is_not_recorded_again(db: Database) -> None:
    await db.write(lambda conn: record_all(conn, "own"))
    for each in FOUND:
        await db.write(lambda conn, each=each: findings.mark_delivered(conn, each))  # type: ignore[misc]
    await db.write(lambda conn: record_all(conn, "own"))
    assert await db.write(lambda conn: findings.pending(conn, "own", NOW)) == []


async def test_findings_of_a_dead_process_are_taken_over_once(db: Database) -> None:
    def living(conn: Connection) -> None:
        for name in ("other", "own"):
            leases._renew(conn, lease_id=name, now=NOW, lease_seconds=10)
        record_all(conn, "other")

    await db.write(living)
    assert await db.write(lambda conn: findings.pending(conn, "own", NOW)) == []
    await db.write(lambda conn: conn.run("DELETE FROM leases WHERE id = 'other'"))
    assert await db.write(lambda conn: findings.pending(conn, "own", NOW)) == list(FOUND)
    assert await db.write(lambda conn: findings.pending(conn, "third", NOW)) == []
