"""The answers of a UTC day, and a plan's limit for them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from engine.attempt_record import AttemptRecord
from engine.chat import Usage
from engine.errors import DailyAnswersUsed
from engine.holds import HoldRequest
from storage.database.connection import Connection
from storage.database.database import Database
from storage.database.leases import Lease
from storage.ledger import daily_answers, holds, journal
from storage.ledger.ledger import SqlLedger
from tests.builders import attempt
from tests.storage.books import NOW, RATES, FixedClock, bill, hold_request, pay, take, tenant


def limited(tenant_id: int, request: str, limit: int = 2) -> HoldRequest:
    return replace(hold_request(tenant_id, request, output_tokens=64), answers_per_day=limit)


def kept(tenant_id: int, request: str, at: datetime, *, input_tokens: int = 5) -> AttemptRecord:
    return attempt(
        request_id=request, tenant_id=tenant_id, started_at=at, kept=True, usage=Usage(input_tokens, input_tokens)
    )


async def test_kept_answers_and_those_being_given_count(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, bao = tenant(conn, "1"), tenant(conn, "1")
        asked = limited(ann, "r1")
        grant = take(conn, asked)
        assert daily_answers.count(conn, ann, NOW) == 1
        pay(conn, asked, grant)
        assert daily_answers.count(conn, ann, NOW) == 1
        take(conn, limited(ann, "r2"))
        with pytest.raises(DailyAnswersUsed) as refused:
            holds.hold(conn, limited(ann, "r3"), "L", NOW)
        assert (refused.value.answers_per_day, refused.value.retry_after_seconds) == (2, 12 * 3600)
        take(conn, limited(ann, "r3", limit=3))
        take(conn, limited(bao, "r4"))

    await db.write(unit)


async def test_failed_answer_does_not_count_and_zero_is_no_limit(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "1")
        take(conn, limited(ann, "r1", limit=1))
        holds.void(conn, "r1:1", NOW)
        take(conn, limited(ann, "r2", limit=1))
        take(conn, limited(ann, "r3", limit=0))

    await db.write(unit)


async def test_request_that_is_tried_again_does_not_count_twice(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann = tenant(conn, "1")
        take(conn, limited(ann, "r1", limit=1))
        take(conn, replace(limited(ann, "r1", limit=1), epoch=2))

    await db.write(unit)


async def test_day_is_that_of_utc_and_transcripts_are_no_answers(db: Database) -> None:
    def unit(conn: Connection) -> None:
        ann, midnight = tenant(conn), datetime(2026, 11, 24, tzinfo=UTC)
        journal.record(conn, kept(ann, "before", midnight - timedelta(milliseconds=1)))
        journal.record(conn, kept(ann, "first", midnight))
        journal.record(conn, kept(ann, "last", midnight + timedelta(days=1) - timedelta(milliseconds=1)))
        journal.record(conn, kept(ann, "after", midnight + timedelta(days=1)))
        journal.record(conn, kept(ann, "voice", NOW, input_tokens=0))
        journal.record(conn, replace(kept(ann, "failed", NOW), kept=False))
        assert daily_answers.count(conn, ann, NOW) == 2

    await db.write(unit)


async def test_limit_holds_for_requests_at_once(db: Database) -> None:
    clock = FixedClock()
    ann = await db.write(lambda conn: tenant(conn, "1"))
    async with Lease(db, clock) as lease:
        ledger = SqlLedger(db, lease, clock, RATES)
        opened = [ledger.open_hold(limited(ann, f"r{number}", limit=3)) for number in range(20)]
        found = await asyncio.gather(*opened, return_exceptions=True)
        assert sum(isinstance(each, DailyAnswersUsed) for each in found) == 17
        granted = [each for each in found if not isinstance(each, BaseException)]
        assert (len(granted), await ledger.answers_today(ann)) == (3, 3)
        for hold in granted:
            await hold.capture(bill(hold._hold_request))
        assert await ledger.answers_today(ann) == 3
