import asyncio
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.chat import Usage
from engine.money import Money
from engine.tenancy import Charge
from storage.database.connection import Connection, day_of
from storage.database.database import Database, open_database
from storage.database.postgres import PostgresConnection
from storage.database.sqlite_setup import SqliteConnection
from storage.reports import rollups, usage
from tests import builders
from tests.builders import Unit, journaled

DAY = datetime(2026, 11, 24, tzinfo=UTC)
TABLES = ("tenant_days", "house_days", "provider_days")
PLAIN = """
SELECT day, model, provider, SUM(CASE WHEN kept THEN 1 ELSE 0 END) AS prompts,
  SUM(CASE WHEN kept THEN input_tokens ELSE 0 END) AS input_tokens,
  SUM(CASE WHEN kept THEN output_tokens ELSE 0 END) AS output_tokens, SUM(allowance_tokens) AS allowance_tokens,
  SUM(charge_nanousd) AS charge, SUM(cost_nanousd - waste_nanousd) AS cost, SUM(waste_nanousd) AS waste,
  SUM(allowance_nanousd) AS worth
FROM attempts WHERE day BETWEEN :start AND :end AND (:tenant = 0 OR tenant_id = :tenant)
GROUP BY day, model, provider HAVING SUM(CASE WHEN kept THEN 1 ELSE 0 END) > 0 OR SUM(cost_nanousd) > 0
ORDER BY day, model, provider
"""


def attempt(number: int, **changes: Any) -> Unit:
    """Journal a kept answer of 30 + 20 tokens that cost 100, of which 10 are waste; charged 70 and 5 tokens."""
    given: dict[str, Any] = {"tenant": 1, "key": None, "kept": True, "at": DAY + timedelta(hours=12), "cost": 100,
                             "waste": 10, "first": 300, **changes}  # fmt: skip
    plain = {name: given[name] for name in ("provider", "model", "outcome") if name in given}
    record = builders.attempt(
        request_id=f"r{number}",
        tenant_id=given["tenant"],
        key_id=given["key"],
        started_at=given["at"],
        first_token_ms=given["first"],
        usage=Usage(30, 20),
        cost=Money(given["cost"]),
        waste=Money(given["waste"]),
        kept=given["kept"],
        **plain,
    )
    return journaled(record, Charge(Money(70), 5), Money(25)) if given["kept"] else journaled(record)


def record_all(conn: Connection, attempts: Iterable[Unit]) -> None:
    for each in attempts:
        each(conn)


def content(conn: Connection) -> list[list[tuple[Any, ...]]]:
    return [sorted(tuple(row.values()) for row in conn.rows(f"SELECT * FROM {table}")) for table in TABLES]


def plain_scan(conn: Connection, start: date, end: date, tenant: int | None = None) -> list[tuple[Any, ...]]:
    found = conn.rows(PLAIN, start=day_of(start), end=day_of(end), tenant=tenant or 0)
    return [
        tuple(int(value) if name not in {"model", "provider"} else value for name, value in row.items())
        for row in found
    ]


def flat(rows: list[usage.UsageRow]) -> list[tuple[Any, ...]]:
    return [
        (
            day_of(row.day),
            row.model,
            row.provider,
            row.prompts,
            row.input_tokens,
            row.output_tokens,
            row.allowance_tokens,
            row.charge.nanousd,
            row.cost.nanousd,
            row.waste.nanousd,
            row.allowance_worth.nanousd,
        )
        for row in rows
    ]


async def test_answer_counts_once_before_and_after_the_roll_up(db: Database) -> None:
    for number in range(3):
        await db.write(partial(record_all, attempts=[attempt(number)]))
        (row,) = await db.read(lambda conn: usage.rows(conn, DAY.date(), DAY.date()))
        assert (row.prompts, row.charge, row.cost, row.waste) == (
            number + 1,
            Money(70 * (number + 1)),
            Money(90 * (number + 1)),
            Money(10 * (number + 1)),
        )
        assert row.margin == Money((70 + 25 - 90 - 10) * (number + 1))
        await rollups.catch_up(db)
        assert await db.read(lambda conn: usage.rows(conn, DAY.date(), DAY.date())) == [row]


async def test_attempt_without_a_kept_answer_counts_only_its_waste(db: Database) -> None:
    lost = attempt(1, kept=False, outcome="cut", cost=100, waste=100)
    free = attempt(2, kept=False, outcome="overloaded", cost=0, waste=0, provider="gemini")
    for rolled in (False, True):
        if rolled:
            await rollups.catch_up(db)
        else:
            await db.write(lambda conn: record_all(conn, [lost, free]))
        (row,) = await db.read(lambda conn: usage.rows(conn, DAY.date(), DAY.date()))
        assert (row.provider, row.prompts, row.tokens, row.cost, row.waste) == ("deepseek", 0, 0, Money(0), Money(100))


async def test_span_of_utc_days_includes_both_ends(db: Database) -> None:
    last, first = DAY + timedelta(hours=23, minutes=59), DAY + timedelta(days=1)
    await db.write(lambda conn: record_all(conn, [attempt(1, at=last), attempt(2, at=first)]))
    await rollups.catch_up(db)
    today, tomorrow = DAY.date(), first.date()
    rows = await db.read(lambda conn: usage.rows(conn, today, tomorrow))
    assert [row.day for row in rows] == [today, tomorrow]
    assert [row.day for row in await db.read(lambda conn: usage.rows(conn, today, today))] == [today]


async def test_tenant_sees_its_own_usage_and_probes_count_as_waste(db: Database) -> None:
    probe = attempt(3, tenant=None, kept=False, cost=7, waste=7)
    await db.write(lambda conn: record_all(conn, [attempt(1), attempt(2, tenant=2, key=9), probe]))
    for _ in range(2):
        (own,) = await db.read(lambda conn: usage.rows(conn, DAY.date(), DAY.date(), 2))
        (all_,) = await db.read(lambda conn: usage.rows(conn, DAY.date(), DAY.date()))
        assert (own.prompts, all_.prompts, all_.waste) == (1, 2, Money(27))
        assert await db.read(lambda conn: usage.provider_spend(conn, DAY.date(), DAY.date())) == Money(207)
        await rollups.catch_up(db)


async def test_rebuilt_roll_ups_are_the_same(db: Database) -> None:
    several = [attempt(n, tenant=n % 3 or None, at=DAY + timedelta(hours=7 * n), first=n * 200) for n in range(30)]
    for start in range(0, 30, 7):
        await db.write(partial(record_all, attempts=several[start : start + 7]))
        end = await db.write(rollups.last_committed)
        while await db.write(partial(rollups.roll_up_chunk, end=end, most=3)) is not None:
            pass
    before = await db.read(content)
    assert await rollups.rebuild(db) == 30
    assert await db.read(content) == before
    assert all(before)


async def test_two_processes_roll_up_nothing_twice(url: str) -> None:
    async with open_database(url) as one, open_database(url) as two:
        await one.write(lambda conn: record_all(conn, [attempt(n) for n in range(50)]))
        end = await one.write(rollups.last_committed)
        for _ in range(60):
            await one.write(lambda conn: rollups.roll_up_chunk(conn, end, most=1))
            await two.write(lambda conn: rollups.roll_up_chunk(conn, end, most=1))
        (row,) = await one.read(lambda conn: usage.rows(conn, DAY.date(), DAY.date()))
        assert row.prompts == 50


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_roll_up_waits_for_an_id_that_is_committed_late(url: str) -> None:
    """PostgreSQL assigns ids before the commit, so a lower id may become visible after a higher one.

    SQLite has one writer, so its ids are committed in order.
    """
    async with open_database(url) as db:
        late = psycopg.connect(url, autocommit=True, row_factory=psycopg.rows.dict_row)
        late.execute("BEGIN")
        record_all(PostgresConnection(late), [attempt(1)])
        await db.write(lambda conn: record_all(conn, [attempt(2)]))
        reading = asyncio.ensure_future(db.write(rollups.last_committed))
        waiting = "SELECT COUNT(*) AS n FROM pg_locks WHERE NOT granted"
        while not (await db.read(lambda conn: conn.rows(waiting)))[0]["n"]:
            assert not reading.done(), "the roll-up did not wait"
        late.execute("COMMIT")
        late.close()
        assert await reading == 2
        await rollups.catch_up(db)
        (row,) = await db.read(lambda conn: usage.rows(conn, DAY.date(), DAY.date()))
        assert row.prompts == 2


attempts_made: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict,
        tenant=st.sampled_from([None, 1, 2]),
        key=st.sampled_from([None, 4]),
        kept=st.booleans(),
        at=st.integers(0, 90).map(lambda hours: DAY + timedelta(hours=hours)),
        provider=st.sampled_from(["a", "b"]),
        model=st.sampled_from(["m", "n"]),
        cost=st.integers(0, 3),
        waste=st.just(0),
        first=st.sampled_from([None, 250, 251, 20_000]),
    ),
    max_size=40,
)


@pytest.mark.parametrize("rolled", [0, 5, 40])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=attempts_made)
def test_usage_equals_a_plain_scan_of_the_journal(
    sqlite_template: Any, tmp_path_factory: pytest.TempPathFactory, rolled: int, made: list[dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("plain") / "farthing.db"
    shutil.copyfile(sqlite_template, path)
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        conn = SqliteConnection(raw)
        raw.execute("BEGIN")
        record_all(conn, [attempt(n, **each) for n, each in enumerate(made)])
        rollups.roll_up_chunk(conn, min(rolled, len(made)), most=100)
        start, end = DAY.date(), DAY.date() + timedelta(days=2)
        for tenant in (None, 1):
            assert flat(usage.rows(conn, start, end, tenant)) == plain_scan(conn, start, end, tenant)
