"""Attempts with tokens, cost and status, and their charges, for tests of the reports."""

from typing import Any

from engine.attempt_record import AttemptRecord
from engine.chat import Usage
from engine.money import ZERO, Money
from engine.tenancy import Charge
from storage.database.connection import Connection
from tests import builders
from tests.builders import NOON, journaled

__all__ = ["NOON"]


def attempt(request_id: str = "r1", **changes: Any) -> AttemptRecord:
    """Return a kept answer of 30 + 20 tokens that cost 100 nano-dollars, with `changes` to its fields."""
    return builders.attempt(
        **{"request_id": request_id, "usage": Usage(30, 20), "cost": Money(100), "kept": True, "status": 200, **changes}
    )


def failure(request_id: str = "r1", outcome: str = "overloaded", **changes: Any) -> AttemptRecord:
    """Return an attempt that failed before the first token and cost nothing, with `changes` to its fields."""
    return builders.attempt(**{"request_id": request_id, "outcome": outcome, "status": 503, **changes})


def write(conn: Connection, *attempts: AttemptRecord, charge: Charge | None = None, worth: Money = ZERO) -> None:
    """Journal the attempts. Kept ones are charged `charge`; `worth`: the worth of its allowance tokens."""
    for each in attempts:
        journaled(each, charge if each.kept else None, worth if each.kept else ZERO)(conn)
