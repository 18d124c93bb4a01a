"""Units of work that insert one watermark each, alone or in batches, and queries that read them."""

from collections.abc import Callable, Sequence
from typing import Self

from storage.database.connection import Connection
from storage.database.write_queue import BatchUnit, NotBatchable


def insert_mark(name: str, *, fails: bool = False) -> Callable[[Connection], str]:
    """Return a unit of work that inserts `name`, and then raises ValueError if `fails`."""

    def unit(conn: Connection) -> str:
        conn.run("INSERT INTO watermarks (name, value) VALUES (:name, 'x')", name=name)
        if fails:
            raise ValueError(name)
        return name

    return unit


class MarkUnit(BatchUnit):
    """Inserts `name` and returns "alone" or "batch". With `fails`, it raises when alone and refuses a batch."""

    def __init__(self, name: str, *, fails: bool = False) -> None:
        self.name, self.fails = name, fails

    def __call__(self, conn: Connection) -> str:
        conn.run("INSERT INTO watermarks (name, value) VALUES (:name, 'alone')", name=self.name)
        if self.fails:
            raise ValueError(self.name)
        return "alone"

    @classmethod
    def run_batch(cls, conn: Connection, units: Sequence[Self]) -> list[str]:
        for unit in units:
            conn.run("INSERT INTO watermarks (name, value) VALUES (:name, 'batch')", name=unit.name)
        if any(unit.fails for unit in units):
            raise NotBatchable
        return ["batch"] * len(units)


def marks(conn: Connection) -> dict[str, str]:
    """Return the value of each watermark by its name."""
    return {found["name"]: found["value"] for found in conn.rows("SELECT name, value FROM watermarks")}
