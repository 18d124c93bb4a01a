"""Queries over the journal for alerts. All processes read the same attempts, so they come to the same decisions."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.attempt_record import ABANDONED, ANSWERED, CLOSING, HEDGED, NO_SPEECH, STOPPED, UNREAD
from engine.money import Money
from storage.database.connection import Connection, moment, ms, row, scalar

_NEUTRAL = (
    ABANDONED,
    CLOSING,
    HEDGED,
    NO_SPEECH,
    UNREAD,
    "bad_request",
    "unable",
    "context_too_long",
    "too_big",
    "no_such_model",
)
_SUCCESSES = (ANSWERED, STOPPED)
_A_DAY = timedelta(days=1)
NEEDS_OPERATOR = ("key_refused", "balance_gone")


@dataclass(frozen=True, slots=True)
class Streak:
    """A provider's failures since its latest success; none if `failures` is 0.

    Rate limits are no failures and are counted separately. `last_outcome` and `last_status` are those of the latest
    failure, `since` is the start of the first.
    """

    provider: str
    failures: int
    rate_limited: int
    since: datetime | None
    last_outcome: str
    last_status: int | None
    last_good_at: datetime | None

    @property
    def needs_operator(self) -> bool:
        return self.last_outcome in NEEDS_OPERATOR


@dataclass(frozen=True, slots=True)
class AttemptWindow:
    """A provider's attempts in a span of time; `streak` counts all its failures, consecutive or not."""

    attempts: int
    streak: Streak


@dataclass(frozen=True, slots=True)
class Detour:
    """The prompts that other providers answered instead of this one, with their tokens and cost.

    `model` is the model of this provider's latest kept answer; empty if there is none.
    """

    prompts: int
    input_tokens: int
    output_tokens: int
    cost: Money
    model: str


def providers_seen(conn: Connection, since: datetime) -> list[str]:
    """Return the names of providers with an attempt since then."""
    rows = conn.rows(
        "SELECT DISTINCT provider FROM attempts WHERE started_at >= :since ORDER BY provider", since=ms(since)
    )
    return [found["provider"] for found in rows]


def streak(conn: Connection, provider: str, since: datetime, most: int = 500) -> Streak:
    """Return the failures since the provider's latest success. Only its newest `most` attempts are read."""
    rows = conn.rows(
        "SELECT outcome, status, started_at FROM attempts WHERE provider = :provider AND started_at >= :since"
        " ORDER BY started_at DESC, id DESC LIMIT :most",
        provider=provider,
        since=ms(since),
        most=most,
    )
    failures, rate_limited, first, last_outcome, last_status = 0, 0, None, "", None
    for found in rows:
        outcome = found["outcome"]
        if outcome in _SUCCESSES:
            good_at = moment(found["started_at"])
            return Streak(provider, failures, rate_limited, first, last_outcome, last_status, good_at)
        if outcome == "rate_limited":
            rate_limited += 1
        elif outcome not in _NEUTRAL:
            failures += 1
            first = moment(found["started_at"])
            last_outcome = last_outcome or outcome
            last_status = last_status or found["status"]
    return Streak(provider, failures, rate_limited, first, last_outcome, last_status, None)


def operator_failures(conn: Connection, provider: str, since: datetime) -> list[str]:
    """Return the outcomes among NEEDS_OPERATOR that the provider's attempts had since then."""
    rows = conn.rows(
        "SELECT DISTINCT outcome FROM attempts WHERE provider = :provider AND started_at >= :since ORDER BY outcome",
        provider=provider,
        since=ms(since),
    )
    return [found["outcome"] for found in rows if found["outcome"] in NEEDS_OPERATOR]


def share(conn: Connection, provider: str, start: datetime, end: datetime) -> float:
    """Return the provider's share, 0 to 1, of the kept answers that started in [start, end)."""
    found = row(
        conn,
        "SELECT COUNT(*) AS n, SUM(CASE WHEN provider = :provider THEN 1 ELSE 0 END) AS here FROM attempts"
        " WHERE kept AND started_at >= :start AND started_at < :end",
        provider=provider,
        start=ms(start),
        end=ms(end),
    )
    return float(found["here"] / found["n"]) if found and found["n"] else 0.0


def window(conn: Connection, provider: str, since: datetime) -> AttemptWindow:
    """Count the provider's attempts since then, leaving out the outcomes that its breaker ignores."""
    rows = conn.rows(
        "SELECT outcome, status, started_at FROM attempts WHERE provider = :provider AND started_at >= :since"
        " ORDER BY started_at DESC, id DESC",
        provider=provider,
        since=ms(since),
    )
    bad = [found for found in rows if found["outcome"] not in (*_SUCCESSES, *_NEUTRAL, "rate_limited")]
    good = [found for found in rows if found["outcome"] in _SUCCESSES]
    rate_limited = sum(1 for found in rows if found["outcome"] == "rate_limited")
    return AttemptWindow(
        len(bad) + len(good),
        Streak(
            provider,
            len(bad),
            rate_limited,
            moment(bad[-1]["started_at"]) if bad else None,
            bad[0]["outcome"] if bad else "",
            bad[0]["status"] if bad else None,
            moment(good[0]["started_at"]) if good else None,
        ),
    )


def detour(conn: Connection, provider: str, since: datetime, until: datetime) -> Detour:
    """Sum up the prompts that other providers answered in [since, until) instead of this one.

    Only prompts for a model count for which this provider had an attempt since the day before `since`.
    """
    found = row(
        conn,
        "SELECT COUNT(*) AS n, COALESCE(SUM(cost_nanousd), 0) AS cost, COALESCE(SUM(input_tokens), 0) AS input,"
        " COALESCE(SUM(output_tokens), 0) AS output FROM attempts"
        " WHERE kept AND provider <> :provider AND started_at >= :since AND started_at < :until"
        " AND asked IN (SELECT asked FROM attempts WHERE provider = :provider AND started_at >= :before)",
        provider=provider,
        since=ms(since),
        until=ms(until),
        before=ms(since - _A_DAY),
    )
    model = row(
        conn,
        "SELECT model FROM attempts WHERE provider = :provider AND kept ORDER BY started_at DESC LIMIT 1",
        provider=provider,
    )
    assert found is not None
    tokens = (int(found["input"]), int(found["output"]))
    return Detour(int(found["n"]), *tokens, Money(int(found["cost"])), model["model"] if model else "")


def failed_everywhere(conn: Connection, since: datetime) -> tuple[int, datetime]:
    """Return the number of requests since then that failed at every offer, and the start of the first.

    Such a request has a journal line without a provider and no kept answer. Requests that were abandoned or that were
    at fault themselves don't count.
    """
    found = row(
        conn,
        "SELECT COUNT(DISTINCT request_id) AS n, MIN(started_at) AS at FROM attempts a"
        " WHERE started_at >= :since AND tenant_id IS NOT NULL"
        " AND outcome NOT IN ('abandoned', 'closing', 'bad_request', 'unable', 'context_too_long', 'too_big')"
        " AND NOT EXISTS (SELECT 1 FROM attempts k WHERE k.request_id = a.request_id AND k.kept)"
        " AND request_id IN (SELECT e.request_id FROM attempts e WHERE e.provider = 'none' AND e.started_at >= :since)",
        since=ms(since),
    )
    assert found is not None
    return int(found["n"]), moment(found["at"]) if found["n"] else since


def last_answer_at(conn: Connection) -> datetime | None:
    """Return the start of the latest kept answer, or None if there is none."""
    found = row(conn, "SELECT MAX(started_at) AS at FROM attempts WHERE kept")
    return moment(found["at"]) if found and found["at"] is not None else None


def attempts_since(conn: Connection, provider: str, model: str, since: datetime) -> int:
    """Count the attempts of an offer since then, by all processes."""
    found = scalar(
        conn,
        "SELECT count(*) AS n FROM attempts WHERE provider = :provider AND model = :model AND started_at >= :since",
        provider=provider,
        model=model,
        since=ms(since),
    )
    return int(found or 0)
