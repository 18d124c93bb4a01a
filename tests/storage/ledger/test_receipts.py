"""Receipts as they are stored and read back."""

from dataclasses import replace

from engine.attempt_record import DropLine, QuoteLine
from engine.money import Money
from storage.database.connection import Connection
from storage.database.database import Database
from storage.ledger import holds, journal
from storage.ledger.journal import PaidReceipt
from tests.storage.books import NOW, RATES, bill, hold_request, take, tenant


async def test_last_receipt_is_read_back_unchanged(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        for number in range(2):
            asked = hold_request(owner, f"r{number}")
            bought = bill(asked)
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
