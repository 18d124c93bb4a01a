"""HoldUnit and CaptureUnit, alone and in batches."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from engine.holds import Grant
from engine.money import ZERO
from engine.tenancy import Charge
from storage.database.connection import Connection, ms
from storage.database.database import Database
from storage.database.write_queue import NotBatchable
from storage.ledger.hold_batches import CaptureRequest
from storage.ledger.ledger import CaptureUnit, HoldUnit
from tests.storage.books import (
    NOW,
    PRO,
    RATES,
    FixedClock,
    bill,
    check_books,
    hold_request,
    take,
    tenant,
)


async def test_units_that_hold_run_in_one_batch_under_one_lease(db: Database) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        units = [HoldUnit(hold_request(owner, name), "lease", FixedClock()) for name in ("a", "b")]
        with pytest.raises(NotBatchable):
            HoldUnit.run_batch(conn, [*units, HoldUnit(hold_request(owner, "c"), "other", FixedClock())])
        grants = HoldUnit.run_batch(conn, units)
        assert [grant.tokens for grant in grants if isinstance(grant, Grant)] == [200, 200]
        found = conn.rows("SELECT request_id, lease_id, created_at FROM holds ORDER BY request_id")
        assert [tuple(each.values()) for each in found] == [("a", "lease", ms(NOW)), ("b", "lease", ms(NOW))]

    await db.write(unit)


async def test_unit_that_holds_alone_holds_the_same(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"))
        assert isinstance(HoldUnit(asked, "lease", FixedClock())(conn), Grant)
        found = conn.rows("SELECT request_id, lease_id, created_at FROM holds")
        assert [tuple(each.values()) for each in found] == [("r1", "lease", ms(NOW))]

    await db.write(unit)


async def test_unit_alone_in_its_batch_needs_no_second_one(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = hold_request(tenant(conn, "1"))
        (grant,) = HoldUnit.run_batch(conn, [HoldUnit(asked, "lease", FixedClock())])
        assert isinstance(grant, Grant)
        capture = CaptureUnit(CaptureRequest(asked, grant, bill(asked)), None, RATES, FixedClock())
        assert CaptureUnit.run_batch(conn, [capture]) == [Charge(ZERO, 150)]

    await db.write(unit)


@pytest.mark.parametrize("together", [True, False])
async def test_units_that_capture_journal_their_worth_and_run_their_steps(db: Database, together: bool) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1", PRO)
        requests = [hold_request(owner, name) for name in ("a", "b")]
        captures = [CaptureRequest(each, take(conn, each), bill(each, 120 + n)) for n, each in enumerate(requests)]
        seen: list[tuple[int, Connection, Charge]] = []
        steps = [lambda conn, charge, n=n: seen.append((n, conn, charge)) for n in range(2)]
        at = FixedClock(NOW + timedelta(minutes=1))
        units = [CaptureUnit(each, step, RATES, at) for each, step in zip(captures, steps, strict=True)]
        charges = CaptureUnit.run_batch(conn, units) if together else [unit(conn) for unit in units]
        assert charges == [Charge(ZERO, 120), Charge(ZERO, 121)]
        assert seen == [(0, conn, charges[0]), (1, conn, charges[1])]
        worth = [each["allowance_nanousd"] for each in conn.rows("SELECT * FROM attempts ORDER BY request_id")]
        assert worth == [round(120 * RATES["pro"]), round(121 * RATES["pro"])]
        assert [each["resolved_at"] for each in conn.rows("SELECT * FROM holds")] == [ms(at.now())] * 2
        check_books(conn)

    await db.write(unit)


async def test_captures_with_other_rates_are_not_batched(db: Database) -> None:
    def unit(conn: Connection) -> None:
        asked = [hold_request(tenant(conn, "1"), name) for name in ("a", "b")]
        captures = [CaptureRequest(each, take(conn, each), bill(each)) for each in asked]
        with pytest.raises(NotBatchable):
            CaptureUnit.run_batch(
                conn,
                [
                    CaptureUnit(captures[0], None, RATES, FixedClock()),
                    CaptureUnit(captures[1], None, dict(RATES), FixedClock()),
                ],
            )

    await db.write(unit)


@pytest.mark.parametrize("more", [{"answers_per_day": 3}, {"member_id": 7}])
async def test_hold_that_is_limited_by_more_than_funds_is_not_batched(db: Database, more: dict[str, int]) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        asked = [hold_request(owner, "a"), replace(hold_request(owner, "b"), **more)]
        with pytest.raises(NotBatchable):
            HoldUnit.run_batch(conn, [HoldUnit(each, "lease", FixedClock()) for each in asked])
        assert conn.rows("SELECT 1 FROM holds") == []

    await db.write(unit)


@pytest.mark.parametrize("is_shown_at_end", [True, False])
def test_hold_syncs_later_if_nothing_is_shown_before_the_capture(is_shown_at_end: bool) -> None:
    asked = replace(hold_request(1), is_shown_at_end=is_shown_at_end)
    assert HoldUnit(asked, "lease", FixedClock()).syncs_later is is_shown_at_end
    capture = CaptureUnit(CaptureRequest(asked, Grant(1, ZERO, 1, (1,)), bill(asked)), None, RATES, FixedClock())
    assert not capture.syncs_later
