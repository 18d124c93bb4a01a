"""Outcomes of attempts and times to the first token, from the roll-ups and the attempts journaled since."""

from dataclasses import dataclass
from datetime import date

from engine.attempt_record import ABANDONED, ANSWERED, NO_OFFER, STOPPED, UNDELIVERED
from storage.database.connection import Connection, day_of
from storage.reports import rollups
from storage.reports.rollups import BUCKETS_MS, PER_ATTEMPT, TIMINGS

_NO_FAULT = ("closing", "bad_request", "unable", "context_too_long", "too_big")
_NO_FAILURE = (ANSWERED, STOPPED, ABANDONED, UNDELIVERED, *_NO_FAULT)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The attempts of one provider with the same outcome.

    `within`: the number of attempts whose first token came within each bound of BUCKETS_MS, cumulative.
    """

    provider: str
    outcome: str
    attempts: int
    first_tokens: int
    first_token_ms: int
    within: tuple[int, ...]

    @property
    def is_failure(self) -> bool:
        """True for a provider's failure, including a rate limit; False for a faulty request."""
        return self.provider != NO_OFFER and self.outcome not in _NO_FAILURE

    @property
    def is_unanswered(self) -> bool:
        """True for prompts that no provider could answer."""
        return self.provider == NO_OFFER and self.outcome not in _NO_FAILURE


def rows(conn: Connection, start: date, end: date) -> list[Outcome]:
    """Return the outcomes per provider in a span of UTC days, both included."""
    added = ", ".join(f"SUM({name}) AS {name}" for name in TIMINGS)
    late = ", ".join(f"{PER_ATTEMPT[name]} AS {name}" for name in TIMINGS)
    found = conn.rows(
        f"SELECT provider, outcome, {added} FROM (SELECT provider, outcome, {', '.join(TIMINGS)} FROM provider_days"
        f" WHERE day BETWEEN :start AND :end UNION ALL SELECT provider, outcome, {late} FROM attempts"
        " WHERE id > :mark AND +day BETWEEN :start AND :end) x GROUP BY provider, outcome ORDER BY provider, outcome",
        start=day_of(start),
        end=day_of(end),
        mark=rollups.watermark(conn),
    )
    return [
        Outcome(
            each["provider"],
            each["outcome"],
            int(each["attempts"]),
            int(each["first_tokens"]),
            int(each["first_token_ms"]),
            tuple(int(each[f"le_{ms}"]) for ms in BUCKETS_MS),
        )
        for each in found
    ]
