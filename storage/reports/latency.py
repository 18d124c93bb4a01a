"""An offer's times to the first token, recently and before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.attempt_record import ANSWERED
from storage.database.connection import Connection, ms

MOST_ROWS = 2000
"""The number of newest answers from which the latency of a span is computed."""


@dataclass(frozen=True, slots=True)
class Latency:
    """The 95th percentile of the times to the first token of `answers` answers, in milliseconds."""

    p95_ms: int
    answers: int


def active_offers(conn: Connection, since: datetime) -> list[tuple[str, str]]:
    """Return (provider, model) of the offers that answered after `since`."""
    rows = conn.rows(
        "SELECT DISTINCT provider, model FROM attempts WHERE started_at >= :since AND outcome = :answered"
        " AND day >= :day ORDER BY provider, model",
        since=ms(since),
        answered=ANSWERED,
        day=int(f"{since:%Y%m%d}"),
    )
    return [(found["provider"], found["model"]) for found in rows]


def latency(conn: Connection, provider: str, model: str, start: datetime, end: datetime) -> Latency | None:
    """Return the latency of the kept answers begun in [start, end); None if there is none."""
    rows = conn.rows(
        "SELECT first_token_ms AS waited FROM attempts WHERE provider = :provider AND model = :model AND kept"
        " AND started_at >= :start AND started_at < :end AND first_token_ms IS NOT NULL"
        " ORDER BY started_at DESC LIMIT :most",
        provider=provider,
        model=model,
        start=ms(start),
        end=ms(end),
        most=MOST_ROWS,
    )
    return _measured([found["waited"] for found in rows])


def _measured(waits: Sequence[int]) -> Latency | None:
    if not waits:
        return None
    ordered = sorted(waits)
    return Latency(ordered[(len(ordered) * 95 - 1) // 100], len(ordered))
