"""Batches of holds and captures, which give the same results and rows as single units."""

import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from engine.errors import HoldLost
from engine.holds import Fit, Grant, HoldRequest
from engine.tenancy import Charge
from storage.billing import plans
from storage.database import sqlite_setup
from storage.database.connection import Connection
from storage.database.write_queue import NotBatchable
from storage.ledger import hold_batches, holds
from storage.ledger.hold_batches import CaptureRequest
from storage.tenants import api_keys
from storage.tenants.api_keys import KeySettings
from tests.storage.books import DOUBLE, FLAT, FREE, NOW, PRO, RATES, bill, check_books, hold_request, take, tenant
from tests.storage.conftest import Server
from tests.storage.process import Raw, connection

T = TypeVar("T")
TABLES = {"accounts": "tenant_id", "api_keys": "id", "holds": "request_id", "attempts": "request_id",
          "transfers": "ref", "receipts": "tenant_id"}  # fmt: skip
QUICK = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@dataclass(frozen=True)
class Case:
    """A hold request and the tokens of its answer."""

    who: int
    size: int
    tokens: int
    flat: bool
    keyed: bool

    def hold_request(self, number: int, owners: Sequence[int], key: int) -> HoldRequest:
        keyed = key if self.keyed and self.who == 0 else None
        return hold_request(owners[self.who], f"r{number}", tariff=FLAT if self.flat else DOUBLE,
                            input_tokens=self.size, output_tokens=self.size, key_id=keyed)  # fmt: skip


cases = st.lists(
    st.builds(
        Case,
        who=st.integers(0, 2),
        size=st.sampled_from([100, 10, 350, 800]),
        tokens=st.sampled_from([120, 0, 5, 400, 5000]),
        flat=st.booleans(),
        keyed=st.booleans(),
    ),
    min_size=1,
    max_size=8,
)


@pytest.fixture(params=["sqlite", "postgresql"])
def raw(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Raw]:
    if request.param == "sqlite":
        shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "x.db")
        with sqlite_setup.connect(str(tmp_path / "x.db"), writer=True) as opened:
            yield opened
        opened.close()
        return
    server: Server = request.getfixturevalue("postgres_server")
    url = server.create(f"t{uuid.uuid4().hex}", request.getfixturevalue("postgres_template"))
    with psycopg.connect(url, autocommit=True, row_factory=dict_row, prepare_threshold=None) as other:
        yield other


def rolled_back(raw: Raw, unit: Callable[[Connection], T]) -> T:
    """Run `unit` and roll it back; return its result."""
    raw.execute("BEGIN")
    try:
        return unit(connection(raw))
    finally:
        raw.execute("ROLLBACK")


def both(raw: Raw, alone: Callable[[Connection], T], batch: Callable[[Connection], T]) -> tuple[T, T]:
    """Return (result, rows written) of both units, each run on the same data."""
    found: list[Any] = []
    for unit in (alone, batch):
        raw.execute("SAVEPOINT same")
        conn = connection(raw)
        found.append((unit(conn), rows(conn)))
        check_books(conn)
        raw.execute("ROLLBACK TO same")
    return found[0], found[1]


def rows(conn: Connection) -> dict[str, Any]:
    """Return all rows that a hold or a capture may write, without the ids of the rows."""
    return {
        table: [{**row, "id": 0} for row in conn.rows(f"SELECT * FROM {table} ORDER BY {key}")]
        for table, key in TABLES.items()
    }


def owners_and_key(conn: Connection) -> tuple[list[int], int]:
    """Create three tenants (little money and an API key; no money; much money); return their ids and the key."""
    made = [tenant(conn, "0.002", FREE), tenant(conn, "0", FREE), tenant(conn, "9", PRO)]
    key = api_keys.add(conn, made[0], api_keys.new_key(), KeySettings(name="k", tokens_per_month=900), NOW).id
    conn.run("UPDATE api_keys SET month = 202611")  # as if its first hold of the month had been made
    return made, key


@QUICK
@given(drawn=cases)
def test_batch_of_holds_equals_holds_one_by_one(raw: Raw, drawn: list[Case]) -> None:
    def unit(conn: Connection) -> None:
        owners, key = owners_and_key(conn)
        bids = [case.hold_request(number, owners, key) for number, case in enumerate(drawn)]
        one_by_one, together = both(
            raw,
            lambda conn: [holds.hold(conn, each, "L", NOW) for each in bids],
            lambda conn: hold_batches.hold(conn, bids, "L", NOW),
        )
        assert together == one_by_one

    rolled_back(raw, unit)


def _flat(size: int, tokens: int, *, keyed: bool = False) -> Case:
    return Case(who=0, size=size, tokens=tokens, flat=True, keyed=keyed)


# Each answer of one tenant leaves allowance for the next, uses it, or has none left; then of a past period.
@QUICK
@given(drawn=cases, new_period=st.booleans())
@example(drawn=[_flat(350, 5), _flat(200, 400), _flat(100, 120)], new_period=False)
@example(drawn=[_flat(350, 600), _flat(200, 400), _flat(100, 120)], new_period=False)
@example(drawn=[_flat(350, 700), _flat(350, 600)], new_period=True)
@example(drawn=[_flat(100, 120, keyed=True), _flat(100, 5, keyed=True)], new_period=False)
def test_batch_of_captures_equals_captures_one_by_one(raw: Raw, drawn: list[Case], new_period: bool) -> None:
    def unit(conn: Connection) -> None:
        owners, key = owners_and_key(conn)
        bids = [case.hold_request(number, owners, key) for number, case in enumerate(drawn)]
        sized = [holds.hold(conn, each, "L", NOW) for each in bids]
        if new_period:
            plans.start_plan(conn, owners[0], FREE, NOW)
        answers = [
            CaptureRequest(each, grant, bill(each, case.tokens))
            for case, each, grant in zip(drawn, bids, sized, strict=True)
            if isinstance(grant, Grant)
        ]
        one_by_one, together = both(
            raw,
            lambda conn: [holds.capture(conn, *answer, rates=RATES, now=NOW) for answer in answers],
            lambda conn: hold_batches.capture(conn, answers, RATES, NOW),
        )
        assert together == one_by_one

    rolled_back(raw, unit)


def test_special_holds_are_not_batchable(raw: Raw) -> None:
    def unit(conn: Connection) -> None:
        owners, key = owners_and_key(conn)
        tried = hold_request(owners[2], "tried")
        holds.void(conn, _held(conn, tried).hold_id, NOW)
        again, short_of_money = hold_request(owners[2], "tried", epoch=2), hold_request(owners[1], "x", tariff=DOUBLE)
        paid = hold_request(owners[1], "paid", output_tokens=64)
        holds.capture(conn, paid, take(conn, paid), bill(paid), rates=RATES, now=NOW)
        poor = hold_request(owners[1], "paid", tariff=DOUBLE, epoch=2)
        duplicates = [hold_request(owners[2], "duplicate"), hold_request(owners[2], "duplicate")]
        new_month = hold_request(owners[0], "m", key_id=key)
        unpaid_duplicate = [
            hold_request(owners[0], "u"),
            hold_request(owners[0], "u", tariff=DOUBLE, input_tokens=10**6),
        ]
        unknown = [hold_request(10**6, "no tenant")], [hold_request(owners[0], "no key", key_id=10**6)]
        for special in ([again], [poor], duplicates, unpaid_duplicate, *unknown):
            _assert_not_batchable(
                raw, partial(hold_batches.hold, hold_requests=[short_of_money, *special], lease_id="L", now=NOW)
            )
        conn.run("UPDATE api_keys SET month = 202610")
        _assert_not_batchable(raw, lambda conn: hold_batches.hold(conn, [short_of_money, new_month], "L", NOW))

    rolled_back(raw, unit)


def test_a_capture_of_a_hold_that_is_gone_or_drawn_twice_is_done_assert_not_batchable(raw: Raw) -> None:
    def unit(conn: Connection) -> None:
        owner = tenant(conn, "1")
        one, other = hold_request(owner, "a"), hold_request(owner, "b")
        answers = [CaptureRequest(each, take(conn, each), bill(each)) for each in (one, other)]
        _assert_not_batchable(raw, lambda conn: hold_batches.capture(conn, [*answers, answers[0]], RATES, NOW))
        holds.void(conn, one.hold_id, NOW)
        _assert_not_batchable(raw, lambda conn: hold_batches.capture(conn, answers, RATES, NOW))
        with pytest.raises(HoldLost):
            holds.capture(conn, *answers[0], rates=RATES, now=NOW)
        assert isinstance(holds.capture(conn, *answers[1], rates=RATES, now=NOW), Charge)

    rolled_back(raw, unit)


def test_special_characters_in_ids_are_stored_unchanged(raw: Raw) -> None:
    def unit(conn: Connection) -> None:
        names = ['a "quoted" \\ back', "{braces}, comma", "NULL", "Ünï\ncode \U0001f600 ' ; --", " "]
        bids = [hold_request(tenant(conn, "1"), name) for name in names]
        assert all(isinstance(each, Grant) for each in hold_batches.hold(conn, bids, 'le"ase', NOW))
        found = conn.rows("SELECT request_id, lease_id, key_id FROM holds")
        assert {(each["request_id"], each["lease_id"], each["key_id"]) for each in found} == {
            (name, 'le"ase', None) for name in names
        }

    rolled_back(raw, unit)


def _held(conn: Connection, asked: HoldRequest) -> HoldRequest:
    take(conn, asked)
    return asked


def _assert_not_batchable(raw: Raw, unit: Callable[[Connection], Sequence[Fit] | Sequence[Charge]]) -> None:
    raw.execute("SAVEPOINT alone")
    with pytest.raises(NotBatchable):
        unit(connection(raw))
    raw.execute("ROLLBACK TO alone")
