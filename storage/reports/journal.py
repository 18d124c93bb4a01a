"""What the journal says of providers: for alerts, which are decided from facts and not from one process's memory."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.attempt_record import ABANDONED, ANSWERED, CLOSING, HEDGED, NO_SPEECH, STOPPED, UNREAD
from engine.money import Money
from storage.database.connection import Connection, moment, ms, row, scalar

_SAYS_NOTHING = (
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
_GOOD = (ANSWERED, STOPPED)
_A_DAY = timedelta(days=1)
NEEDS_OPERATOR = ("key_refused", "balance_gone")


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
    def needs_operator(self) -> bool:
        return self.last_outcome in NEEDS_OPERATOR


@dataclass(frozen=True, slots=True)
class AttemptWindow:
    """All that was tried of one provider in a time; `streak` counts its failures, in a row or not."""

    tries: int
    streak: Streak


@dataclass(frozen=True, slots=True)
class Detour:
    """What others answered meanwhile that would have come here: prompts, tokens, and what that cost.

    `model` is what this provider had answered with last; empty where it never had.
    """

    prompts: int
    input_tokens: int
    output_tokens: int
    cost: Money
    model: str


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


def operator_failures(conn: Connection, provider: str, since: datetime) -> list[str]:
    """Which of NEEDS_OPERATOR it has answered since."""
    rows = conn.rows(
        "SELECT DISTINCT outcome FROM attempts WHERE provider = :provider AND started_at >= :since ORDER BY outcome",
        provider=provider,
        since=ms(since),
    )
    return [found["outcome"] for found in rows if found["outcome"] in NEEDS_OPERATOR]


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


def window(conn: Connection, provider: str, since: datetime) -> AttemptWindow:
    """What counts as a try is what its breaker counts."""
    rows = conn.rows(
        "SELECT outcome, status, started_at FROM attempts WHERE provider = :provider AND started_at >= :since"
        " ORDER BY started_at DESC, id DESC",
        provider=provider,
        since=ms(since),
    )
    bad = [found for found in rows if found["outcome"] not in (*_GOOD, *_SAYS_NOTHING, "rate_limited")]
    good = [found for found in rows if found["outcome"] in _GOOD]
    limited = sum(1 for found in rows if found["outcome"] == "rate_limited")
    return AttemptWindow(
        len(bad) + len(good),
        Streak(
            provider,
            len(bad),
            limited,
            moment(bad[-1]["started_at"]) if bad else None,
            bad[0]["outcome"] if bad else "",
            bad[0]["status"] if bad else None,
            moment(good[0]["started_at"]) if good else None,
        ),
    )


def detour(conn: Connection, provider: str, since: datetime, until: datetime) -> Detour:
    """Prompts that others answered in that time, of the kinds that this provider had been asked."""
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
    """How many requests somebody failed, or nobody could take, and nobody answered; and when the first was asked."""
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
