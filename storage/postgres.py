"""PostgreSQL: the same units on a few threads, each with a connection of its own."""

import asyncio
import queue
import random
import threading
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import errors, pq
from psycopg.rows import dict_row

from storage.connection import Row, Statement, to_dollar, to_percent
from storage.jobs import Bell, Closed, Job, Unit

THREADS = 16
TRIES = 5
_SETTINGS = "-c lock_timeout=10s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
_WRITE = b"BEGIN"
_READ = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_AGAIN = (errors.SerializationFailure, errors.DeadlockDetected)


class PostgresConnection:
    """A unit's view of one psycopg connection."""

    dialect = "postgresql"

    def __init__(self, raw: "psycopg.Connection[dict[str, Any]]") -> None:
        self.raw = raw

    def rows(self, sql: str, **values: Any) -> list[Row]:
        cursor = self.raw.execute(to_percent(sql).encode(), values)
        return list(cursor.fetchall()) if cursor.description else []

    def run(self, sql: str, **values: Any) -> int:
        return self.raw.execute(to_percent(sql).encode(), values).rowcount

    def first(self, statement: Statement, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        return prepared(self.raw, statement.postgresql, values)


def prepared(raw: "psycopg.Connection[Any]", sql: str, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """Run a statement that the server has planned once, straight through libpq: a tenth of a cursor's CPU."""
    text, names = to_dollar(sql)
    known: dict[str, bytes] = raw.__dict__.setdefault("farthing_prepared", {})
    name = known.get(text)
    if name is None:
        name = f"farthing_{len(known)}".encode()
        _checked(raw.pgconn.prepare(name, text.encode()))
        known[text] = name
    wire: Any = [_to_wire(values[each]) for each in names]  # the driver's types forget that None is NULL
    result = _checked(raw.pgconn.exec_prepared(name, wire))
    if not result.ntuples:
        return None
    return tuple(_from_wire(result, column) for column in range(result.nfields))


def command(raw: "psycopg.Connection[Any]", sql: bytes) -> pq.abc.PGresult:
    """BEGIN, COMMIT, ROLLBACK."""
    return _checked(raw.pgconn.exec_(sql))


def _checked(result: pq.abc.PGresult) -> pq.abc.PGresult:
    if result.status in {pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK}:
        return result
    raise errors.error_from_result(result)


def _to_wire(value: Any) -> bytes | None:
    if value is None:
        return None
    return b"ft"[value : value + 1] if isinstance(value, bool) else str(value).encode()


def _from_wire(result: pq.abc.PGresult, column: int) -> Any:
    value = result.get_value(0, column)
    if value is None:
        return None
    kind = result.ftype(column)
    if kind in _INTEGERS:
        return int(value)
    return value == b"t" if kind == _BOOL else value.decode()


_INTEGERS, _BOOL = {20, 21, 23}, 16  # pg_type's own numbers: int8, int2, int4; bool


def connect(url: str) -> "psycopg.Connection[dict[str, Any]]":
    return psycopg.connect(
        url,
        autocommit=True,  # BEGIN and COMMIT are the pool's own words
        row_factory=dict_row,
        options=_SETTINGS,
        prepare_threshold=None,  # the driver would forget ours with its own (DEALLOCATE ALL)
        keepalives=1,
        keepalives_idle=10,
        connect_timeout=10,
    )


class Pool:
    """Runs units on threads. A deadlock or conflict runs the whole unit again.

    A connection that turns out to be lost before the unit began is replaced unseen; after that nobody knows
    what stands, and the caller hears of it.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._bell = Bell()
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._free: queue.LifoQueue[psycopg.Connection[dict[str, Any]]] = queue.LifoQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"farthing-postgres-{number}", daemon=True)
            for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, unit: Unit, *, write: bool) -> "asyncio.Future[Any]":
        """Raises Closed after close()."""
        job = Job(unit, write)
        with self._gate:
            if self._closed:
                raise Closed
            self._jobs.put(job)
        return job.waiter

    def close(self) -> None:
        """What was asked for before is still done."""
        with self._gate:
            self._closed = True
            for _ in self._threads:
                self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        while not self._free.empty():
            self._free.get().close()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job.result = self._run(job.unit, job.write)
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever asked
                job.error = error
            self._bell.ring((job,))

    def _run(self, unit: Unit, write: bool) -> Any:
        for attempt in range(TRIES):
            try:
                return self._once(unit, write)
            except _AGAIN:
                if attempt == TRIES - 1:
                    raise
                time.sleep(random.uniform(0.001, 0.01) * (attempt + 1))  # noqa: S311 - so that the other goes first
        raise AssertionError("unreachable")

    def _once(self, unit: Unit, write: bool) -> Any:
        raw = self._begin(_WRITE if write else _READ)
        try:
            result = unit(PostgresConnection(raw))
            command(raw, b"COMMIT")
        except BaseException:
            self._give_up(raw)
            raise
        self._free.put(raw)
        return result

    def _begin(self, begin: bytes) -> "psycopg.Connection[dict[str, Any]]":
        """A connection inside a transaction."""
        while True:
            try:
                raw = self._free.get_nowait()
            except queue.Empty:
                raw = connect(self._url)
                command(raw, begin)
                return raw
            try:
                command(raw, begin)
            except psycopg.DatabaseError:  # it was lost while it rested
                raw.close()
            else:
                return raw

    def _give_up(self, raw: "psycopg.Connection[dict[str, Any]]") -> None:
        """Undo; a connection that can't is thrown away, and the server undoes."""
        try:
            command(raw, b"ROLLBACK")
        except psycopg.Error:
            raw.close()
        else:
            self._free.put(raw)
