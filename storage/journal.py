"""What the journal says of providers: for alerts, which are decided from facts and not from one process's memory."""

from dataclasses import dataclass
from datetime import datetime

from engine.attempt import ABANDONED, ANSWERED, CLOSING, HEDGED, STOPPED, UNREAD
from engine.money import Money
from storage.connection import Connection, moment, ms, row

_SAYS_NOTHING = (
    ABANDONED,
    CLOSING,
    HEDGED,
    UNREAD,
    "bad_request",
    "unable",
    "context_too_long",
    "too_big",
    "no_such_model",
)
_GOOD = (ANSWERED, STOPPED)
NEEDS_MENDING = ("key_refused", "balance_gone")


@dataclass(frozen=True, slots=True)
class Streak:
    """The latest run of failures of one provider; `failures` 0: the last word was good.

    Rate limits break no provider: they are counted beside.
    """

    provider: str
    failures: int
    rate_limited: int
    since: datetime | None
    last_outcome: str
    last_status: int | None
    last_good_at: datetime | None

    @property
    def needs_mending(self) -> bool:
        return self.last_outcome in NEEDS_MENDING


@dataclass(frozen=True, slots=True)
class Detour:
    """What others answered since, and what it cost."""

    prompts: int
    cost: Money


def providers_seen(conn: Connection, since: datetime) -> list[str]:
    rows = conn.rows(
        "SELECT DISTINCT provider FROM attempts WHERE started_at >= :since ORDER BY provider", since=ms(since)
    )
    return [found["provider"] for found in rows]


def streak(conn: Connection, provider: str, since: datetime, most: int = 500) -> Streak:
    """Read back from the newest attempt to the last good one."""
    rows = conn.rows(
        "SELECT outcome, status, started_at FROM attempts WHERE provider = :provider AND started_at >= :since"
        " ORDER BY started_at DESC, id DESC LIMIT :most",
        provider=provider,
        since=ms(since),
        most=most,
    )
    failures, limited, first, last_outcome, last_status = 0, 0, None, "", None
    for found in rows:
        outcome = found["outcome"]
        if outcome in _GOOD:
            return Streak(provider, failures, limited, first, last_outcome, last_status, moment(found["started_at"]))
        if outcome == "rate_limited":
            limited += 1
        elif outcome not in _SAYS_NOTHING:
            failures += 1
            first = moment(found["started_at"])
            last_outcome = last_outcome or outcome
            last_status = last_status or found["status"]
    return Streak(provider, failures, limited, first, last_outcome, last_status, None)


def share(conn: Connection, provider: str, start: datetime, end: datetime) -> float:
    """Of the answers kept in that time, the part that `provider` gave: 0 to 1."""
    found = row(
        conn,
        "SELECT COUNT(*) AS n, SUM(CASE WHEN provider = :provider THEN 1 ELSE 0 END) AS mine FROM attempts"
        " WHERE kept AND started_at >= :start AND started_at < :end",
        provider=provider,
        start=ms(start),
        end=ms(end),
    )
    return float(found["mine"] / found["n"]) if found and found["n"] else 0.0


def detour(conn: Connection, provider: str, since: datetime, until: datetime) -> Detour:
    """Prompts that others answered in that time after this provider had failed them, or while it was out."""
    found = row(
        conn,
        "SELECT COUNT(*) AS n, COALESCE(SUM(cost_nanousd), 0) AS cost FROM attempts"
        " WHERE kept AND provider <> :provider AND started_at >= :since AND started_at < :until",
        provider=provider,
        since=ms(since),
        until=ms(until),
    )
    assert found is not None
    return Detour(int(found["n"]), Money(int(found["cost"])))


def failed_everywhere(conn: Connection, since: datetime) -> int:
    """Requests that somebody failed, or nobody could take, and nobody answered."""
    found = row(
        conn,
        "SELECT COUNT(DISTINCT request_id) AS n FROM attempts a WHERE started_at >= :since AND tenant_id IS NOT NULL"
        " AND outcome NOT IN ('abandoned', 'closing', 'bad_request', 'unable', 'context_too_long', 'too_big')"
        " AND NOT EXISTS (SELECT 1 FROM attempts k WHERE k.request_id = a.request_id AND k.kept)"
        " AND request_id IN (SELECT e.request_id FROM attempts e WHERE e.provider = 'none' AND e.started_at >= :since)",
        since=ms(since),
    )
    assert found is not None
    return int(found["n"])


def last_answer_at(conn: Connection) -> datetime | None:
    found = row(conn, "SELECT MAX(started_at) AS at FROM attempts WHERE kept")
    return moment(found["at"]) if found and found["at"] is not None else None
