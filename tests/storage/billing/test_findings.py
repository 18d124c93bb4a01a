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


def kept(conn: Connection, lease_id: str) -> None:
    for each in FOUND:
        findings.record(conn, each, lease_id, NOW)


async def test_what_was_found_is_kept_as_it_was_until_it_is_told(db: Database) -> None:
    await db.write(lambda conn: kept(conn, "mine"))
    assert await db.write(lambda conn: findings.pending(conn, "mine", NOW)) == list(FOUND)
    for each in FOUND:
        await db.write(lambda conn, each=each: findings.mark_delivered(conn, each))  # type: ignore[misc]
    assert await db.write(lambda conn: findings.pending(conn, "mine", NOW)) == []


async def test_what_is_found_again_is_not_told_again(db: Database) -> None:
    await db.write(lambda conn: kept(conn, "mine"))
    for each in FOUND:
        await db.write(lambda conn, each=each: findings.mark_delivered(conn, each))  # type: ignore[misc]
    await db.write(lambda conn: kept(conn, "mine"))
    assert await db.write(lambda conn: findings.pending(conn, "mine", NOW)) == []


async def test_what_a_dead_process_left_is_one_others_to_tell(db: Database) -> None:
    def living(conn: Connection) -> None:
        for name in ("other", "mine"):
            leases._renew(conn, lease_id=name, now=NOW, life=10)
        kept(conn, "other")

    await db.write(living)
    assert await db.write(lambda conn: findings.pending(conn, "mine", NOW)) == []
    await db.write(lambda conn: conn.run("DELETE FROM leases WHERE id = 'other'"))
    assert await db.write(lambda conn: findings.pending(conn, "mine", NOW)) == list(FOUND)
    assert await db.write(lambda conn: findings.pending(conn, "third", NOW)) == []
