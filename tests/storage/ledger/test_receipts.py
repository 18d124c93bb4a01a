"""Receipts, stored and read back."""

from msgspec.structs import replace

from engine.attempt_record import DropLine, QuoteLine
from engine.money import Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import hold_batches, holds, journal
from storage.ledger.hold_batches import CaptureRequest
from storage.ledger.journal import PaidReceipt
from tests.storage.books import NOW, RATES, bill, hold_request, take, tenant


async def test_last_receipt_is_read_back_unchanged(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        for number in range(2):
            asked = hold_request(owner, f"r{number}")
            bought = bill(asked)
            assert bought.receipt is not None
            receipt = replace(
                bought.receipt,
                quotes=(QuoteLine("deepseek", "deepseek-v4-flash", Money(7)), QuoteLine("openai", "x", Money(9), True)),
                drops=(DropLine("gemini", "y", "at rest"),),
                attempts=(
                    replace(bought.attempt, usage=None, kept=False, outcome="timeout", waste=Money(3)),
                    bought.attempt,
                ),
                list_price=Money(1) if number else None,
            )
            charge = holds.capture(
                conn, asked, take(conn, asked), replace(bought, receipt=receipt), rates=RATES, now=NOW
            )
            assert journal.last_receipt(conn, owner) == PaidReceipt(receipt, charge)

    await db.write(unit)


async def test_side_call_without_a_receipt_leaves_the_one_before(db: Database) -> None:
    def alone(conn: Connection) -> PaidReceipt | None:
        owner = tenant(conn, "1")
        for number in range(2):
            asked = hold_request(owner, f"r{number}")
            bought = bill(asked)
            bought = bought if number == 0 else replace(bought, receipt=None)
            holds.capture(conn, asked, take(conn, asked), bought, rates=RATES, now=NOW)
        return journal.last_receipt(conn, owner)

    def batch(conn: Connection) -> PaidReceipt | None:
        owner = tenant(conn, "1")
        requests = []
        for number in range(2):
            asked = hold_request(owner, f"b{number}")
            bought = bill(asked)
            bought = bought if number == 0 else replace(bought, receipt=None)
            requests.append(CaptureRequest(asked, take(conn, asked), bought))
        hold_batches.capture(conn, requests, RATES, NOW)
        return journal.last_receipt(conn, owner)

    for unit, request_id in ((alone, "r0"), (batch, "b0")):
        kept = await db.write(unit)
        assert kept is not None
        assert kept.receipt.request_id == request_id
