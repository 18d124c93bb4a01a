"""Queries over the journal for alerts. All processes read the same attempts, so they come to the same decisions."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.attempt_record import ANSWERED, STOPPED, UNDELIVERED, UNREAD
from engine.errors import ProviderError
from engine.money import Money
from storage.database.connection import Connection, Row, moment, ms, row, scalar

SUCCESSES = (ANSWERED, STOPPED)
_A_DAY = timedelta(days=1)
_FOREVER = datetime(9999, 1, 1, tzinfo=UTC)
MOST_ROWS = 500
"""The number of newest attempts of each offer that are read."""
MOST_SCANNED = 50_000
"""The number of newest attempts of a provider that are searched for those of one offer."""
FAILURES = frozenset(error.outcome for error in ProviderError.__subclasses__() if error.counts)
NEEDS_OPERATOR = ("key_refused", "balance_gone")


@dataclass(frozen=True, slots=True)
class JournaledAttempt:
    """One attempt as its breaker counts it. `first_token_at` None: no content came."""

    number: int
    request_id: str
    model: str
    outcome: str
    status: int | None
    began_at: datetime
    first_token_at: datetime | None
    ended_at: datetime

    @property
    def has_failed(self) -> bool:
        """True for a failure that counts against the offer."""
        return self.outcome in FAILURES

    @property
    def good_at(self) -> datetime | None:
        """The time at which it was known to answer, even if it failed later; None if it never did."""
        if self.first_token_at is not None or self.outcome not in SUCCESSES:
            return self.first_token_at
        return self.ended_at


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request whose hold is open: its running attempt is not in the journal yet."""

    request_id: str
    began_at: datetime


@dataclass(frozen=True, slots=True)
class Detour:
    """The prompts that other providers or offers answered instead of this one, with their tokens and cost.

    `model` is the model of the latest kept answer there; empty if there is none.
    """

    prompts: int
    input_tokens: int
    output_tokens: int
    cost: Money
    model: str


def failing_models(conn: Connection, provider: str, since: datetime) -> list[str]:
    """Return the models of the provider that had a failure, or a refused key, after `since`."""
    rows = conn.rows(
        "SELECT DISTINCT model, outcome FROM attempts WHERE provider = :provider AND started_at >= :since",
        provider=provider,
        since=ms(since),
    )
    return sorted({found["model"] for found in rows if found["outcome"] in (*FAILURES, *NEEDS_OPERATOR)})


def attempts_of(
    conn: Connection,
    provider: str,
    models: Iterable[str],
    since: datetime,
    most: int = MOST_ROWS,
    *,
    until: datetime = _FOREVER,
) -> list[JournaledAttempt]:
    """Return the provider's newest attempts in [since, until): `most` of any model, and `most` of each of `models`."""
    found = {}
    for model in (None, *models):
        for each in conn.rows(
            _ATTEMPTS if model is None else _ATTEMPTS_OF_MODEL,
            provider=provider,
            since=ms(since),
            until=ms(until),
            most=most,
            **({} if model is None else {"model": model, "scanned": MOST_SCANNED}),
        ):
            found[each["id"]] = each
    return [_attempt(found[number]) for number in sorted(found)]


def open_requests(conn: Connection, since: datetime) -> list[OpenRequest]:
    """Return the requests begun after `since` whose hold is open, so that an attempt may be running."""
    rows = conn.rows(
        "SELECT request_id, created_at FROM holds WHERE state = 'open' AND created_at >= :since"
        " ORDER BY created_at, request_id",
        since=ms(since),
    )
    return [OpenRequest(found["request_id"], moment(found["created_at"])) for found in rows]


def operator_failures(conn: Connection, provider: str, since: datetime) -> list[str]:
    """Return the outcomes among NEEDS_OPERATOR that the provider's attempts had after `since`."""
    rows = conn.rows(
        "SELECT DISTINCT outcome FROM attempts WHERE provider = :provider AND started_at >= :since ORDER BY outcome",
        provider=provider,
        since=ms(since),
    )
    return [found["outcome"] for found in rows if found["outcome"] in NEEDS_OPERATOR]


def share(conn: Connection, provider: str, start: datetime, end: datetime, model: str = "") -> float:
    """Return the share, 0 to 1, of the kept answers begun in [start, end) that the provider, or its `model`, gave."""
    found = row(
        conn,
        f"SELECT COUNT(*) AS n, SUM(CASE WHEN {_HERE} THEN 1 ELSE 0 END) AS here FROM attempts"
        " WHERE kept AND started_at >= :start AND started_at < :end",
        provider=provider,
        model=model,
        start=ms(start),
        end=ms(end),
    )
    return float(found["here"] / found["n"]) if found and found["n"] else 0.0


def detour(conn: Connection, provider: str, since: datetime, until: datetime, model: str = "") -> Detour:
    """Sum up the prompts in [since, until) that others answered instead of the provider, or instead of its `model`.

    Only prompts are counted for models that were tried here since the day before `since`.
    """
    found = row(
        conn,
        "SELECT COUNT(*) AS n, COALESCE(SUM(cost_nanousd), 0) AS cost, COALESCE(SUM(input_tokens), 0) AS input,"
        f" COALESCE(SUM(output_tokens), 0) AS output {_OF_OTHERS}",
        provider=provider,
        model=model,
        since=ms(since),
        until=ms(until),
        before=ms(since - _A_DAY),
    )
    latest = row(
        conn,
        f"SELECT model FROM attempts WHERE {_HERE} AND kept ORDER BY started_at DESC LIMIT 1",
        provider=provider,
        model=model,
    )
    assert found is not None
    tokens = (int(found["input"]), int(found["output"]))
    return Detour(int(found["n"]), *tokens, Money(int(found["cost"])), latest["model"] if latest else "")


def detours(conn: Connection, provider: str, model: str, since: datetime, until: datetime) -> list[Detour]:
    """Return the sums of `detour`, one for each offer that answered instead.

    `model`: the model of the avoided offer.
    """
    rows = conn.rows(
        "SELECT COUNT(*) AS n, SUM(cost_nanousd) AS cost, SUM(input_tokens) AS input, SUM(output_tokens) AS output"
        f" {_OF_OTHERS} GROUP BY provider, model",
        provider=provider,
        model=model,
        since=ms(since),
        until=ms(until),
        before=ms(since - _A_DAY),
    )
    return [
        Detour(int(each["n"]), int(each["input"]), int(each["output"]), Money(int(each["cost"])), model)
        for each in rows
    ]


def waste(conn: Connection, provider: str, model: str, since: datetime) -> Money:
    """Return the waste of an offer's attempts after `since`."""
    found = scalar(
        conn,
        "SELECT COALESCE(SUM(waste_nanousd), 0) AS n FROM attempts"
        " WHERE provider = :provider AND model = :model AND started_at >= :since",
        provider=provider,
        model=model,
        since=ms(since),
    )
    return Money(int(found or 0))


@dataclass(frozen=True, slots=True)
class Unanswered:
    """The requests for a model that failed at every offer: their number, and the start of the first.

    `providers`: those where the requests were attempted.
    """

    asked: str
    count: int
    first_at: datetime
    providers: frozenset[str]


def failed_everywhere(conn: Connection, since: datetime, until: datetime, after: int = 0) -> list[Unanswered]:
    """Return the requests in [since, until) that failed at every offer, by the model that they asked for.

    Such a request has a journal line without a provider, after the line `after`, and no kept answer. Requests that were
    abandoned or that were at fault themselves don't count.
    """
    rows = conn.rows(
        "SELECT asked, provider, request_id, started_at FROM attempts a"
        " WHERE started_at >= :since AND started_at < :until AND id > :after AND tenant_id IS NOT NULL"
        " AND outcome NOT IN ('abandoned', 'closing', 'bad_request', 'unable', 'context_too_long', 'too_big')"
        " AND NOT EXISTS (SELECT 1 FROM attempts k WHERE k.request_id = a.request_id AND k.kept)"
        " AND request_id IN (SELECT e.request_id FROM attempts e WHERE e.provider = 'none' AND e.started_at >= :since)",
        since=ms(since),
        until=ms(until),
        after=after,
    )
    return [_unanswered(asked, [each for each in rows if each["asked"] == asked]) for asked in _distinct(rows, "asked")]


def _unanswered(asked: str, rows: list[Row]) -> Unanswered:
    first = moment(min(each["started_at"] for each in rows))
    providers = frozenset(_distinct(rows, "provider")) - {"none"}
    return Unanswered(asked, len(_distinct(rows, "request_id")), first, providers)


def _distinct(rows: list[Row], column: str) -> list[str]:
    return sorted({each[column] for each in rows})


def last_answer(conn: Connection, until: datetime) -> tuple[datetime | None, int]:
    """Return the start of the latest kept answer before `until` among those journaled last, and the last one's number.

    Only the end of the table is read, so that the time does not depend on its length.
    """
    latest = "SELECT id, started_at FROM attempts WHERE kept ORDER BY id DESC LIMIT 100"
    sql = (
        f"SELECT MAX(CASE WHEN started_at < :until THEN started_at END) AS at, MAX(id) AS id FROM ({latest}) AS latest"
    )
    found = row(conn, sql, until=ms(until))
    assert found is not None
    return None if found["at"] is None else moment(found["at"]), found["id"] or 0


def attempts_since(conn: Connection, provider: str, model: str, since: datetime) -> int:
    """Count the attempts of an offer after `since`, by all processes."""
    found = scalar(
        conn,
        "SELECT count(*) AS n FROM attempts WHERE provider = :provider AND model = :model AND started_at >= :since",
        provider=provider,
        model=model,
        since=ms(since),
    )
    return int(found or 0)


_HERE = "provider = :provider AND (:model = '' OR model = :model)"
_OF_OTHERS = (
    f"FROM attempts WHERE kept AND NOT ({_HERE}) AND started_at >= :since AND started_at < :until"
    f" AND asked IN (SELECT asked FROM attempts WHERE {_HERE} AND started_at >= :before)"
)


def _attempt(found: Row) -> JournaledAttempt:
    began_at = moment(found["started_at"])
    first_token_ms = found["first_token_ms"]
    return JournaledAttempt(
        number=found["id"],
        request_id=found["request_id"],
        model=found["model"],
        outcome=found["outcome"],
        status=found["status"],
        began_at=began_at,
        first_token_at=None if first_token_ms is None else began_at + timedelta(milliseconds=first_token_ms),
        ended_at=began_at + timedelta(milliseconds=found["duration_ms"]),
    )


_COLUMNS = "id, request_id, model, outcome, status, started_at, first_token_ms, duration_ms"
_NO_ATTEMPTS = f"('{UNREAD}', '{UNDELIVERED}')"
_OF_PROVIDER = (
    "FROM attempts WHERE provider = :provider AND started_at >= :since AND started_at < :until"
    f" AND outcome NOT IN {_NO_ATTEMPTS}"
)
_NEWEST = "ORDER BY started_at DESC, id DESC LIMIT"
_ATTEMPTS = f"SELECT {_COLUMNS} {_OF_PROVIDER} {_NEWEST} :most"
_ATTEMPTS_OF_MODEL = (
    f"SELECT {_COLUMNS} FROM (SELECT {_COLUMNS} {_OF_PROVIDER} {_NEWEST} :scanned) AS newest"
    f" WHERE model = :model {_NEWEST} :most"
)
