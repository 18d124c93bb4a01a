"""Concurrent calls, from one or two processes, for a wallet that can pay for three of them."""

import asyncio
import subprocess
import sys
from pathlib import Path

from engine.errors import InsufficientFunds
from storage.database.connection import scalar
from storage.database.database import open_database
from storage.database.leases import Lease
from storage.ledger import expiry
from storage.ledger.ledger import SqlLedger
from tests.storage.books import DOUBLE, RATES, FixedClock, account, bill, check_books, hold_request, tenant

TOKENS = 164  # the smallest answer: its output limit cannot shrink further
CALLS = 200
ROOT = Path(__file__).parents[3]
_RACER = """
import asyncio, sys
from tests.storage.database.test_race import race
sys.stdin.readline()
print(*asyncio.run(race(sys.argv[1], int(sys.argv[2]), range(int(sys.argv[3]), int(sys.argv[4])))))
"""


async def race(url: str, owner: int, numbers: range) -> tuple[int, int]:
    """Return the numbers of answered and of refused calls."""
    async with open_database(url) as db:
        clock = FixedClock()
        book = SqlLedger(db, Lease(db, clock), clock, RATES)

        async def call(number: int) -> bool:
            asked = hold_request(owner, f"race-{number}", tariff=DOUBLE, output_tokens=TOKENS - 100)
            try:
                async with book.hold(asked) as hold:
                    await hold.capture(bill(asked, TOKENS))
            except InsufficientFunds:
                return False
            return True

        answers = await asyncio.gather(*map(call, numbers))
    return sum(answers), len(answers) - sum(answers)


async def test_wallet_that_can_pay_for_three_of_200_calls_pays_for_three(url: str) -> None:
    async with open_database(url) as db:
        owner = await db.write(lambda conn: tenant(conn, "0.000984"))
    processes = 1 if url.startswith("sqlite") else 2
    share = CALLS // processes
    racers = [_start(url, owner, range(start * share, (start + 1) * share)) for start in range(processes)]
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [await asyncio.to_thread(racer.communicate, timeout=120) for racer in racers]
    counts = [tuple(map(int, words.split())) for words, _ in told]
    assert (sum(answered for answered, _ in counts), sum(refused for _, refused in counts)) == (3, CALLS - 3)
    async with open_database(url) as db:
        await db.read(check_books)
        assert await db.read(expiry.open_holds) == 0
        assert (await db.read(lambda conn: account(conn, owner)))["balance_nanousd"] == 0
        assert await db.read(lambda conn: scalar(conn, "SELECT count(*) AS n FROM attempts WHERE kept")) == 3


def _start(url: str, owner: int, numbers: range) -> "subprocess.Popen[str]":
    words = [url, str(owner), str(numbers.start), str(numbers.stop)]
    return subprocess.Popen(
        [sys.executable, "-c", _RACER, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
