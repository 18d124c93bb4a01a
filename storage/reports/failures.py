"""Failures in the journal: a tenant's latest, and a provider's since its last answer."""

from dataclasses import dataclass
from datetime import datetime

from engine.attempt_record import UNREAD
from storage.database.connection import Connection, moment, ms
from storage.reports.journal import FAILURES, MOST_ROWS, NEEDS_OPERATOR, SUCCESSES


@dataclass(frozen=True, slots=True)
class TenantFailure:
    """A failed attempt of a tenant; `model` is empty if no provider could be asked."""

    asked: str
    provider: str
    model: str
    outcome: str
    at: datetime


def last_failure_of(conn: Connection, tenant_id: int) -> TenantFailure | None:
    """Return the tenant's newest attempt that failed, among the newest MOST_ROWS; None if there is none."""
    for found in conn.rows(
        "SELECT asked, provider, model, outcome, started_at FROM attempts WHERE tenant_id = :tenant"
        " ORDER BY day DESC, id DESC LIMIT :most",
        tenant=tenant_id,
        most=MOST_ROWS,
    ):
        if found["outcome"] not in (*SUCCESSES, UNREAD):
            names = (found["asked"], found["provider"], found["model"], found["outcome"])
            return TenantFailure(*names, moment(found["started_at"]))
    return None


def failing_since(conn: Connection, provider: str, since: datetime) -> datetime | None:
    """Return the time of the provider's first failure after its last answer, from `since` on; None if there is none."""
    first = None
    for found in conn.rows(
        "SELECT outcome, started_at FROM attempts WHERE provider = :provider AND started_at >= :since"
        " ORDER BY started_at DESC LIMIT :most",
        provider=provider,
        since=ms(since),
        most=MOST_ROWS,
    ):
        if found["outcome"] in SUCCESSES:
            break
        if found["outcome"] in (*FAILURES, *NEEDS_OPERATOR):
            first = moment(found["started_at"])
    return first
